"""curl's smtp:// and pop3://: sending, listing, fetching, deleting, and its small modes."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from .faults import DOMAIN
from .process import HOST, Account, ServerProcess
from .programs import run

MESSAGE = b"Subject: curl\r\n\r\nbody\r\n.\r\n.dot\r\n"
STORED = MESSAGE.replace(b"\r\n", b"\n")


class Curl:
    """curl against one server."""

    def __init__(self, server: ServerProcess, home: Path) -> None:
        self._server = server
        self._home = home
        (home / "message").write_bytes(MESSAGE)

    def smtp(self, *options: str) -> CompletedProcess[str]:
        return self._run(f"smtp://{HOST}:{self._server.smtp}/mypc", *options)

    def sends(self, student: Account, *options: str) -> CompletedProcess[str]:
        """Sends the message from the student to the student."""
        path = ("--mail-from", student.address, "--mail-rcpt", student.address)
        return self.smtp("--upload-file", "message", *path, *options)

    def pop3(self, student: Account, *options: str, path: str = "") -> CompletedProcess[str]:
        login = ("--user", f"{student.number}:{student.number}")
        return self._run(f"pop3://{HOST}:{self._server.pop3}/{path}", *login, *options)

    def _run(self, *arguments: str) -> CompletedProcess[str]:
        return run(["curl", "-sS", "--max-time", "15", *arguments], self._home)


@pytest.fixture
def curl(server: ServerProcess, tmp_path: Path) -> Curl:
    return Curl(server, tmp_path)


# smtp://


@pytest.mark.parametrize(
    "mechanism",
    [
        [],
        ["--login-options", "AUTH=PLAIN"],
        ["--login-options", "AUTH=LOGIN"],
        ["--login-options", "AUTH=PLAIN", "--sasl-ir"],
        ["--login-options", "AUTH=LOGIN", "--sasl-ir"],
    ],
    ids=["no login", "PLAIN", "LOGIN", "PLAIN at once", "LOGIN at once"],
)
def test_upload(student: Account, curl: Curl, mechanism: list[str]) -> None:
    login = ["--user", f"{student.number}:{student.number}"] if mechanism else []
    sent = curl.sends(student, *login, *mechanism)
    assert (sent.returncode, sent.stdout) == (0, "")
    assert student.mail() == [STORED]
    assert (b"(logged in as " in student.stored()[0]) == bool(mechanism)


def test_a_wrong_password_is_curls_exit_status_67(student: Account, curl: Curl) -> None:
    refused = curl.sends(student, "--user", f"{student.number}:wrong")
    assert refused.returncode == 67, refused.stdout
    assert student.mail() == []


def test_some_recipients_may_fail(student: Account, curl: Curl) -> None:
    options = ("--mail-rcpt", f"nobody@{DOMAIN}", "--mail-rcpt", "x@example.org")
    assert curl.sends(student, *options).returncode == 55
    assert student.mail() == []
    assert curl.sends(student, *options, "--mail-rcpt-allowfails").returncode == 0
    assert student.mail() == [STORED]


def test_the_auth_and_size_parameters_of_mail(student: Account, curl: Curl) -> None:
    login = ("--user", f"{student.number}:{student.number}")
    sent = curl.sends(student, *login, "--mail-auth", student.address, "--verbose")
    assert f"SIZE={len(MESSAGE)}" in sent.stdout
    assert f"AUTH=<{student.address}>" in sent.stdout
    assert student.mail() == [STORED]


def test_an_address_beyond_ascii(student: Account, curl: Curl) -> None:
    sent = curl.sends(student, "--mail-from", f"élève@{DOMAIN}", "--verbose")
    assert "SMTPUTF8\n< 250 " in sent.stdout.replace("\r", "")
    assert student.stored()[0].startswith(f"Return-Path: <élève@{DOMAIN}>\n".encode())


def test_vrfy_help_expn_and_noop(curl: Curl) -> None:
    assert "214 2.0.0 QUIT" in curl.smtp().stdout
    assert curl.smtp("--mail-rcpt", "22000001").stdout.startswith("252 2.0.0 ")
    # The server announced SMTPUTF8, so curl puts it behind the name (RFC 6531 §3.7.4.2).
    expanded = curl.smtp("--mail-rcpt", "friends", "--request", "EXPN", "--verbose")
    assert expanded.returncode == 8
    assert "EXPN friends SMTPUTF8" in expanded.stdout
    assert "there is no list friends here" in expanded.stdout
    assert curl.smtp("--request", "NOOP").stdout.startswith("250 2.0.0")


def test_no_tls_is_offered(student: Account, curl: Curl) -> None:
    assert "STARTTLS not supported" in curl.smtp("--ssl-reqd").stdout
    assert "STLS not supported" in curl.pop3(student, "--ssl-reqd").stdout


# pop3://


@pytest.mark.parametrize("mechanism", ["AUTH=PLAIN", "AUTH=LOGIN"])
def test_list_with_each_mechanism(
    server: ServerProcess, student: Account, curl: Curl, mechanism: str
) -> None:
    server.deliver(student, STORED, STORED)
    size = len(student.stored()[0].replace(b"\n", b"\r\n"))
    for option in ([], ["--sasl-ir"]):
        listed = curl.pop3(student, "--login-options", mechanism, *option)
        assert listed.stdout == f"1 {size}\n2 {size}\n"


def test_retr_top_and_uidl(server: ServerProcess, student: Account, curl: Curl) -> None:
    server.deliver(student, STORED)
    stored = student.stored()[0].decode()
    header, _, _ = stored.partition("\n\n")
    assert curl.pop3(student, path="1").stdout == stored
    assert curl.pop3(student, "--request", "TOP 1 0").stdout == header + "\n\n"
    assert curl.pop3(student, "--request", "TOP 1 1").stdout == header + "\n\nbody\n"
    number, unique = curl.pop3(student, "--request", "UIDL").stdout.split()
    assert number == "1"
    assert curl.pop3(student, "--request", "UIDL").stdout == f"1 {unique}\n"


def test_one_line_replies(server: ServerProcess, student: Account, curl: Curl) -> None:
    server.deliver(student, STORED)
    for command in ("STAT", "NOOP", "UIDL 1", "RSET"):
        done = curl.pop3(student, "--request", command, "--head", "--verbose")
        assert done.returncode == 0
        assert f"> {command}\n< +OK" in done.stdout.replace("\r", "")


def test_dele_and_the_quit_behind_it(server: ServerProcess, student: Account, curl: Curl) -> None:
    server.deliver(student, b"Subject: one\n\n1\n", b"Subject: two\n\n2\n")
    assert curl.pop3(student, "--request", "DELE", "--list-only", path="1").returncode == 0
    assert student.mail() == [b"Subject: two\n\n2\n"]


def test_a_message_that_is_not_there_and_a_wrong_password(student: Account, curl: Curl) -> None:
    assert curl.pop3(student, path="1").returncode == 8
    assert curl.pop3(student, "--user", f"{student.number}:wrong").returncode == 67
