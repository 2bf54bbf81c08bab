"""Python's own clients, smtplib and poplib: every call that they have."""

import poplib
import re
import smtplib
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from .faults import DOMAIN
from .process import HOST, PATIENCE, Account, ServerProcess


def smtp(server: ServerProcess) -> smtplib.SMTP:
    return smtplib.SMTP(HOST, server.smtp, "mypc", PATIENCE)


def pop3(server: ServerProcess, student: Account) -> poplib.POP3:
    """A client that has opened the student's maildrop."""
    client = poplib.POP3(HOST, server.pop3, PATIENCE)
    client.user(student.number)
    client.pass_(student.number)
    return client


# smtplib


def test_ehlo_says_what_the_server_can_do(server: ServerProcess) -> None:
    with smtp(server) as client:
        assert client.ehlo()[0] == 250
        assert client.esmtp_features == {
            "pipelining": "",
            "size": str(10 * 1024 * 1024),
            "8bitmime": "",
            "smtputf8": "",
            "enhancedstatuscodes": "",
            "auth": " PLAIN LOGIN",
            "expn": "",
            "help": "",
        }


def test_without_a_name_of_its_own_smtplib_is_understood(
    server: ServerProcess, student: Account
) -> None:
    with smtplib.SMTP(HOST, server.smtp, timeout=PATIENCE) as client:
        client.sendmail(student.address, student.address, b"Subject: x\n\nx\n")
    assert len(student.mail()) == 1


def test_the_small_commands(server: ServerProcess) -> None:
    with smtp(server) as client:
        assert client.helo() == (250, f"{DOMAIN} at your service, mypc".encode())
        assert client.noop()[0] == 250
        assert client.rset()[0] == 250
        assert client.verify("22000001")[0] == client.vrfy("22000001")[0] == 252
        assert client.expn("nobodys-list")[0] == 550
        assert b"MAIL FROM" in client.help()
        assert client.help("rcpt").startswith(b"2.0.0 RCPT TO")
        assert client.docmd("HELP", "CARROTS")[0] == 504
        assert client.quit()[0] == 221


def test_login(server: ServerProcess, student: Account) -> None:
    with smtp(server) as client:
        assert client.login(student.number, student.number)[0] == 235
        client.sendmail(student.address, student.address, b"Subject: x\n\nx\n")
    assert f"(logged in as {student.number})".encode() in student.stored()[0]


@pytest.mark.parametrize("initial_response_ok", [True, False])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_each_mechanism(
    server: ServerProcess, student: Account, mechanism: str, initial_response_ok: bool
) -> None:
    with smtp(server) as client:
        client.ehlo()
        client.user, client.password = student.address, student.number
        answer = getattr(client, f"auth_{mechanism.lower()}")
        assert client.auth(mechanism, answer, initial_response_ok=initial_response_ok)[0] == 235


def test_a_wrong_password_and_a_mechanism_that_is_not_offered(
    server: ServerProcess, student: Account
) -> None:
    with smtp(server) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError) as wrong:
            client.login(student.number, "my real password")
        assert wrong.value.smtp_code == 535
        with pytest.raises(smtplib.SMTPAuthenticationError) as unknown:
            client.auth("CRAM-MD5", client.auth_cram_md5)
        assert unknown.value.smtp_code == 504
    assert "my real password" not in server.log


def test_starttls_is_neither_offered_nor_done(server: ServerProcess) -> None:
    with smtp(server) as client:
        client.ehlo()
        with pytest.raises(smtplib.SMTPNotSupportedError):
            client.starttls()
        assert client.docmd("STARTTLS")[0] == 502


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_mail_arrives_as_it_was_sent(
    server: ServerProcess, student: Account, line_end: bytes
) -> None:
    message = b"Subject: dots\n\n.\n..\n.a line\n\ta tab, an \xe9\nno end of line"
    sent = message.replace(b"\n", line_end)  # smtplib sends octets as they are
    with smtp(server) as client:
        refused = client.sendmail(
            student.address, student.address, sent, mail_options=["BODY=8BITMIME"]
        )
    assert refused == {}
    assert student.mail() == [message + b"\n"]


def test_one_of_several_recipients_is_refused(server: ServerProcess, student: Account) -> None:
    friend = server.new_account()
    recipients = [student.address, f"nobody@{DOMAIN}", "someone@example.org", friend.address]
    with smtp(server) as client:
        refused = client.sendmail(student.address, recipients, "Subject: x\n\nx\n")
    assert {who: code for who, (code, _) in refused.items()} == {
        f"nobody@{DOMAIN}": 550,
        "someone@example.org": 550,
    }
    assert student.mail() == friend.mail() == [b"Subject: x\n\nx\n"]


def test_all_recipients_are_refused(server: ServerProcess, student: Account) -> None:
    with smtp(server) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(student.address, f"nobody@{DOMAIN}", b"x")
        assert client.noop()[0] == 250


def test_options_that_no_extension_here_defines(server: ServerProcess, student: Account) -> None:
    with smtp(server) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail(student.address, student.address, b"x", rcpt_options=["NOTIFY=SUCCESS"])
        assert refused.value.recipients[student.address][0] == 555
        with pytest.raises(smtplib.SMTPSenderRefused) as sender:
            client.sendmail(student.address, student.address, b"x", mail_options=["RET=HDRS"])
        assert sender.value.smtp_code == 555


def test_a_message_that_is_too_large_is_refused_before_it_is_sent(
    server: ServerProcess, student: Account
) -> None:
    with smtp(server) as client, pytest.raises(smtplib.SMTPSenderRefused) as refused:
        client.sendmail(student.address, student.address, b"x" * (10 * 1024 * 1024 + 1))
    assert refused.value.smtp_code == 552


def test_send_message_in_utf_8(server: ServerProcess, student: Account) -> None:
    message = EmailMessage()
    message["From"] = f"élève@{DOMAIN}"
    message["To"] = student.address
    message["Bcc"] = "a secret"
    message["Subject"] = "été"
    message.set_content("déjà vu\n")
    with smtp(server) as client:
        assert client.send_message(message, to_addrs=[student.address]) == {}
    stored = student.stored()[0]
    assert f"Return-Path: <élève@{DOMAIN}>".encode() in stored
    assert b" with UTF8SMTP id " in stored
    received = message_from_bytes(stored, policy=policy.SMTPUTF8)
    assert received["Subject"] == "été"
    assert received.get_content() == "déjà vu\n"


def test_lmtp_is_not_spoken(server: ServerProcess) -> None:
    with smtplib.LMTP(HOST, server.smtp, "mypc") as client:
        assert client.ehlo() == (500, b"5.5.1 unknown command lhlo, did you mean HELO?")


# poplib


def test_what_poplib_asks_before_it_logs_in(server: ServerProcess) -> None:
    client = poplib.POP3(HOST, server.pop3, PATIENCE)
    assert client.getwelcome().startswith(b"+OK ")
    offered = client.capa()
    assert offered["SASL"] == ["PLAIN", "LOGIN"]
    assert {"TOP", "UIDL", "USER", "RESP-CODES", "PIPELINING"} <= offered.keys()
    assert client.quit().startswith(b"+OK")


@pytest.mark.parametrize("login", ["{0}", "{0}@" + DOMAIN, "{0}@" + DOMAIN.upper()])
def test_each_form_of_a_login(server: ServerProcess, student: Account, login: str) -> None:
    client = poplib.POP3(HOST, server.pop3, PATIENCE)
    assert client.user(login.format(student.number)).startswith(b"+OK")
    assert client.pass_(student.number).startswith(b"+OK")
    assert client.stat() == (0, 0)
    client.quit()


def test_poplib_reads_mail(server: ServerProcess, student: Account) -> None:
    body = b"".join(b"line %d\n" % number for number in range(20))
    server.deliver(student, b"Subject: one\n\n" + body, b"Subject: two\n\n.\n..\n.x\n")
    client = pop3(server, student)
    count, octets = client.stat()
    assert count == 2
    _, listed, _ = client.list()
    sizes = [int(each.split()[1]) for each in listed]
    assert sum(sizes) == octets
    assert client.list(2) == b"+OK 2 %d" % sizes[1]
    _, unique, _ = client.uidl()
    assert client.uidl(1) == b"+OK " + unique[0]
    assert len({each.split()[1] for each in unique}) == 2
    for number, size in enumerate(sizes, 1):
        _, lines, received = client.retr(number)
        assert b"\n".join(lines) + b"\n" == student.stored()[number - 1]
        stuffed = sum(line.startswith(b".") for line in lines)
        assert received == size == sum(len(line) + 2 for line in lines), stuffed
    _, lines, _ = client.top(1, 3)
    assert lines[-4:] == [b"", b"line 0", b"line 1", b"line 2"]
    assert client.top(1, 0)[1] == lines[:-3]
    assert client.noop().startswith(b"+OK")
    client.quit()


def test_poplib_deletes_mail(server: ServerProcess, student: Account) -> None:
    server.deliver(
        student, b"Subject: one\n\n1\n", b"Subject: two\n\n2\n", b"Subject: three\n\n3\n"
    )
    client = pop3(server, student)
    client.dele(1)
    client.dele(2)
    assert client.stat()[0] == 1
    assert [each.split()[0] for each in client.list()[1]] == [b"3"]
    with pytest.raises(poplib.error_proto, match="is deleted"):
        client.retr(1)
    client.rset()
    assert client.stat()[0] == 3
    client.dele(2)
    assert b"1 message removed" in client.quit()
    assert student.mail() == [b"Subject: one\n\n1\n", b"Subject: three\n\n3\n"]


def test_a_connection_that_breaks_removes_nothing(server: ServerProcess, student: Account) -> None:
    server.deliver(student, b"Subject: one\n\n1\n")
    client = pop3(server, student)
    client.dele(1)
    client.close()
    client = poplib.POP3(HOST, server.pop3, PATIENCE)
    client.user(student.number)
    assert b"ended without QUIT" in client.pass_(student.number)
    assert client.stat()[0] == 1
    client.quit()


def test_what_poplib_offers_and_the_server_does_not(
    server: ServerProcess, student: Account
) -> None:
    client = poplib.POP3(HOST, server.pop3, PATIENCE)
    for ask in (
        lambda: client.apop(student.number, student.number),
        lambda: client.rpop(student.number),
        client.utf8,
        client.stls,
        client.stat,
    ):
        with pytest.raises(poplib.error_proto, match="-ERR"):
            ask()
    client.user(student.number)
    with pytest.raises(poplib.error_proto, match=re.escape("[AUTH] wrong")):
        client.pass_("my real password")
    client.user(student.number)
    assert client.pass_(student.number).startswith(b"+OK")
    with pytest.raises(poplib.error_proto, match="no message 9"):
        client.retr(9)
    client.quit()
    assert "my real password" not in server.log


def test_a_whole_session_in_one_packet(server: ServerProcess, student: Account) -> None:
    server.deliver(student, b"Subject: one\n\n1\n")
    commands = f"USER {student.number}\r\nPASS {student.number}\r\nSTAT\r\nDELE 1\r\nQUIT\r\n"
    with socket.create_connection((HOST, server.pop3), PATIENCE) as connection:
        connection.sendall(commands.encode())
        with connection.makefile("rb") as replies:
            assert [line[:3] for line in replies] == [b"+OK"] * 6
    assert student.mail() == []
