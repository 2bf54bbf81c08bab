"""`tpmail` on a site without a server: what it says, what it leaves, how it exits."""

import json

import pytest

from tests.desks import desk_at, messages_in, put_mail
from tpmailserver.cli.command import run
from tpmailserver.delivery.passwords import is_password


@pytest.fixture
def desk(tmp_path):
    return desk_at(tmp_path / "site")


def test_add_says_how_many_are_new_and_how_many_stood(tpmail, desk):
    assert tpmail("add", "22000001-22000003", "--group", "TP1") == (
        0,
        "3 accounts added: 22000001-22000003\nin group tp1 now: 3 of these\n",
        "",
    )
    status, output, _ = tpmail("add", "22000003-22000004", "ANNA")
    assert status == 0
    assert "2 accounts added: 22000004, anna" in output
    assert "1 stood already: 22000003" in output
    desk.directory.refresh()
    assert desk.directory.members("tp1") == ("22000001", "22000002", "22000003")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add"], "NUMBER"),
        (["add", "22000001", "a b"], "1 to 64 of a-z 0-9 . _ -"),
        (["add", "22000001", "9-10"], "same number of digits"),
        (["add", "22000001", "20-10"], "a range goes up"),
        (["add", "22000001..22000009"], "write 22000001-22000009"),
        (["remove", "22000001..22000009"], "write 22000001-22000009"),
        (["add", "22000001", "--leave", "é"], "--leave: 'é' is no name"),
        (["add", "22000001", "--group", "é"], "--group: 'é' is no name"),
        (["reset"], "whom?"),
        (["reset", "22000001", "--all"], "NUMBER and --all at once"),
        (["remove", "--group", "x", "--all"], "--group and --all at once"),
        (["password", "--default"], "whom?"),
        (["init", "--domain", "a b"], "--domain takes a domain name"),
        (["erase"], "erase"),
        (["status", "--loud"], "--loud"),
        (["import"], "FILE"),
        ([], "Missing command"),
    ],
)
def test_bad_usage_is_one_line_and_status_2_and_does_nothing(tpmail, tmp_path, arguments, says):
    status, output, errors = tpmail(*arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("tpmail: ")
    assert says in errors
    assert "--help" in errors
    assert not (tmp_path / "site").exists()
    for in_json in (["--json", *arguments], [*arguments, "--json"]):
        status, output, errors = tpmail(*in_json)
        assert (status, errors) == (2, "")
        assert says in json.loads(output)["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "postmaster"], "postmaster is reserved"),
        (["add", "22000001", "--group", "lists"], "lists is reserved"),
        (["reset", "22000001", "22000008-22000009"], "no account 22000001, 22000008-22000009"),
        (["add", "22000001", "--leave", "zz"], "no group zz"),
        (["remove", "--group", "zz"], "no group zz"),
        (["accounts", "--group", "zz"], "no group zz"),
        (["password", "22000001", "--default"], "no account 22000001"),
        (["import", "/nowhere/roster"], "/nowhere/roster"),
    ],
)
def test_a_refusal_is_one_line_and_status_1(tpmail, desk, arguments, says):
    status, output, errors = tpmail(*arguments)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert says in errors
    status, output, errors = tpmail("--json", *arguments)
    assert (status, errors) == (1, "")
    assert says in json.loads(output)["error"]


def test_a_bare_tpmail_shows_every_command(capsys):
    assert run([]) == 0
    output = capsys.readouterr().out
    for each in (
        "init",
        "demo",
        "add",
        "import",
        "accounts",
        "remove",
        "password",
        "reset",
        "list",
        "lists",
        "seed",
    ):
        assert f"\n  {each} " in output
    assert max(map(len, output.splitlines())) <= 80


def test_init_makes_a_site_once_and_overwrites_nothing(tpmail, tmp_path):
    site = tmp_path / "site"
    status, output, _ = tpmail("init", "--domain", "Lab.Example")
    assert status == 0
    assert "lab.example" in output
    assert {"tpmail.toml", "tpmail.sqlite3", "maildirs"} <= {each.name for each in site.iterdir()}
    (site / "tpmail.toml").write_text('domain = "mine.example"')
    status, output, errors = tpmail("init")
    assert (status, output) == (1, "")
    assert "exists already" in errors
    assert (site / "tpmail.toml").read_text() == 'domain = "mine.example"'


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_MESSAGES": "fr_CA", "LANG": "de_DE"}, "fr"),
        ({}, "en"),
    ],
)
def test_init_proposes_the_machines_language(tpmail, monkeypatch, environment, language):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert json.loads(tpmail("--json", "init")[1])["language"] == language


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["accounts"],
        ["reset", "--all"],
        ["reset", "--all", "--dry-run"],
        ["remove", "22000001"],
        ["password", "22000001"],
        ["lists"],
        ["kick", "--all"],
        ["freeze"],
    ],
)
def test_in_a_folder_that_is_no_site_nothing_is_done_or_made(tpmail, tmp_path, arguments):
    for there in (False, True):
        status, output, errors = tpmail(*arguments)
        assert (status, output, errors.count("\n")) == (1, "", 1)
        assert f"no site in {tmp_path / 'site'};" in errors
        assert (tmp_path / "site").exists() == there
        (tmp_path / "site").mkdir(exist_ok=True)
    assert list((tmp_path / "site").iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["add", "22000001"], ["import", "-"], ["demo", "--no-start"]]
)
def test_what_makes_accounts_makes_a_site_and_says_where(tpmail, tmp_path, arguments):
    _, output, errors = tpmail(*arguments, typed=b"22000001\n")
    assert f"a new site: {tmp_path / 'site'}\n" in output
    assert errors == ""
    assert "a new site" not in tpmail(*arguments, typed=b"22000001\n")[1]


def test_what_is_refused_makes_no_site(tpmail, tmp_path):
    assert tpmail("add", "22000001", "postmaster")[0] == 1
    assert not (tmp_path / "site").exists()


def test_a_dry_run_makes_no_site(tpmail, tmp_path):
    status, output, _ = tpmail("import", "-", "--dry-run", typed=b"22000001\n22000002\n")
    assert status == 0
    assert "2 accounts would be added" in output
    assert not (tmp_path / "site").exists()


def test_a_wrong_setting_is_named(tpmail, tmp_path):
    tpmail("init")
    (tmp_path / "site" / "tpmail.toml").write_text('domian = "x"')
    status, _, errors = tpmail("status")
    assert status == 1
    assert "did you mean domain?" in errors
    assert errors.count("\n") == 1


def test_accounts_is_a_plain_table_where_no_terminal_is(tpmail, desk):
    tpmail("add", "22000001", "00000002", "--group", "tp1")
    put_mail(desk, "22000001", b"x" * 2000)
    desk.database.note_all_seen([("22000001", "POP3", 0.0)])
    lines = tpmail("accounts")[1].splitlines()
    assert lines[0].split() == [
        "number",
        "groups",
        "messages",
        "size",
        *["last", "POP3", "last", "SMTP"],
    ]
    assert lines[1].split() == ["00000002", "tp1", "0", "0", "B", "-", "-"]
    assert lines[2].split()[:5] == ["22000001", "tp1", "1", "2.0", "KiB"]
    assert lines[2].split()[5] in ("1970-01-01", "1969-12-31")
    assert lines[3:] == ["2 accounts, 1 message, 2.0 KiB", "groups: tp1 2"]
    assert "\x1b" not in "".join(lines)


def test_reset_keeps_the_old_mail_and_says_where(tpmail, desk, tmp_path):
    tpmail("add", "22000001-22000003")
    put_mail(desk, "22000001")
    put_mail(desk, "22000003")
    status, output, _ = tpmail("reset", "--all", "--dry-run")
    assert status == 0
    assert "3 mailboxes would be set aside" in output
    assert "2 messages" in output
    assert len(messages_in(tmp_path / "site" / "maildirs" / "22000001")) == 1
    status, output, _ = tpmail("reset", "22000001-22000003")
    assert status == 0
    (kept,) = (tmp_path / "site" / "snapshots").iterdir()
    assert f"2 old messages kept in snapshot {kept.name}\n" in output
    assert "tpmail undo" in output
    assert len(messages_in(kept / "22000003")) == 1
    assert messages_in(tmp_path / "site" / "maildirs" / "22000003") == []
    status, output, _ = tpmail("reset", "--all", "--dry-run", "--seed", "welcome")
    assert (status, "each would begin anew with 1 mail" in output) == (0, True)
    status, _, error = tpmail("reset", "--all", "--dry-run", "--seed", "welcom")
    assert (status, error.startswith("tpmail: no pack 'welcom'; nothing is done")) == (1, True)


def test_a_reset_says_of_each_mailbox_whether_it_is_empty_or_begins_with_mails(tpmail):
    tpmail("add", "22000001-22000003")
    assert tpmail("reset", "--all")[1].startswith("3 mailboxes are empty now: 22000001-22000003\n")
    seeded = tpmail("reset", "--all", "--seed", "welcome")[1]
    assert "3 mailboxes begin anew with 1 mail each: 22000001-22000003\n" in seeded
    assert "empty" not in seeded
    one = tpmail("reset", "22000002", "--seed", "welcome")[1]
    assert "1 mailbox begins anew with 1 mail: 22000002\n" in one


def test_remove_says_where_the_mail_is_kept(tpmail, desk, tmp_path):
    tpmail("add", "22000001-22000003", "--group", "tp1")
    put_mail(desk, "22000001")
    assert "3 mailboxes would be set aside" in tpmail("remove", "--group", "tp1", "--dry-run")[1]
    assert "3 accounts," in tpmail("accounts")[1]
    report = json.loads(tpmail("--json", "remove", "22000000-22000099")[1])
    assert report["numbers"] == ["22000001", "22000002", "22000003"]
    assert report["messages"] == 1
    assert list((tmp_path / "site" / "snapshots").glob("*/22000001/new/*"))
    assert "0 accounts" in tpmail("accounts")[1]


@pytest.mark.parametrize("line", ["sésame\n", "sésame\r\n", "sésame"])
def test_a_password_comes_from_a_line_of_standard_input(tpmail, desk, line):
    tpmail("add", "22000001")
    status, output, errors = tpmail("password", "22000001", typed=line.encode())
    assert (status, errors) == (0, "")
    assert "sésame" not in output
    desk.directory.refresh()
    assert is_password("sésame".encode(), desk.directory.account("22000001").password_hash)
    tpmail("password", "22000001", "--default")
    desk.directory.refresh()
    assert desk.directory.account("22000001").password_hash is None


@pytest.mark.parametrize(
    ("typed", "says"),
    [(b"", "empty"), (b"\n", "empty"), (b"x" * 129, "128"), (b"\xff\n", "UTF-8")],
)
def test_a_password_that_cannot_be_used_is_refused(tpmail, typed, says):
    tpmail("add", "22000001")
    status, _, errors = tpmail("password", "22000001", typed=typed)
    assert status == 1
    assert says in errors
    assert errors.count("\n") == 1


def test_demo_makes_the_class_and_says_what_to_type(tpmail, tmp_path):
    status, output, _ = tpmail("demo", "--no-start")
    assert status == 0
    assert "5 welcome mails delivered" in output
    for line in ("telnet localhost 1110", "telnet localhost 2525", "PASS 22000001", "RCPT TO:<"):
        assert line in output
    assert len(messages_in(tmp_path / "site" / "maildirs" / "22000005")) == 1
    report = json.loads(tpmail("--json", "demo", "--no-start")[1])
    assert report["numbers"][-1] == "22000005"
    assert report["welcomed"] == []


def test_status_without_a_server_is_done_and_says_so(tpmail):
    tpmail("add", "22000001-22000002", "--group", "tp1")
    assert tpmail("status") == (0, "no server runs on this site\n2 accounts in 1 group\n", "")
    assert json.loads(tpmail("--json", "status")[1])["server"] is None


def test_every_report_of_a_command_is_one_json_object(tpmail):
    for arguments in (
        ["init"],
        ["add", "22000001"],
        ["import", "-", "--diff"],
        ["import", "-", "--dry-run"],
        ["import", "-"],
        ["add", "22000001", "--group", "tp2", "--dry-run"],
        ["add", "22000001", "--group", "tp2"],
        ["add", "22000001", "--leave", "tp2", "--dry-run"],
        ["add", "22000001", "--leave", "tp2"],
        ["accounts"],
        ["accounts", "--never-seen"],
        ["password", "22000001", "--default"],
        ["reset", "--all", "--dry-run"],
        ["reset", "--all"],
        ["status"],
        ["demo", "--no-start"],
        ["remove", "--all", "--dry-run"],
        ["remove", "--all"],
    ):
        status, output, errors = tpmail(*arguments, "--json", typed=b"22000002\n")
        assert (status, errors, output.count("\n")) == (0, "", 1), arguments
        assert isinstance(json.loads(output), dict)


@pytest.mark.parametrize("arguments", [["status", "--json"], ["--json", "status"]])
def test_json_counts_before_and_behind_the_command(tpmail, desk, arguments):
    status, output, errors = tpmail(*arguments)
    assert (status, errors) == (0, "")
    assert json.loads(output)["accounts"] == 0
    status, output, _ = tpmail("add", "--json", "x y")
    assert (status, list(json.loads(output))) == (2, ["error"])


def test_behind_two_dashes_json_is_a_word(tpmail):
    status, output, errors = tpmail("add", "--", "--json")
    assert (status, output) == (2, "")
    assert "'--json' is no name" in errors


def test_a_site_that_is_a_file_is_one_line(tpmail, tmp_path):
    (tmp_path / "site").write_text("")
    for arguments in (["status"], ["init"], ["add", "1"], ["demo"]):
        status, output, errors = tpmail(*arguments)
        assert (status, output, errors.count("\n")) == (1, "", 1), arguments
        assert str(tmp_path / "site") in errors
