"""Mail programs without a window: msmtp and mpop, fetchmail, getmail, swaks, mutt, s-nail."""

import re
from pathlib import Path

import pytest

from .faults import DOMAIN
from .process import HOST, Account, ServerProcess
from .programs import run
from .terminal import Terminal

BODY = "été\n.\n..two dots\nthe end\n"
ONE = b"Subject: one\n\n1\n"
TWO = b"Subject: two\n\n2\n"


def config(home: Path, name: str, text: str) -> str:
    """A settings file that nobody else may read: some of these programs insist."""
    path = home / name
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


# msmtp (SMTP) and mpop (POP3)


def msmtp(server: ServerProcess, *options: str) -> list[str]:
    where = (f"--host={HOST}", f"--port={server.smtp}", "--tls=off", "--file=")
    return ["msmtp", *where, *options]


@pytest.mark.parametrize("mechanism", ["off", "plain", "login"])
def test_msmtp(server: ServerProcess, student: Account, tmp_path: Path, mechanism: str) -> None:
    login = [f"--auth={mechanism}"]
    if mechanism != "off":
        login += [f"--user={student.number}", f"--passwordeval=echo {student.number}"]
    mail = f"Subject: msmtp\nTo: {student.address}\n\n{BODY}"
    command = msmtp(server, *login, "--read-recipients", f"--from={student.address}")
    sent = run(command, tmp_path, mail)
    assert (sent.returncode, sent.stdout) == (0, "")
    assert student.mail()[0].endswith(mail.partition("\n\n")[2].encode())


def test_msmtp_says_what_the_server_says(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    command = msmtp(server, f"--from={student.address}", "--auth=off")
    refused = run([*command, f"nobody@{DOMAIN}"], tmp_path, "x")
    assert refused.returncode == 65
    assert f"there is no mailbox nobody@{DOMAIN} here" in refused.stdout
    seen = run([*command, "--serverinfo"], tmp_path).stdout
    assert "PIPELINING" in seen
    assert "PLAIN LOGIN" in seen


@pytest.mark.parametrize("mechanism", ["user", "plain", "login"])
def test_mpop_leaves_mail_and_loads_it_once(
    server: ServerProcess, student: Account, tmp_path: Path, mechanism: str
) -> None:
    server.deliver(student, ONE, TWO)
    for folder in ("cur", "new", "tmp"):
        (tmp_path / "mail" / folder).mkdir(parents=True)
    settings = f"""
        account tp
        host {HOST}
        port {server.pop3}
        tls off
        auth {mechanism}
        user {student.number}
        password {student.number}
        delivery maildir {tmp_path}/mail
        uidls_file {tmp_path}/uidls
        received_header off
    """
    command = ["mpop", f"--file={config(tmp_path, 'mpoprc', settings)}", "--quiet", "tp"]
    for _ in range(2):
        assert run([*command, "--keep=on"], tmp_path).returncode == 0
        loaded = [each.read_bytes() for each in (tmp_path / "mail" / "new").iterdir()]
        assert sorted(loaded) == sorted(student.stored())
    assert run([*command, "--keep=off"], tmp_path).returncode == 0
    assert student.mail() == []
    assert len(list((tmp_path / "mail" / "new").iterdir())) == 2


# fetchmail


@pytest.mark.parametrize("unique", ["", "uidl"])
def test_fetchmail_keeps_mail_and_loads_it_once(
    server: ServerProcess, student: Account, tmp_path: Path, unique: str
) -> None:
    """By default it asks for LAST, which RFC 1725 took out of POP3; with `uidl` it does not."""
    server.deliver(student, ONE)
    settings = f"""
        poll {HOST} protocol pop3 port {server.pop3} auth password {unique}:
          user "{student.number}" password "{student.number}" sslproto ""
          keep mda "cat >>{tmp_path}/loaded"
    """
    rc = config(tmp_path, "fetchmailrc", settings)
    command = ["fetchmail", "--nosyslog", "--verbose", "--fetchmailrc", rc]
    statuses = []
    for more in ([], [], [TWO], []):
        server.deliver(student, *more)
        polled = run(command, tmp_path, FETCHMAILHOME=str(tmp_path))
        statuses.append(polled.returncode)
        assert "-ERR" not in polled.stdout
    assert statuses == [0, 1, 0, 1], "1 means: there was no new mail"
    loaded = (tmp_path / "loaded").read_text()
    assert re.findall("^Subject: (.*)", loaded, re.MULTILINE) == ["one", "two"]


def test_fetchmail_empties_the_mailbox(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    server.deliver(student, ONE, TWO)
    settings = f"""
        poll {HOST} protocol pop3 port {server.pop3}:
          user "{student.number}" password "{student.number}" sslproto ""
          no keep fetchall mda "cat >>{tmp_path}/loaded"
    """
    command = ["fetchmail", "--nosyslog", "--fetchmailrc", config(tmp_path, "rc", settings)]
    assert run(command, tmp_path, FETCHMAILHOME=str(tmp_path)).returncode == 0
    assert (tmp_path / "loaded").read_text().count("Subject: ") == 2
    assert student.mail() == []


# getmail


def test_getmail_keeps_mail_and_loads_it_once(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    server.deliver(student, ONE, TWO)
    settings = f"""
[retriever]
type = SimplePOP3Retriever
server = {HOST}
port = {server.pop3}
username = {student.number}
password = {student.number}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >>{tmp_path}/loaded")
allow_root_commands = true
[options]
read_all = false
"""
    config(tmp_path, "getmailrc", settings)
    command = ["getmail", f"--getmaildir={tmp_path}"]
    assert "2 messages" in run(command, tmp_path).stdout
    assert "0 messages (0 bytes) retrieved, 2 skipped" in run(command, tmp_path).stdout
    assert (tmp_path / "loaded").read_text().count("Subject: ") == 2


# swaks


@pytest.mark.parametrize(
    "options",
    [
        ["--protocol=SMTP"],
        ["--protocol=ESMTP"],
        ["--pipeline"],
        ["--from=<>"],
        ["--auth=PLAIN"],
        ["--auth=LOGIN"],
        ["--auth-optional=CRAM-MD5,LOGIN"],
    ],
    ids=lambda options: options[0],
)
def test_swaks_sends(
    server: ServerProcess, student: Account, tmp_path: Path, options: list[str]
) -> None:
    if "--auth" in options[0]:
        options = [*options, f"--auth-user={student.number}", f"--auth-password={student.number}"]
    sent = run(swaks(server, student, *options), tmp_path)
    assert sent.returncode == 0, sent.stdout
    assert len(student.mail()) == 1


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([f"--to=nobody@{DOMAIN}"], 24),  # refused at RCPT
        (["--to=someone@example.org"], 24),
        (["--auth=PLAIN", "--auth-user=22000001", "--auth-password=wrong"], 28),
        (["--auth=CRAM-MD5", "--auth-user=22000001", "--auth-password=22000001"], 28),
        (["--tls"], 29),  # not offered
    ],
)
def test_swaks_is_refused(
    server: ServerProcess, student: Account, tmp_path: Path, options: list[str], status: int
) -> None:
    refused = run(swaks(server, student, *options), tmp_path)
    assert refused.returncode == status, refused.stdout
    assert "221 2.0.0" in refused.stdout
    assert student.mail() == []


def swaks(server: ServerProcess, student: Account, *options: str) -> list[str]:
    where = [f"--server={HOST}", f"--port={server.smtp}", "--helo=mypc"]
    return ["swaks", *where, f"--from={student.address}", f"--to={student.address}", *options]


# mutt


def muttrc(server: ServerProcess, student: Account, home: Path) -> list[str]:
    settings = f"""
        set from = "{student.address}"
        set smtp_url = "smtp://{student.number}@{HOST}:{server.smtp}"
        set smtp_pass = "{student.number}"
        set smtp_authenticators = "plain"
        set pop_host = "pop://{student.number}@{HOST}:{server.pop3}"
        set pop_pass = "{student.number}"
        set ssl_starttls = no
        set ssl_force_tls = no
        set pop_delete = yes
        set pop_authenticators = "user"
        set spoolfile = "{home}/inbox"
        set folder = "{home}"
        set mbox_type = mbox
        set record = ""
        set send_charset = "us-ascii:utf-8"
    """
    return ["mutt", "-n", "-F", config(home, "muttrc", settings)]


def test_mutt_sends(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    command = muttrc(server, student, tmp_path)
    sent = run([*command, "-s", "un été", "--", student.address], tmp_path, BODY)
    assert (sent.returncode, sent.stdout) == (0, "")
    assert student.mail()[0].endswith(b"\n\n" + BODY.encode())
    assert b"with ESMTPA id" in student.stored()[0]


@pytest.mark.parametrize("mechanism", ["user", ""])
def test_mutt_reads_a_maildrop(
    server: ServerProcess, student: Account, tmp_path: Path, mechanism: str
) -> None:
    """Empty means: whatever the server offers, which is SASL PLAIN."""
    server.deliver(student, ONE, TWO)
    where = f"pop://{student.number}@{HOST}:{server.pop3}/"
    command = muttrc(server, student, tmp_path)
    command += ["-e", f'set pop_authenticators="{mechanism}"', "-f", where]
    with Terminal(command, tmp_path) as terminal:
        terminal.reads("Msgs:2 New:2")
        terminal.types("d")  # the first; the cursor moves to the second
        terminal.types("\r")
        terminal.reads("Subject: two")
        terminal.types("qq")
        terminal.reads("Purge 1 deleted message")
        terminal.types("y")
        assert terminal.status() == 0
    assert student.mail() == [TWO]


def test_mutt_fetches_mail(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    server.deliver(student, ONE, TWO)
    (tmp_path / "inbox").touch()
    with Terminal(muttrc(server, student, tmp_path), tmp_path) as terminal:
        terminal.reads("Msgs:0")
        terminal.types("G")
        terminal.reads("New mail in this mailbox")
        terminal.types("q")
        assert terminal.status() == 0
    assert (tmp_path / "inbox").read_text().count("Subject: ") == 2
    assert student.mail() == []


# s-nail


@pytest.mark.parametrize("mechanism", ["none", "plain", "login"])
def test_s_nail_sends(
    server: ServerProcess, student: Account, tmp_path: Path, mechanism: str
) -> None:
    login = "" if mechanism == "none" else f"{student.number}:{student.number}@"
    command = [
        *("s-nail", "-n", "-S", "v15-compat", "-S", f"from={student.address}"),
        *(
            "-S",
            "mime-encoding=8b",
            "-S",
            f"mta=smtp://{login}{HOST}:{server.smtp}",
            "-S",
            f"smtp-auth={mechanism}",
        ),
        *("-s", "un nail", student.address),
    ]
    sent = run(command, tmp_path, BODY)
    assert sent.returncode == 0, sent.stdout
    assert b"Subject: un nail\n" in student.mail()[0]
    assert student.mail()[0].endswith(b"\n\n" + BODY.encode())


def test_s_nail_reads_and_deletes(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    server.deliver(student, ONE, TWO)
    where = f"pop3://{student.number}:{student.number}@{HOST}:{server.pop3}"
    command = ["s-nail", "-n", "-S", "v15-compat", "-S", "pop3-auth=plain", "-f", where]
    shown = run(command, tmp_path, "headers\ntype 2\ndelete 1\nquit\n").stdout
    assert "Subject: two" in shown
    assert student.mail() == [TWO]
