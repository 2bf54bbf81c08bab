"""`tpmail seed` as it is typed, beside a running server and without one; seen by its students."""

import json
import poplib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from tpmailserver.cli.command import run
from tpmailserver.settings import load

from .desks import desk_at, with_our_path
from .faults import Server, serving, site_for
from .process import HOST, PATIENCE, Account, ServerProcess
from .terminal import Terminal
from .test_lab import FOLDER, Script
from .test_seed_packs import LANGUAGES, NAMES, PRINTED, SHIPPED

CLASS = tuple(f"220000{number:02}" for number in range(1, 11))

Typed = Callable[..., tuple[int, str, str]]

FIELD = re.compile(rb"\{([a-z]+):?(\d*)\}")
SEED_LINES = re.compile(rb"\A(X-Seed-.*\n)*")


def tpmail(site: Path, *arguments: str) -> tuple[int, str, str]:
    """The exit status of `tpmail`, what it says and what it complains of."""
    done = subprocess.run(
        [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), *arguments],
        env=with_our_path(),
        cwd=site.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module", params=LANGUAGES)
def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server in each language, its log free of tracebacks at the end."""
    folder = tmp_path_factory.mktemp("lab") / "site"
    with serving(site_for(folder, CLASS, f'language = "{request.param}"')) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site without a server: a class of ten in two groups."""
    database = desk_at(tmp_path / "site").database
    database.add(CLASS[:4], "tp1", 0.0)
    database.add(CLASS[4:], "tp2", 0.0)
    return tmp_path / "site"


def maildrop(port: int, number: str) -> poplib.POP3:
    client = poplib.POP3(HOST, port, PATIENCE)
    client.user(number)
    client.pass_(number)
    return client


def retrieved(client: poplib.POP3) -> list[bytes]:
    """Every message as poplib has it, in CRLF lines."""
    count = client.stat()[0]
    return [b"\r\n".join((*client.retr(n)[1], b"")) for n in range(1, count + 1)]


def expected(template: bytes) -> re.Pattern[bytes]:
    """What a template may become: each of its octets, and anything for a field but filler."""
    pattern = b""
    at = 0
    for field in FIELD.finditer(template):
        pattern += re.escape(template[at : field.start()])
        # Regular expressions count to 65535.
        kib = b"(?:[0-9. \n]{1024}){%d}"
        is_filler = field[1] == b"filler"
        pattern += kib % (int(field[2]) // 1024) if is_filler else rb"[^\n{}]+"
        at = field.end()
    return re.compile(pattern + re.escape(template[at:]), re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_mail_comes_octet_by_octet(lab: Server, name: str) -> None:
    number = CLASS[NAMES.index(name)]
    status, said, complaints = tpmail(lab.site, "seed", name, number)
    assert (status, complaints) == (0, "")
    with_stamps = retrieved(client := maildrop(lab.pop3, number))
    client.quit()
    templates = sorted((SHIPPED / load(lab.site).language / name).glob("*.eml"))
    assert f"of {name} delivered to 1 mailbox: {number}\n" in said
    for file, octets in zip_longest(templates, with_stamps):
        stamps, mail = octets.split(b"\r\n", 4)[:4], octets.split(b"\r\n", 4)[4]
        assert [each.partition(b":")[0] for each in stamps[:2]] == [b"Return-Path", b"Received"]
        template = SEED_LINES.sub(b"", file.read_bytes())
        assert expected(template).fullmatch(mail.replace(b"\r\n", b"\n")), file


def test_a_client_that_keeps_what_it_has_seen_downloads_a_second_seed(lab: Server) -> None:
    number = CLASS[8]
    tpmail(lab.site, "seed", "forged", number)
    with_seed = maildrop(lab.pop3, number)
    seen = {line.split()[1] for line in with_seed.uidl()[1]}
    assert tpmail(lab.site, "seed", "forged", number)[0] == 0
    # Its session is as it was, and the next one has both.
    assert len(with_seed.list()[1]) == len(seen) == 6
    with_seed.quit()
    after = maildrop(lab.pop3, number)
    now = [line.split()[1] for line in after.uidl()[1]]
    assert set(now[:6]) == seen
    assert len(set(now) - seen) == 6
    after.quit()


# --- question 11


def seeded(server: ServerProcess, student: Account) -> list[bytes]:
    """The mails of `subjects` in a student's mailbox, without the server's stamps."""
    site = student.maildir.parents[1]
    assert tpmail(site, "seed", "subjects", student.number)[0] == 0
    return student.mail()


def answers(server: ServerProcess, student: Account, home: Path, script: str) -> list[str]:
    typed = f"{student.number}\n{student.number}\n"
    return Script(FOLDER / f"{script}.sh", "").run(server, home, typed=typed)


def test_a_right_script_of_question_11_prints_what_every_body_says(
    server: ServerProcess, student: Account, tmp_path: Path
) -> None:
    printed = [PRINTED.findall(each)[0] for each in seeded(server, student)]
    shown = answers(server, student, tmp_path, "q11-every-trap")
    assert len(printed) == 21
    for n, (wanted, line) in enumerate(zip_longest(printed, shown), start=1):
        # The pack is English, the script French.
        text = wanted.decode("utf-8", "replace").replace("(no subject)", "(pas de sujet)")
        assert line == f"{n} : {text}"


@pytest.mark.parametrize(
    ("script", "falls_for"),
    [
        # capitals, no blank, nothing, the second of two
        ("q11-top-bash", {2, 3, 7, 10}),
        # folded, a line of the body, folded between encoded words, Latin-1 that grep calls binary
        ("q11-connection-each", {5, 9, 15, 18}),
    ],
)
def test_scripts_that_pass_for_right_fall_for_some_traps(
    server: ServerProcess, student: Account, tmp_path: Path, script: str, falls_for: set[int]
) -> None:
    printed = [PRINTED.findall(each)[0] for each in seeded(server, student)]
    wanted = [each.decode("utf-8", "replace") for each in printed]
    label = re.compile(r"^(\d+ : |subject: ?)", re.IGNORECASE)
    shown = [label.sub("", line) for line in answers(server, student, tmp_path, script)]
    none = ("(no subject)", "(pas de sujet)", "mail sans sujet")
    pairs = [(a, "(no subject)" if b in none else b) for a, b in zip_longest(wanted, shown)]
    assert {n for n, (a, b) in enumerate(pairs, start=1) if a != b} == falls_for, shown


# --- as it is typed, without a server


@pytest.fixture
def typed(site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What `tpmail` says, called beside the site's folder."""
    monkeypatch.chdir(site.parent)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = run(["--site", str(site), *arguments])
        return status, *capsys.readouterr()

    return call


def test_a_dry_run_and_a_seed_say_the_same_numbers(typed: Typed) -> None:
    status, said, _ = typed("seed", "mime", "--group", "tp1", "--dry-run")
    assert status == 0
    assert said.splitlines()[0] == (
        "10 mails of mime would be delivered to 4 mailboxes: 22000001-22000004"
    )
    assert said.splitlines()[-1] == "dry run: nothing is changed"
    assert "4 accounts" in typed("accounts", "--group", "tp1")[1]
    assert "0 messages" in typed("accounts")[1]
    said = typed("seed", "mime", "--group", "tp1")[1]
    assert said == "10 mails of mime delivered to 4 mailboxes: 22000001-22000004\n"
    assert "40 messages" in typed("accounts")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "which pack? tpmail seed --list shows them"),
        (["welcome"], "whom? NUMBER..., --group G or --all"),
        (["welcome", "22000001", "--all"], "NUMBER and --all at once"),
        (["--list", "welcome"], "--list stands alone"),
        (["--check", "welcome", "22000001"], "--check PACK stands alone"),
        (["welcome", "--all", "--loud"], "--loud"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(typed: Typed, arguments: list[str], says: str) -> None:
    status, said, complaints = typed("seed", *arguments)
    assert (status, said, complaints.count("\n")) == (2, "", 1)
    assert says in complaints
    status, said, complaints = typed("seed", *arguments, "--json")
    assert (status, complaints) == (2, "")
    assert says in json.loads(said)["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nope", "--all"], "no pack 'nope'; nothing is done (packs: big, forged, mime"),
        (["22000001", "welcome"], "no pack '22000001'"),
        (["welcome", "22000099"], "no account 22000099"),
        (["welcome", "--group", "zz"], "no group zz"),
        (["--check", "./nowhere"], "No such file or directory"),
        (["--check", "site/tpmail.sqlite3"], "Not a directory"),
        (["--check", "nope"], "no pack 'nope'"),
    ],
)
def test_a_refusal_is_one_line_and_status_1(typed: Typed, arguments: list[str], says: str) -> None:
    status, said, complaints = typed("seed", *arguments)
    assert (status, said, complaints.count("\n")) == (1, "", 1)
    assert says in complaints
    assert "0 messages" in typed("accounts")[1]


def test_an_authors_pack_is_checked_mended_and_delivered(typed: Typed, site: Path) -> None:
    pack = site / "seeds" / "tp2"
    pack.mkdir(parents=True)
    (pack / "pack.toml").write_text('teaches = "The second session"\n')
    (pack / "01.eml").write_bytes(b"To: {nubmer}@{domain}\r\nSubject: hello\r\n\r\nx\r\n")
    for word in ("tp2", "site/seeds/tp2", "./site/seeds/tp2/"):
        status, said, complaints = typed("seed", "--check", word)
        assert (status, complaints) == (1, "")
        heading, fault = said.splitlines()
        assert heading == f"tp2: 1 mail, 1 fault ({pack})"
        assert fault.startswith("  01.eml, line 1: '{nubmer}' is no field ")
        assert fault.endswith(", did you mean {number}?")
    assert "tp2 has 1 fault: tpmail seed --check tp2\n" in typed("seed", "--list")[1]
    status, said, complaints = typed("seed", "tp2", "--all")
    assert (status, said) == (1, "")
    assert complaints.splitlines()[-1] == "tpmail: nothing is delivered"
    report = json.loads(typed("seed", "--check", "tp2", "--json")[1])
    assert report["packs"][0]["faults"][0]["line"] == 1

    (pack / "01.eml").write_bytes(b"To: {number}@{domain}\r\nSubject: hello\r\n\r\nx\r\n")
    assert typed("seed", "--check", "tp2") == (0, f"tp2: 1 mail, no fault ({pack})\n", "")
    listed = typed("seed", "--list")[1].splitlines()
    assert re.search(r"^tp2 +1  this site +The second session$", "\n".join(listed), re.MULTILINE)
    assert listed[-1] == f"packs of your own go into {site / 'seeds'}"
    assert typed("seed", "tp2", "--all")[0] == 0
    assert "10 messages" in typed("accounts")[1]


def test_a_check_of_everything_is_done_before_a_session(typed: Typed) -> None:
    status, said, _ = typed("seed", "--check")
    assert status == 0
    assert [line.partition(":")[0] for line in said.splitlines()] == list(NAMES)
    assert said.count("no fault") == len(NAMES)


def test_every_report_is_one_json_object_wherever_json_stands(typed: Typed) -> None:
    for arguments in (
        ["seed", "--list"],
        ["seed", "--check"],
        ["seed", "welcome", "--all", "--dry-run"],
        ["seed", "welcome", "--all"],
    ):
        status, before, _ = typed("--json", *arguments)
        assert (status, before.count("\n")) == (0, 1)
        status, behind, _ = typed(*arguments, "--json")
        assert (status, behind) == (0, before)


def test_a_mailbox_over_its_limits_is_told(typed: Typed, site: Path) -> None:
    (site / "tpmail.toml").write_text("[limits]\nmailbox_messages = 5\n")
    said = typed("seed", "forged", "22000003")[1]
    assert said.splitlines()[1] == (
        "over the limits of tpmail.toml, so no other mail gets in: 22000003"
    )


def test_the_list_fits_a_terminal(site: Path) -> None:
    command = [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), "seed", "--list"]
    path = with_our_path()["PYTHONPATH"]
    with Terminal(command, site.parent, PYTHONPATH=path, COLUMNS="80", LINES="24") as terminal:
        assert terminal.status() == 0
        lines = re.sub(r"\x1b\[[0-9;]*m|\r", "", terminal.screen).splitlines()
    assert len(lines) <= 24
    drawn = lines[: next(at for at, line in enumerate(lines) if line.startswith("packs of"))]
    assert max(map(len, drawn)) <= 80
    for name in NAMES:
        assert any(re.match(rf" *{name} ", line) for line in drawn), name
