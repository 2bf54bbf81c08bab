"""`tpmail list` and `tpmail lists`: on a site alone, and beside the server that runs on it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desks import desk_at, hold, messages_in
from tests.faults import DOMAIN, Server, begin_mail, mail, pop3, serving, site_for, smtp
from tpmailserver.cli.command import run

ONE, TWO, THREE = "22000001", "22000002", "22000003"
HELLO = b"Subject: hello\r\n\r\nHello.\r\n"

# Without a server


@pytest.fixture
def desk(tmp_path):
    """Three accounts, of which 1 and 2 are the group td1."""
    desk = desk_at(tmp_path / "site")
    desk.database.add([THREE], None, 0.0)
    desk.database.add([ONE, TWO], "td1", 0.0)
    return desk


def test_a_list_is_made_changed_and_removed_in_words(tpmail, desk):
    assert tpmail("list", "add", "Staff", "22000002-22000003", "--owner", ONE) == (
        0,
        f"the list staff is made; its address is staff@{DOMAIN}\n"
        "2 members added: 22000002-22000003\n"
        "2 mailboxes in all; owner 22000001\n"
        "who may post: everybody\n",
        "",
    )
    assert tpmail("list", "add", "staff", "--group", "td1", THREE, "--post", "MEMBERS")[1] == (
        "1 member added: td1\n"
        "1 on it already: 22000003\n"
        "3 mailboxes in all; owner 22000001\n"
        "who may post: its members and its owner\n"
    )
    assert tpmail("list", "add", "staff", "--no-owner", "--post", "owner")[1] == (
        "0 members added\n"
        "3 mailboxes in all; owner none\n"
        "who may post: its owner alone\n"
        "warning: nobody may post to staff: only its owner may, and it has none\n"
    )
    assert tpmail("list", "remove", "staff", THREE, ONE)[1] == (
        "1 member taken out: 22000003\n"
        "1 not on it: 22000001\n"
        "2 mailboxes in all\n"
        "warning: nobody may post to staff: only its owner may, and it has none\n"
    )
    tpmail("list", "add", "all", "staff")
    assert tpmail("list", "remove", "staff") == (
        0,
        "the list staff is removed (2 members)\nit was on all\n",
        "",
    )
    desk.directory.refresh()
    assert desk.directory.list_names() == ("all", "td1")


@pytest.mark.parametrize(
    "arguments",
    [
        ["staff", "--member", ONE, TWO, "td1"],
        ["staff", "--member", ONE, "--member", TWO, "--member", "td1"],
        ["staff", "--member", "22000001-22000002", "--group", "TD1"],
        ["--group", "td1", "staff", f"{ONE}-{TWO}@{DOMAIN}", f"TD1@{DOMAIN.upper()}"],
        [f"Staff@{DOMAIN}", "td1", TWO, ONE, ONE],
    ],
)
def test_members_may_be_written_in_many_ways(tpmail, desk, arguments):
    assert tpmail("list", "add", *arguments)[0] == 0
    desk.directory.refresh()
    assert set(desk.directory.mailing_list("staff").members) == {ONE, TWO, "td1"}


def test_a_bare_list_shows_what_can_be_done_with_one(tpmail):
    status, output, errors = tpmail("list")
    assert (status, errors) == (0, "")
    for each in ("add", "show", "remove", "approve", "reject", "resume"):
        assert f"\n  {each} " in output
    assert max(map(len, output.splitlines())) <= 80
    for each in ("add", "show", "remove", "approve", "reject", "resume"):
        status, output, _ = tpmail("list", each, "--help")
        assert status == 0
        assert "NAME" in output
        assert max(map(len, output.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "add"], "NAME"),
        (["list", "add", "a b"], "'a b' is no name"),
        (["list", "add", "staff", "a/b"], "'a/b' is no name"),
        (["list", "add", "staff", ""], "'' is no name"),
        (["list", "add", "staff", "--member", "9-10"], "same number of digits"),
        (["list", "add", "staff", "--group", "é"], "--group: 'é' is no name"),
        (["list", "add", "staff", "--owner", "é"], "'é' is no name"),
        (["list", "add", "staff", "--owner", ONE, "--no-owner"], "at once"),
        (["list", "add", "staff", "--post", "all"], "'all' is not one of 'everyone', 'members'"),
        (["list", "remove"], "NAME"),
        (["list", "remove", "staff", ""], "'' is no name"),
        (["list", "show"], "NAME"),
        (["list", "staff"], "staff"),
        (["lists", "staff"], "staff"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(tpmail, tmp_path, arguments, says):
    status, output, errors = tpmail(*arguments)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert says in errors
    assert f"tpmail {arguments[0]}" in errors
    assert "--help" in errors
    assert not (tmp_path / "site").exists()
    status, output, errors = tpmail("--json", *arguments)
    assert (status, errors) == (2, "")
    assert says in json.loads(output)["error"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["list", "add", "staff", "22000001-22000005"], "list 22000004, 22000005; nothing is done"),
        (["list", "add", "staff", "bob@gmail.com"], "bob@gmail.com is not on this site"),
        (["list", "add", "staff", "b+x@y.org", "c@z"], "b+x@y.org, c@z are not on this site"),
        (["list", "add", "staff", "--owner", "bob@gmail.com"], "bob@gmail.com is not on this"),
        (["list", "add", "staff", "--group", "zz"], "no group zz"),
        (["list", "add", "td1", THREE], "tpmail add NUMBER --group td1"),
        (["list", "add", ONE], "22000001 is an account"),
        (["list", "remove", "td1"], "td1 is a group"),
        (["list", "show", "td2"], "no list td2; nothing is done (did you mean td1?)"),
        (["list", "resume", "zzz"], "no list zzz; nothing is done (tpmail lists says"),
        (["list", "approve", ONE], "22000001 is an account, not a list"),
        (["list", "reject", "td1", "abc"], "nothing that waits on td1 has 'abc' in its id"),
        (["add", "22000009", "--group", "other"], "other is a list and no group; nothing is added"),
        (["add", "22000009", "other"], "other is a list; nothing is added"),
    ],
)
def test_a_refusal_is_one_line_and_status_1(tpmail, desk, arguments, says):
    desk.database.lists.put("other", [ONE])
    status, output, errors = tpmail(*arguments, typed=b"22000009\n")
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert says in errors
    status, output, errors = tpmail("--json", *arguments, typed=b"22000009\n")
    assert (status, errors) == (1, "")
    assert says in json.loads(output)["error"]
    assert desk.database.load().lists.keys() == {"other", "td1"}


def test_every_report_of_a_list_is_one_json_object(tpmail, desk):
    for arguments in (
        ["list", "add", "staff", "td1"],
        ["list", "show", "staff"],
        ["list", "show", "staff", "--all"],
        ["lists"],
        ["list", "approve", "staff", "--dry-run"],
        ["list", "approve", "staff"],
        ["list", "reject", "staff", "--dry-run"],
        ["list", "reject", "staff"],
        ["list", "resume", "staff"],
        ["list", "remove", "staff", "td1"],
        ["list", "remove", "staff"],
    ):
        status, output, errors = tpmail("--json", *arguments)
        assert (status, errors, output.count("\n")) == (0, "", 1), arguments
        assert isinstance(json.loads(output), dict)


def test_many_members_are_shown_in_few_lines_and_all_of_them_when_asked(tpmail, desk):
    numbers = [str(each) for each in range(22_001_000, 22_002_000, 2)]
    desk.database.add([*numbers, "1-9"], None, 0.0)
    desk.database.lists.put("staff", [THREE, *numbers, "1-9", ONE, TWO, "td1", "postmaster"])
    output = tpmail("list", "show", "staff")[1]
    lines = output.splitlines()
    assert lines[0] == f"staff@{DOMAIN}, owner none"
    assert "506 members (504 accounts, 1 group, 1 mailbox); 505 mailboxes in all" in lines
    assert "td1                group (2)" in lines
    assert "22000001-22000003  3 accounts" in lines
    assert "22001000           account" in lines
    assert "1-9                account" in lines
    assert lines[-1] == "there is more: tpmail list show staff --all"
    assert len(lines) < 24
    every = tpmail("list", "show", "staff", "--all")[1].splitlines()
    assert {line.split()[0] for line in every} >= {*numbers, ONE, TWO, THREE, "td1", "postmaster"}
    report = json.loads(tpmail("--json", "list", "show", "staff")[1])
    assert [each["name"] for each in report["members"]][:2] == [THREE, numbers[0]]
    assert len(report["members"]) == 506
    assert tpmail("list", "show", "td1")[1].splitlines()[-1] == "22000001-22000002  2 accounts"


def test_what_waits_is_shown_and_cannot_write_to_the_terminal(tpmail, desk):
    desk.database.lists.put("staff", ["td1"])
    desk.database.lists.note_trouble("staff", "exit status 1: \x1b]0;x\x07\nno\rboom", 0.0)
    desk.database.lists.suspend("staff", "loop: staff -> 22000001 -> staff")
    stamp = f"Return-Path: <{TWO}@{DOMAIN}>\n".encode()
    hold(desk, "staff", stamp, b"Subject: =?utf-8?q?=1B[2Jd=C3=A9j=C3=A0?=\n\n")
    hold(desk, "staff", b"Return-Path: <>\n", b"Subject: %s\n\n" % (b"very " * 2000))
    for _ in range(3):
        hold(desk, "staff")
    status, output, _ = tpmail("list", "show", "staff")
    assert status == 0
    assert "suspended: loop: staff -> 22000001 -> staff (tpmail list resume staff)\n" in output
    assert r"exit status 1: \x1b]0;x\x07\nno\rboom" in output
    assert "5 messages wait: tpmail list approve staff, tpmail list reject staff\n" in output
    lines = output.splitlines()
    first, second = lines[-5:-3]
    assert first.split()[1:4] == [TWO, r"\x1b[2Jdéjà", first.split()[3]]
    assert second.split()[1:3] == ["<>", "very"]
    assert "very very ..." in second
    assert lines[-1] == "there is more: tpmail list show staff --all"
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines[-7:])) <= 80
    every = tpmail("list", "show", "staff", "--all")[1].splitlines()
    assert "very " * 19 in every[-4]
    assert max(map(len, every)) < 200
    assert len(every[-5:]) == 5
    assert all(line.isprintable() for line in every)


def test_what_waits_is_approved_and_rejected_by_name(tpmail, desk, tmp_path):
    desk.database.lists.put("staff", ["td1", THREE])
    for subject in (b"one", b"two", b"three"):
        hold(desk, "staff", text=b"Subject: %s\n\n" % subject)
    ids = [
        each["id"] for each in json.loads(tpmail("--json", "list", "show", "staff")[1])["waiting"]
    ]
    status, output, _ = tpmail("list", "approve", "staff", ids[1], "--dry-run")
    assert (status, output) == (
        0,
        "1 message would be approved, each for 3 mailboxes\n"
        f"  {ids[1]}  22000001@{DOMAIN}  two\n"
        "dry run: nothing is changed\n",
    )
    status, output, _ = tpmail("list", "approve", "staff", ids[1])
    assert output.splitlines()[0] == "1 message approved, each is in 3 mailboxes now"
    site = tmp_path / "site"
    for number in (ONE, TWO, THREE):
        (message,) = messages_in(site / "maildirs" / number)
        assert b"\nSubject: two\n" in message
    assert "2 messages would be rejected\n" in tpmail("list", "reject", "staff", "--dry-run")[1]
    assert tpmail("lists")[1].splitlines()[1].split()[-2:] == ["waiting", "2"]
    status, output, _ = tpmail("list", "reject", "staff")
    assert (status, output.splitlines()[0]) == (
        0,
        f"2 messages rejected; kept in {site}/held/staff/cur",
    )
    assert len(list((site / "held" / "staff" / "cur").iterdir())) == 2
    assert tpmail("list", "approve", "staff") == (0, "nothing waits on staff\n", "")
    assert len(messages_in(site / "maildirs" / ONE)) == 1


def test_lists_is_a_plain_table_where_no_terminal_is(tpmail, desk, tmp_path):
    assert tpmail("lists")[1].splitlines()[-1] == "1 list"
    (tmp_path / "site" / "tpmail.toml").write_text('[hooks.poll]\nplugin = "poll"\n')
    desk.database.lists.put("staff", ["td1", THREE], ONE)
    desk.database.lists.suspend("staff", "loop")
    tpmail("list", "add", "poll", THREE)
    desk.database.lists.note_trouble("poll", "exit status 1", 1_700_000_000.0)
    (tmp_path / "site" / "held").mkdir()
    (tmp_path / "site" / "held" / "td1").write_text("")
    lines = [line.split() for line in tpmail("lists")[1].splitlines()]
    assert lines[0] == [*("name", "kind", "members", "mailboxes", "owner", "may", "post", "state")]
    assert lines[1] == [*("poll", "hook", "1", "1", "-", "everyone", "trouble"), lines[1][7]]
    assert lines[1][7] in ("2023-11-14", "2023-11-15")
    assert lines[2] == ["staff", "list", "2", "3", ONE, "everyone", "suspended"]
    assert lines[3] == ["td1", "group", "2", "2", "-", "everyone", "-"]
    assert " ".join(lines[4]).startswith("what waits on td1 cannot be read: ")
    assert lines[5] == ["3", "lists"]


def test_a_suspended_list_goes_on(tpmail, desk):
    desk.database.lists.suspend("td1", "loop: td1 -> 22000001 -> td1")
    assert tpmail("list", "resume", "td1")[1] == (
        "td1 goes on; it was suspended: loop: td1 -> 22000001 -> td1\n"
    )
    assert tpmail("list", "resume", "TD1")[1] == "td1 was not suspended\n"


# Beside a running server

MODERATED = ("[hooks.moderated]", 'python = "moderated:Moderated"')
MODERATOR = """
from tpmailserver.delivery.expander import Held

class Moderated:
    def expand(self, post):
        if post.octets > 1000:
            raise MemoryError("too much")
        return Held("the owner reads everything first")
"""

Tpmail = Callable[..., dict]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    site = site_for(folder / "site", [ONE, TWO, THREE], *MODERATED, list_breaker=3)
    (site / "hooks").mkdir()
    (site / "hooks" / "moderated.py").write_text(MODERATOR)
    with serving(site) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture
def beside(server: Server, capsys: pytest.CaptureFixture[str]) -> Tpmail:
    """Runs `tpmail --json` beside the server; the one object that it says."""

    def call(*arguments: str) -> dict:
        status = run(["--site", str(server.site), "--json", *arguments])
        output, errors = capsys.readouterr()
        assert (status, errors) == (0, ""), output
        return json.loads(output)

    return call


def stored(server: Server, number: str, list_name: str) -> list[bytes]:
    """The messages in a mailbox that came through a list."""
    mark = f"\nList-Id: <{list_name}.{DOMAIN}>\n".encode()
    folder: Path = server.site / "maildirs" / number
    return [each for each in messages_in(folder) if mark in each] if folder.exists() else []


def expanded(server: Server, name: str) -> list[str]:
    """What EXPN says to 22000001."""
    with smtp(server.smtp) as peer:
        assert peer.say("AUTH PLAIN ADIyMDAwMDAxADIyMDAwMDAx").startswith("235 ")
        peer.send(f"EXPN {name}\r\nQUIT\r\n".encode())
        return peer.rest().decode().splitlines()[:-1]


def test_the_server_knows_a_list_at_once(server: Server, beside: Tpmail) -> None:
    with smtp(server.smtp) as sender:
        assert sender.say(f"MAIL FROM:<{ONE}>").startswith("250 ")
        assert sender.say("RCPT TO:<friends>").startswith("550 5.1.1 ")
        beside("list", "add", "friends", TWO, ONE, "--owner", THREE)
        assert sender.say("RCPT TO:<friends>").startswith("250 ")
        sender.say("RSET")
        assert mail(sender, ["friends"], HELLO).startswith("250 2.0.0 delivered to 2 mailboxes")
        assert expanded(server, "friends") == [
            f"250-2.1.5 <{TWO}@{DOMAIN}>",
            f"250 2.1.5 <{ONE}@{DOMAIN}>",
        ]
        beside("list", "add", "friends", "--group", "td1")
        assert mail(sender, ["friends"], HELLO).startswith("250 2.0.0 delivered to 3 mailboxes")
        assert expanded(server, "friends")[-1] == f"250 2.1.5 <td1@{DOMAIN}>"
        beside("list", "remove", "friends", ONE, TWO)
        assert expanded(server, "friends") == [f"250 2.1.5 <td1@{DOMAIN}>"]
        beside("list", "remove", "friends")
        assert sender.say(f"MAIL FROM:<{ONE}>").startswith("250 ")
        assert sender.say("RCPT TO:<friends>").startswith("550 5.1.1 ")
    assert len(stored(server, TWO, "friends")) == 2
    for message in stored(server, ONE, "friends"):
        assert message.startswith(f"Return-Path: <{THREE}@{DOMAIN}>\n".encode())


def test_who_may_post_is_changed_at_once(server: Server, beside: Tpmail) -> None:
    beside("list", "add", "news", TWO, THREE)
    with smtp(server.smtp) as sender:
        assert mail(sender, ["news"], HELLO).startswith("250 ")
        assert beside("list", "add", "news", "--post", "members")["may_post"] == "members"
        assert sender.say(f"MAIL FROM:<{ONE}>").startswith("250 ")
        assert sender.say("RCPT TO:<news>").startswith("550 5.7.2 news takes mail from its members")
        beside("list", "add", "news", "--owner", ONE)
        assert sender.say("RCPT TO:<news>").startswith("250 ")
        report = beside("list", "add", "news", "--no-owner", "--post", "owner")
        assert report["warnings"] == [
            "nobody may post to news: only its owner may, and it has none"
        ]
        assert sender.say("RCPT TO:<news>").startswith("550 5.7.2 news takes mail from its owner")


def test_a_list_that_the_server_suspended_goes_on(server: Server, beside: Tpmail) -> None:
    beside("list", "add", "talk", ONE, TWO)
    with smtp(server.smtp) as sender:
        for _ in range(3):
            assert mail(sender, ["talk"], HELLO).startswith("250 ")
        assert mail(sender, ["talk"], HELLO).startswith("554 5.4.6 loop: talk -> 22000001 -> talk")
        assert beside("list", "show", "talk")["suspended"] == "loop: talk -> 22000001 -> talk"
        (row,) = [each for each in beside("lists")["lists"] if each["name"] == "talk"]
        assert row["suspended"]
        assert sender.say(f"MAIL FROM:<{TWO}>").startswith("250 ")
        assert sender.say("RCPT TO:<talk>").startswith("450 4.2.1 talk is suspended")
        assert beside("list", "resume", "talk")["why"] == "loop: talk -> 22000001 -> talk"
        sender.say("RSET")
        assert mail(sender, ["talk"], HELLO).startswith("250 ")
    assert len(stored(server, TWO, "talk")) == 4


def test_what_waits_is_approved_by_the_server(server: Server, beside: Tpmail) -> None:
    beside("list", "add", "moderated", TWO, THREE, "--owner", ONE)
    with smtp(server.smtp) as sender:
        for content in (b"Subject: yes\r\n\r\nHello.\r\n", b"Subject: no\r\n\r\n"):
            said = mail(sender, ["moderated"], content, TWO)
            assert said.startswith("250 2.0.0 held for the owner of moderated, id=")
    assert stored(server, TWO, "moderated") == []
    report = beside("list", "show", "moderated")
    assert (report["hook"], report["trouble"]) == ("python moderated:Moderated", "")
    yes, no = report["waiting"]
    assert (yes["sender"], yes["subject"], no["subject"]) == (f"{TWO}@{DOMAIN}", "yes", "no")
    assert no["identity"] == said.split("id=")[1]
    assert beside("list", "approve", "moderated", yes["id"], "--dry-run")["mailboxes"] == 2
    assert stored(server, THREE, "moderated") == []
    assert beside("list", "approve", "moderated", yes["id"])["mailboxes"] == 2
    for number in (TWO, THREE):
        (message,) = stored(server, number, "moderated")
        assert message.startswith(f"Return-Path: <{ONE}@{DOMAIN}>\nReceived: ".encode())
        assert message.count(b"\nReceived: ") == 2
        assert message.endswith(b"\nSubject: yes\n\nHello.\n")
    with pop3(server.pop3, THREE) as reader:
        last = reader.say("STAT").split()[1]
        reader.send(f"RETR {last}\r\n".encode())
        assert reader.reply().startswith("+OK")
        assert b"Subject: yes\r\n" in reader.text()
    kept = Path(beside("list", "reject", "moderated")["kept"])
    assert b"Subject: no" in next(kept.iterdir()).read_bytes()
    assert beside("list", "show", "moderated")["waiting"] == []
    assert len(stored(server, TWO, "moderated")) == 1


def test_why_a_hook_failed_is_shown(server: Server, beside: Tpmail) -> None:
    beside("list", "add", "moderated", TWO)
    with smtp(server.smtp) as sender:
        said = mail(sender, ["moderated"], b"x" * 2000 + b"\r\n", THREE)
        assert said.startswith("451 4.2.4 ")
        assert "tpmail list show moderated" in said
    report = beside("list", "show", "moderated")
    assert "MemoryError: too much" in report["trouble"]
    rows = {each["name"]: each for each in beside("lists")["lists"]}
    assert (rows["moderated"]["kind"], rows["moderated"]["trouble"]) == ("hook", report["trouble"])


def test_an_account_that_goes_leaves_its_lists(server: Server, beside: Tpmail) -> None:
    beside("add", "22000009")
    beside("list", "add", "leaving", "22000009", "22000001", "--owner", "22000009")
    beside("remove", "22000009")
    report = beside("list", "show", "leaving")
    assert ([each["name"] for each in report["members"]], report["owner"]) == ([ONE], "")
    with smtp(server.smtp) as sender:
        begin_mail(sender, ["leaving"])
