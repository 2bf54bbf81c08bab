"""A program as the expander of a list: what it gets, and what its output and exit code mean."""

import os
import pwd
from pathlib import Path

import pytest

from tpmailserver.delivery.expander import Declined
from tpmailserver.delivery.programs import Program
from tpmailserver.model import Address
from tpmailserver.settings import Hook

from .hook_server import DOMAIN, MESSAGE, Asker, post, program_at

# What it gets.


def test_the_environment_is_nothing_but_this(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the server")
    assert sorted(ask("/usr/bin/env")["recipients"]) == [
        "DOMAIN=lab.example",
        "EXT=",
        f"HOME={pwd.getpwnam(ask.runs_as).pw_dir}",
        "LANG=C.UTF-8",
        "LOCAL=poll",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "RECIPIENT=poll@lab.example",
        "SENDER=22000001@lab.example",
    ]


@pytest.mark.parametrize(
    ("local", "extension"), [("poll", ""), ("poll+now", "now"), ("poll+a+b", "a+b"), ("poll+", "")]
)
def test_the_extension_is_what_follows_the_first_plus(local: str, extension: str) -> None:
    script = 'echo "$LOCAL/$EXT/$RECIPIENT"'
    program = Program(Hook("poll", ("/bin/sh", "-c", script)))
    answer = program.expand(post(address=Address(local, DOMAIN)))
    assert answer == (f"{local}/{extension}/{local}@{DOMAIN}",)


def test_the_null_sender_is_an_empty_text() -> None:
    program = Program(Hook("poll", ("/bin/sh", "-c", 'echo "<$SENDER>"')))
    assert program.expand(post(sender="")) == ("<>",)


def test_arguments_are_passed_as_they_stand(ask: Asker) -> None:
    """No shell looks at them, and none at what a client has sent."""
    assert ask("/bin/echo", "$HOME", "*", "; id", "") == {"recipients": ["$HOME * ; id"]}


def test_the_message_is_a_file_on_standard_input(ask: Asker) -> None:
    """It can be read twice, from its start, which a pipe cannot."""
    lines = [line for line in MESSAGE.decode().split("\n") if line]
    assert ask.sh("cat > /dev/null; cat /dev/stdin") == {"recipients": lines}


def test_the_message_that_is_delivered_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "message"
    file.write_bytes(MESSAGE)
    script = "echo scribble > /dev/stdin; echo scribble >&0; cat /dev/stdin"
    answer = Program(Hook("poll", ("/bin/sh", "-c", script))).expand(
        post(open=lambda: file.open("rb"))
    )
    assert isinstance(answer, tuple)
    assert "scribble" in answer[0]
    assert file.read_bytes() == MESSAGE


def test_nothing_else_is_open(ask: Asker) -> None:
    assert ask.sh("ls /proc/$$/fd") == {"recipients": ["0", "1", "2"]}


def test_where_and_with_which_umask_it_runs(ask: Asker) -> None:
    assert ask.sh("pwd; umask; id -un") == {"recipients": ["/", "0077", ask.runs_as]}


def test_no_signal_is_ignored(ask: Asker) -> None:
    """Python ignores SIGPIPE; a shell script whose reader has left must still end."""
    (said,) = ask.sh("grep SigIgn /proc/self/status")["recipients"]
    # Of 32 and above the first two are glibc's own: whoever started us may have left them ignored.
    assert int(said.removeprefix("SigIgn:"), 16) & 0x7FFFFFFF == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="gives up root: run it as root")
def test_what_the_site_keeps_is_out_of_its_reach(tmp_path: Path) -> None:
    secret = tmp_path / "tpmail.sqlite3"
    secret.write_text("secret")
    secret.chmod(0o600)
    said = Asker().sh(f"cat {secret} && exit 0; exit 3")
    assert "Permission denied" in said["failed"]


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: run it as root")
def test_root_runs_it_as_the_user_that_is_named() -> None:
    assert Asker().sh("id -un; id -Gn", user="daemon") == {"recipients": ["daemon", "daemon"]}


def test_who_is_not_root_becomes_nobody_else(ask: Asker) -> None:
    if ask.user == "root":
        assert ask.sh("id -un", user="nobody") == {"recipients": ["nobody"]}
        return
    assert ask.sh("id -un", user=ask.user) == {"recipients": [ask.user]}
    said = ask.sh("id -un", user="daemon")
    assert said == {"failed": f"cannot run as daemon: the server is not root, it is {ask.user}"}


# What comes of it.


def test_recipients_are_the_lines_it_prints(ask: Asker) -> None:
    said = ask.sh(r"printf '22000001\n\n  <a@lab.example>\t\r\n \né@lab.example'")
    assert said == {"recipients": ["22000001", "<a@lab.example>", "é@lab.example"]}


def test_output_that_is_no_text(ask: Asker) -> None:
    assert ask.sh(r"printf 'a\377'") == {"failed": "/bin/sh printed what is no UTF-8"}


@pytest.mark.parametrize(
    ("code", "comes"),
    [
        (0, {"recipients": ["one"]}),
        (99, {"recipients": []}),
        *((code, {"declined": "one"}) for code in (64, 65, 70, 76, 77, 78, 100, 112)),
        (111, {"failed": "/bin/sh exited 111: two"}),
        (1, {"failed": "/bin/sh exited 1: two"}),
        (127, {"failed": "/bin/sh exited 127: two"}),
        (255, {"failed": "/bin/sh exited 255: two"}),
    ],
)
def test_exit_codes_are_those_of_qmail(code: int, comes: dict[str, object]) -> None:
    assert Asker().sh(f"echo one; echo two >&2; exit {code}") == comes


def test_a_program_that_prints_nothing_has_taken_it(ask: Asker) -> None:
    assert ask("/bin/true") == {"recipients": []}


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo; echo ' on  Mondays '; echo never", "on Mondays"),
        ("echo not now >&2", "not now"),
        (r"printf '\033[31mred\tand\377'", "?[31mred and\N{REPLACEMENT CHARACTER}"),
        (":", "it does not say why"),
        ("printf '%0500d' 0", "0" * 197 + "..."),
    ],
)
def test_why_it_declines_is_one_line(script: str, why: str) -> None:
    program = Program(Hook("poll", ("/bin/sh", "-c", f"{script}; exit 100")))
    assert program.expand(post()) == Declined(why)


def test_the_last_line_of_a_traceback_says_what_it_was(ask: Asker) -> None:
    script = "printf 'Traceback (most recent call last):\\n  File\\nKeyError: 1\\n' >&2; exit 1"
    assert ask.sh(script) == {"failed": "/bin/sh exited 1: KeyError: 1"}


def test_a_signal(ask: Asker) -> None:
    assert ask.sh("kill -SEGV $$") == {"failed": "/bin/sh was ended by SIGSEGV"}


def test_a_program_that_is_not_there(ask: Asker) -> None:
    said = ask("/nonexistent/poll")["failed"]
    assert said.startswith("/nonexistent/poll cannot be started: there is no such file")


def test_a_script_whose_interpreter_is_not_there(ask: Asker, open_folder: Path) -> None:
    path = program_at(open_folder / "poll", "#!/bin/sh\r\necho 1\n")
    assert "names an interpreter that is not there" in ask(path)["failed"]


def test_a_program_that_may_not_be_executed(ask: Asker, open_folder: Path) -> None:
    path = program_at(open_folder / "poll", "#!/bin/sh\necho 1\n", 0o644)
    assert ask(path) == {
        "failed": f"{path} cannot be started: {ask.runs_as} may not execute it, "
        "or not enter its folder"
    }


def test_a_script_without_a_first_line(ask: Asker, open_folder: Path) -> None:
    path = program_at(open_folder / "poll", "echo 1\n")
    assert ask(path)["failed"].endswith("must name its interpreter, such as #!/bin/sh")


def test_a_user_who_is_not_there() -> None:
    if os.geteuid() != 0:
        pytest.skip("nobody but root becomes another user: run it as root")
    said = Asker()("/bin/true", user="no-such-user")
    assert said == {"failed": "cannot run as no-such-user: no such user here"}
