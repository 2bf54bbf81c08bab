"""`tpmail import`, and groups, on a site without a server: what is said before and after."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desks import desk_at, with_our_path

ROSTERS = Path(__file__).parent / "rosters"
ONE, TWO, THREE = "22000001", "22000002", "22000003"


@pytest.fixture
def desk(tmp_path):
    return desk_at(tmp_path / "site")


def groups_of(tpmail) -> dict[str, list[str]]:
    report = json.loads(tpmail("accounts", "--json")[1])
    return {each["number"]: each["groups"] for each in report["accounts"]}


def test_what_was_understood_is_said_before_what_was_done(tpmail, desk):
    office = str(ROSTERS / "office.csv")
    assert tpmail("import", office) == (
        0,
        f"{office}: export of a registrar's office\n"
        "  cp1252 (Windows), separated by semicolons, headings in line 1\n"
        "  number: N° étudiant; group: Groupe\n"
        "  not used: Prénom, Nom (--names keeps names), Adresse de courriel\n"
        "  3 lines, 3 accounts: 22000001 (tp-1), 22000002 (tp-1), 22000003 (tp-2)\n"
        'note: group names changed to fit: "TP 1" is tp-1, "TP 2" is tp-2\n'
        "3 accounts added: 22000001-22000003\n"
        "groups joined: tp-1 2, tp-2 1\n",
        "",
    )
    assert tpmail("import", office)[1].endswith(
        "\n0 accounts added\n3 stood already: 22000001-22000003\n"
    )
    assert groups_of(tpmail) == {ONE: ["tp-1"], TWO: ["tp-1"], THREE: ["tp-2"]}


def test_a_dry_run_says_it_all_and_changes_nothing(tpmail, desk):
    status, output, _ = tpmail(
        "import", str(ROSTERS / "numbers.txt"), "--group", "TP3", "--dry-run"
    )
    assert status == 0
    assert output.endswith(
        "  UTF-8, no separator, no headings\n"
        "  number: column 1; group: tp3 for all\n"
        "  4 lines, 4 accounts: 22000001, 22000002, 00000003, ...\n"
        "warning: 1 login with other signs than digits (anna in line 6)\n"
        "4 accounts would be added: 00000003, 22000001-22000002, anna\n"
        "in the groups: tp3 4 (new)\n"
        "dry run: nothing is changed\n"
    )
    assert groups_of(tpmail) == {}


def test_a_group_given_comes_on_top_of_the_files(tpmail):
    tpmail("import", str(ROSTERS / "office.csv"), "--group", "l3")
    assert groups_of(tpmail) == {ONE: ["l3", "tp-1"], TWO: ["l3", "tp-1"], THREE: ["l3", "tp-2"]}


def test_who_changes_group_stays_in_the_old_one_until_moved(tpmail):
    tpmail("add", f"{ONE}-{THREE}", "--group", "tp1")
    tpmail("add", ONE, THREE, "--group", "l3")
    new = f"{ONE},tp1\n{TWO},tp2\n".encode()
    output = tpmail("import", "-", "--dry-run", typed=new)[1]
    assert output.endswith(
        "0 accounts would be added\n"
        "2 stood already: 22000001-22000002\n"
        "in the groups: tp1 1, tp2 1 (new)\n"
        "number    is in  would be in\n"
        "22000002  tp1    tp1,tp2\n"
        "tpmail import --move takes them out of the old groups\n"
        "dry run: nothing is changed\n"
    )
    output = tpmail("import", "-", "--dry-run", "--move", typed=new)[1]
    assert output.endswith(
        "number    is in  would be in\n22000002  tp1    tp2\ndry run: nothing is changed\n"
    )
    output = tpmail("import", "-", typed=new)[1]
    assert output.endswith(
        "groups joined: tp2 1\n"
        "1 still in an old group: 22000002 in tp1\n"
        "tpmail import --move takes them out of the old groups\n"
    )
    output = tpmail("import", "-", "--move", typed=new)[1]
    assert output.endswith("2 stood already: 22000001-22000002\n1 left tp1: 22000002\n")
    # 3 is not in the file, and l3 is none of its groups.
    assert groups_of(tpmail) == {ONE: ["l3", "tp1"], TWO: ["tp2"], THREE: ["l3", "tp1"]}


def test_a_comparison_says_who_came_left_and_changed_group(tpmail):
    tpmail("add", f"{ONE}-{THREE}", "--group", "tp1")
    tpmail("add", "22000009", "--group", "tp9")
    new = b"22000001,tp1\n22000002,tp2\n22000004,tp1\n"
    status, output, _ = tpmail("import", "-", "--diff", typed=new)
    assert status == 0
    assert output.endswith(
        "1 arrival: 22000004\n"
        "1 departure (looked for in tp1): 22000003\n"
        "1 change of group\n"
        "number    is in  joins  leaves\n"
        "22000002  tp1    tp2    tp1\n"
        "nothing is changed: tpmail import adds the arrivals and joins the groups, and\n"
        "with --move leaves the old ones; who departed stays until tpmail remove\n"
    )
    report = json.loads(tpmail("import", "-", "--diff", "--json", typed=new)[1])
    assert report["difference"]["departures"] == [THREE]
    assert report["reading"]["understood"]["separator"] == "commas"
    assert "22000004" not in groups_of(tpmail)


def test_a_student_moves_by_hand(tpmail):
    tpmail("add", ONE, TWO, "--group", "tp1")
    output = tpmail("add", ONE, "--group", "tp2")[1]
    assert "of these also in tp1 1; add NUMBER... --leave G takes them out" in output
    output = tpmail("add", TWO, "--group", "tp2", "--leave", "tp1", "--dry-run")[1]
    assert output.endswith(
        "number    is in  would be in\n22000002  tp1    tp2\ndry run: nothing is changed\n"
    )
    assert tpmail("add", ONE, TWO, "--group", "tp2", "--leave", "tp1") == (
        0,
        "0 accounts added\n"
        "2 stood already: 22000001-22000002\n"
        "groups joined: tp2 1\n"
        "2 left tp1: 22000001-22000002\n",
        "",
    )
    assert groups_of(tpmail) == {ONE: ["tp2"], TWO: ["tp2"]}
    assert tpmail("add", ONE, "--leave", "tp1")[0] == 1


def test_names_are_kept_only_when_asked_for_and_forgotten_with_the_account(tpmail, tmp_path):
    office = str(ROSTERS / "office.csv")
    tpmail("import", office)
    assert "name" not in tpmail("accounts")[1].splitlines()[0]
    database = (tmp_path / "site" / "tpmail.sqlite3").read_bytes()
    assert "Lefèvre".encode() not in database
    output = tpmail("import", office, "--names")[1]
    assert "; name: Prénom, Nom\n  not used: Adresse de courriel\n" in output
    lines = tpmail("accounts")[1].splitlines()
    assert lines[0].endswith("  name")
    assert lines[1].endswith("  Zoé Lefèvre")
    tpmail("remove", f"{ONE}-{TWO}")
    tpmail("add", ONE)
    assert "Lefèvre" not in tpmail("accounts")[1]


def test_every_bad_line_is_named_and_nothing_is_imported(tpmail, desk):
    status, output, errors = tpmail("import", str(ROSTERS / "faulty.csv"))
    assert status == 1
    assert "number: numero; group: groupe" in output
    lines = errors.splitlines()
    assert lines[0] == f"tpmail: {ROSTERS / 'faulty.csv'}, line 3: there is no number"
    assert lines[-1] == "tpmail: nothing is imported"
    assert len(lines) == 10
    assert groups_of(tpmail) == {}
    typed = b"1\n\n\n;"
    assert "line 4" in json.loads(tpmail("--json", "import", "-", typed=typed)[1])["error"]


def test_a_file_that_is_no_roster_does_not_flood_the_terminal(tpmail):
    _, _, errors = tpmail("import", "-", typed=b"7\n" + bytes(range(32, 127)) * 10 + b"\n!" * 5000)
    assert "and 4,901 more such lines" in errors
    assert len(errors) < 20_000


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (b"# nobody yet\n", "there is nobody in it"),
        (b"PK\x03\x04 xl/workbook.xml", "an Excel workbook (.xlsx): open it and save it as CSV"),
        (b"nom;groupe\nMartin;tp1\n", "no column has student numbers in it"),
        (b"\x00" * 100, "a binary file"),
        (b"1" * (16 * 1024 * 1024 + 1), "longer than any roster"),
    ],
)
def test_what_is_no_roster_is_one_line_and_status_1(tpmail, octets, says):
    status, output, errors = tpmail("import", "-", typed=octets)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith("tpmail: standard input: ")
    assert says in errors
    assert errors.endswith("; nothing is imported\n")


@pytest.mark.parametrize(
    ("roster", "says"),
    [
        (b"22000009,staff\n22000008,tp1\n", "staff is a list and no group"),
        (b"22000009,22000001\n22000008,22000001\n", "22000001 is an account"),
        (b"22000009\ntp1\n", "tp1 is a group"),
    ],
)
@pytest.mark.parametrize("option", ["--yes", "--dry-run", "--diff", "--move"])
def test_a_taken_name_imports_nobody(tpmail, desk, roster, says, option):
    tpmail("add", ONE, "--group", "tp1")
    desk.database.lists.put("staff", ["tp1"])
    status, _, errors = tpmail("import", "-", option, typed=roster)
    assert (status, errors.count("\n")) == (1, 1)
    assert says in errors
    assert groups_of(tpmail) == {ONE: ["tp1"]}


@pytest.mark.parametrize("option", ["--yes", "--dry-run", "--diff"])
def test_a_list_is_no_group_to_import_into(tpmail, desk, option):
    tpmail("add", ONE)
    desk.database.lists.put("other", [ONE])
    _, _, errors = tpmail("import", "-", option, "--group", "other", typed=b"22000009\n")
    assert "(tpmail list add other NUMBER... puts accounts on it)" in errors
    assert groups_of(tpmail) == {ONE: []}


def test_doubts_do_not_stop_where_nobody_can_be_asked(tpmail):
    status, output, errors = tpmail("import", str(ROSTERS / "doubtful.csv"))
    assert (status, errors) == (0, "")
    assert output.count("\nwarning: ") == 6
    assert "7 accounts added" in output


def test_thirty_thousand_lines(tpmail, desk):
    lines = [f"{22000000 + each};Nom {each};TP {each % 40}" for each in range(30_000)]
    typed = "\n".join(["Code_NIP;Nom;Groupe", *lines]).encode()
    assert "30,000 accounts added" in tpmail("import", "-", "--names", typed=typed)[1]
    desk.directory.refresh()
    assert len(desk.directory) == 30_000
    assert len(desk.directory.members("tp-39")) == 750
    assert desk.database.names()["22029999"] == "Nom 29999"


def test_those_never_seen(tpmail, desk):
    tpmail("add", f"{ONE}-{THREE}", "--group", "tp1")
    desk.database.note_all_seen([(ONE, "POP3", 0.0), (THREE, "SMTP", 0.0)])
    lines = tpmail("accounts", "--never-seen", "--group", "tp1")[1].splitlines()
    assert lines[1].split() == [TWO, "tp1", "0", "0", "B", "-", "-"]
    assert lines[2:] == ["1 account, 0 messages, 0 B", "groups: tp1 3"]


def test_a_disk_that_is_full_in_the_middle_imports_nobody(tpmail, tmp_path, desk):
    tpmail("add", ONE, "--group", "tp1")
    site = tmp_path / "site"
    most = (site / "tpmail.sqlite3").stat().st_size + 100_000
    done = subprocess.run(
        [sys.executable, "-m", "tpmailserver.cli", "--site", str(site), "import", "-"],
        env=with_our_path(),
        input="\n".join(f"{each},tp2" for each in range(22_000_000, 22_030_000)),
        # A file that may not grow is what a full disk looks like to a program.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert str(site / "tpmail.sqlite3") in done.stderr
    assert groups_of(tpmail) == {ONE: ["tp1"]}
    assert "1 account added" in tpmail("add", TWO)[1]
