"""netcat in all its kinds, socat, and a shell's own network: what scripts speak through."""

from itertools import product
from pathlib import Path

import pytest

from .process import HOST, Account, ServerProcess
from .programs import need, run

WAITS_FOR_THE_SERVER = ["nc.openbsd", "nc.openbsd -C", "nc.traditional", "ncat --no-shutdown"]
CLOSES_ITS_HALF = [
    "nc.openbsd -N",
    "nc.openbsd -C -N",
    "nc.traditional -q 5",
    "ncat",
    "ncat -C",
    "socat",
]
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n"}


def netcat(command: str, port: int, home: Path, typed: str) -> list[str]:
    """The lines that a netcat prints; that it ends at all is part of the test."""
    program, *options = command.split()
    where = ["-", f"TCP:{HOST}:{port}"] if program == "socat" else [HOST, str(port)]
    return run([program, *options, *where], home, typed).stdout.splitlines()


def reading(student: Account, line_end: str, *last: str) -> str:
    commands = [f"USER {student.number}", f"PASS {student.number}", "STAT", *last]
    return "".join(command + line_end for command in commands)


def sending(student: Account, line_end: str, *last: str) -> str:
    commands = [
        "HELO mypc",
        f"MAIL FROM:<{student.number}>",
        f"RCPT TO:<{student.number}>",
        "DATA",
        "Subject: nc",
        "",
        "two words",
        ".",
        *last,
    ]
    return "".join(command + line_end for command in commands)


def codes(lines: list[str]) -> list[str]:
    return [line[:3] for line in lines]


@pytest.mark.parametrize(
    ("command", "ends"), [*product(WAITS_FOR_THE_SERVER + CLOSES_ITS_HALF, LINE_ENDS)]
)
def test_everything_at_once_with_quit(
    server: ServerProcess, student: Account, tmp_path: Path, command: str, ends: str
) -> None:
    line_end = LINE_ENDS[ends]
    sent = netcat(command, server.smtp, tmp_path, sending(student, line_end, "QUIT"))
    assert codes(sent) == ["220", "250", "250", "250", "354", "250", "221"]
    read = netcat(command, server.pop3, tmp_path, reading(student, line_end, "QUIT"))
    assert codes(read) == ["+OK"] * 5
    assert read[3].startswith("+OK 1 ")
    assert student.mail() == [b"Subject: nc\n\ntwo words\n"]


@pytest.mark.parametrize(
    ("command", "ends"), [*product(CLOSES_ITS_HALF, LINE_ENDS), ("nc.openbsd -q 1", "LF")]
)
def test_without_quit_every_reply_comes_before_the_close(
    server: ServerProcess, student: Account, tmp_path: Path, command: str, ends: str
) -> None:
    line_end = LINE_ENDS[ends]
    sent = netcat(command, server.smtp, tmp_path, sending(student, line_end))
    assert codes(sent) == ["220", "250", "250", "250", "354", "250"]
    read = netcat(command, server.pop3, tmp_path, reading(student, line_end))
    assert codes(read) == ["+OK"] * 4
    assert len(student.mail()) == 1


def test_one_command_at_a_time_through_a_pipe(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    need("nc.openbsd")
    script = f"""
        say() {{ echo "$1"; sleep 0.1; }}
        {{ say 'USER {student.number}'; say 'PASS {student.number}'; say STAT; }} |
            nc.openbsd -N {HOST} {server.pop3}
    """
    assert codes(run(["sh", "-c", script], tmp_path).stdout.splitlines()) == ["+OK"] * 4


def test_headers_with_crlf_and_a_body_with_lf_are_refused_in_words(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    """The first line decides: this message must end with a CRLF dot, and it never comes."""
    commands, _, message = sending(student, "\r\n").partition("Subject")
    header, _, body = ("Subject" + message).partition("\r\n\r\n")
    typed = commands + header + "\r\n\r\n" + body.replace("\r\n", "\n")
    for command in ("nc.openbsd -N", "nc.openbsd"):  # at once, and after two silent seconds
        sent = netcat(command, server.smtp, tmp_path, typed)
        assert sent[-1].startswith("554 5.6.0 nothing delivered"), sent
        assert r"printf '\r\n.\r\n'" in sent[-1]
    assert student.mail() == []


def test_a_cut_off_message_is_not_delivered(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    typed = sending(student, "\n").removesuffix(".\n")
    sent = netcat("nc.openbsd -N", server.smtp, tmp_path, typed)
    assert sent[-1].startswith("554 5.6.0 nothing delivered: no line with only")
    assert student.mail() == []


@pytest.mark.parametrize("line_end", ["\\n", "\\r\\n"])
def test_bash_reads_one_line_a_reply(
    server: ServerProcess, student: Account, tmp_path: Path, line_end: str
) -> None:
    script = f"""
        say() {{ printf "$1{line_end}" >&3; read -r -t 10 reply <&3; printf '%s\\n' "$reply"; }}
        exec 3<>/dev/tcp/{HOST}/{server.smtp}; read -r reply <&3
        for command in 'HELO mypc' 'MAIL FROM:<{student.number}>' 'RCPT TO:<{student.number}>' \\
            DATA 'Subject: bash{line_end}{line_end}hi{line_end}.' NOOP QUIT; do say "$command"; done
        exec 3<>/dev/tcp/{HOST}/{server.pop3}; read -r reply <&3
        for command in 'USER {student.number}' 'PASS {student.number}' STAT 'DELE 1' QUIT
        do say "$command"; done
    """
    need("bash")
    lines = run(["bash", "-c", script], tmp_path).stdout.splitlines()
    assert codes(lines) == ["250"] * 3 + ["354", "250", "250", "221"] + ["+OK"] * 5
    assert lines[-3].startswith("+OK 1 ")
    assert lines[-1] == "+OK goodbye, 1 message removed"


def test_dash_through_two_fifos(server: ServerProcess, student: Account, tmp_path: Path) -> None:
    need("dash", "nc.openbsd")
    script = f"""
        mkfifo out in
        nc.openbsd {HOST} {server.pop3} <out >in &
        exec 3>out 4<in
        read -r reply <&4
        for command in 'USER {student.number}' 'PASS {student.number}' STAT QUIT; do
            echo "$command" >&3
            read -r reply <&4
            echo "$reply"
        done
    """
    lines = run(["dash", "-c", script], tmp_path).stdout.splitlines()
    assert codes(lines) == ["+OK"] * 4
    assert lines[2] == "+OK 0 0"
