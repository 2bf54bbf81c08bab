"""telnet at a real terminal: typing by hand, mistakes and Ctrl-C with it."""

import termios
from pathlib import Path

import pytest

from .process import HOST, Account, ServerProcess
from .programs import need, run
from .terminal import Terminal

ESCAPE = "\x1d"  # Ctrl-], telnet's own
CTRL_C = "\x03"
CTRL_J = "\n"  # an Enter that is LF in every mode
BACKSPACE = "\x08"  # raw: the terminal's own erase key is DEL, which telnet's line mode takes away
DELETE = "\x7f"


def telnet(port: int, home: Path) -> Terminal:
    return Terminal(["telnet", HOST, str(port)], home)


def test_a_mail_is_sent_by_hand(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    with telnet(server.smtp, tmp_path) as terminal:
        terminal.reads("220 .*say HELO")
        terminal.enters("helo mypc")
        terminal.reads("250 .*at your service, mypc")
        terminal.enters(f"mail from: {student.address}")
        terminal.reads("250 ")
        terminal.enters(f"rcpt to: <{student.number}>")
        terminal.reads("250 ")
        terminal.enters("data")
        terminal.reads("354 .*\\.")
        for line in ("Subject: à la main", "", "Ça marche ?", "."):
            terminal.enters(line)
        terminal.reads("250 .* delivered to 1 mailbox")
        terminal.enters("quit")
        terminal.reads("221 .*goodbye")
        terminal.status()
    assert student.mail() == ["Subject: à la main\n\nÇa marche ?\n".encode()]


def test_mail_is_read_by_hand(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    server.deliver(student, b"Subject: one\n\nfirst\n", b"Subject: two\n\n.\nsecond\n")
    with telnet(server.pop3, tmp_path) as terminal:
        terminal.reads(r"\+OK .*USER")
        terminal.enters(f"USER {student.address}")
        terminal.reads(r"\+OK")
        terminal.enters(f"PASS {student.number}")
        terminal.reads(r"\+OK .* has 2 messages")
        terminal.enters("RETR 2")
        terminal.reads(r"\+OK \d+ octets")
        assert "Subject: two" in terminal.reads(r"(?s).*\n\.\.\nsecond\n\.\n")
        terminal.enters("DELE 1")
        terminal.reads(r"\+OK")
        terminal.enters("QUIT")
        terminal.reads("1 message removed")
        terminal.status()
    assert student.mail() == [b"Subject: two\n\n.\nsecond\n"]


def test_ctrl_c_forgets_the_line_and_the_session_goes_on(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    """Telnet sends IAC IP IAC DO TIMING-MARK, and hides all until the answer has come."""
    with telnet(server.pop3, tmp_path) as terminal:
        terminal.reads(r"\+OK .*USER")
        terminal.types(f"USER nonsense{CTRL_C}")
        terminal.enters(f"USER {student.number}")
        terminal.reads(r"\+OK now send PASS")
        terminal.types(CTRL_C)
        terminal.enters(f"PASS {student.number}")
        terminal.reads(r"\+OK .* has 0 messages")
        for _ in range(3):
            terminal.types(CTRL_C)
            terminal.enters("STAT")
            terminal.reads(r"\+OK 0 0")


def test_ctrl_c_in_the_middle_of_a_mail(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    """The content of a message is nobody's to edit: telnet's octets stay in it, unanswered.

    So telnet hides all output, until Ctrl-C in a command line gets its answer.
    """
    with telnet(server.smtp, tmp_path) as terminal:
        for line, answer in (
            ("HELO mypc", "250 "),
            (f"MAIL FROM:<{student.number}>", "250 "),
            (f"RCPT TO:<{student.number}>", "250 "),
            ("DATA", "354 "),
        ):
            terminal.enters(line)
            terminal.reads(answer)
        for line, echo in (("Subject: x",) * 2, (f"lost{CTRL_C}kept", "^Ckept"), (".", ".")):
            terminal.enters(line)
            terminal.is_read(echo)
        terminal.types(CTRL_C)
        terminal.enters("NOOP")
        terminal.reads("250 2.0.0 OK")
    assert student.mail() == [b"Subject: x\n\xff\xf4\xff\xfd\x06kept\n"]


def test_backspace_where_the_terminal_sends_it(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    """As from Windows: the key arrives at the server, and the line is what the student saw."""
    with telnet(server.pop3, tmp_path) as terminal:
        terminal.reads(r"\+OK .*USER")
        terminal.enters(f"USRE{BACKSPACE * 2}ER x{BACKSPACE}{student.number}")
        terminal.reads(r"\+OK now send PASS")
        terminal.enters(f"PASS é{BACKSPACE}{student.number}")
        terminal.reads(r"\+OK .* has 0 messages")


def test_character_by_character(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    """Every key goes out by itself, backspace too; what telnet asks for meanwhile is not answered.

    It asks for SUPPRESS-GO-AHEAD (RFC 858) and ECHO (RFC 857), in front of the first command.
    """
    with telnet(server.pop3, tmp_path) as terminal:
        terminal.reads(r"\+OK .*USER")
        terminal.types(ESCAPE)
        terminal.reads("telnet> ")
        terminal.enters("mode character")
        terminal.until_off(termios.ICANON)
        terminal.types(f"USRE{DELETE * 2}ER {student.number}1{DELETE}{CTRL_J}")
        terminal.reads(r"\+OK now send PASS")
        terminal.types(f"PASS é{DELETE}{student.number}{CTRL_J}")
        terminal.reads(r"\+OK .* has 0 messages")


def test_an_arrow_key_is_named(server: ServerProcess, tmp_path: Path) -> None:
    with telnet(server.smtp, tmp_path) as terminal:
        terminal.reads("220 ")
        terminal.enters("HELO mypc\x1b[D")
        terminal.reads(r"500 .*control character \(ESC 0x1b\)")
        terminal.enters("HELO mypc")
        terminal.reads("250 .*mypc")


def test_slips_get_a_hint(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    with telnet(server.smtp, tmp_path) as terminal:
        for line, answer in (
            ("HELLO mypc", "500 .*did you mean HELO"),
            ("HELO", "501 .*HELO mypc"),
            (f"MAIL FROM:<{student.number}>", "503 .*send HELO first"),
            ("HELO mypc", "250 "),
            (f"MAIL FROM {student.number}", f"501 .*MAIL FROM:<{student.number}"),
            (f"RCPT TO:<{student.number}>", "503 .*send MAIL FROM first"),
            ("QIUT", "500 .*did you mean QUIT"),
            ("exit", "500 .*did you mean QUIT"),
            ("QUIT", "221 "),
        ):
            terminal.enters(line)
            terminal.reads(answer)
        terminal.status()


def in_front_of_telnet(says: str, last: str, port: int, home: Path) -> str:
    """What telnet shows; it leaves at the end of its input, so that waits for the last reply."""
    need("telnet")
    waits = f"until grep --quiet '^{last}' shown; do sleep 0.05; done"
    return run(["sh", "-c", f"({says}; {waits}) | telnet {HOST} {port} | tee shown"], home).stdout


@pytest.mark.parametrize("line_end", ["\\n", "\\r\\n"])
def test_a_script_in_front_of_telnet(
    server: ServerProcess, student: Account, tmp_path: Path, line_end: str
) -> None:
    """`(echo ...; sleep 1) | telnet`: CRLF leaves telnet as CR NUL CR LF, on every line."""
    lines = [
        "HELO mypc",
        f"MAIL FROM:<{student.number}>",
        f"RCPT TO:<{student.number}>",
        "DATA",
        "Subject: x",
        "",
        "hello",
        ".",
        "QUIT",
    ]
    says = "; ".join(f"printf '{line}{line_end}'; sleep 0.05" for line in lines)
    shown = in_front_of_telnet(says, "221", server.smtp, tmp_path)
    assert "250 2.0.0 delivered to 1 mailbox" in shown, shown
    assert "221 2.0.0" in shown
    assert student.mail() == [b"Subject: x\n\nhello\n"]


def test_everything_at_once_in_front_of_telnet(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    commands = rf"USER {student.number}\r\nPASS {student.number}\r\nSTAT\r\nQUIT\r\n"
    shown = in_front_of_telnet(f"printf '{commands}'", ".*goodbye", server.pop3, tmp_path)
    # Telnet says this itself, at times before what it has read last.
    shown = shown.replace("Connection closed by foreign host.\n", "")
    assert "+OK 0 0\n+OK goodbye, 0 messages removed\n" in shown
