"""A list is what was put into it, every group is one, and a server notices every change."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tpmailserver.store.database import Account, Added, Database
from tpmailserver.store.directory import Directory
from tpmailserver.store.lists import (
    GroupList,
    MailingList,
    MayPost,
    Trouble,
    UnknownMember,
    UnknownOwner,
)
from tpmailserver.store.namespace import NameTaken
from tpmailserver.store.transactions import DatabaseError

ROOT = Path(__file__).parent.parent

# A site's database as it was before there were lists, with two accounts in a group.
OLD = """
CREATE TABLE accounts (
    number VARCHAR(64) NOT NULL, password_hash VARCHAR, created FLOAT NOT NULL,
    PRIMARY KEY (number)
);
CREATE TABLE groups (name VARCHAR(64) NOT NULL, PRIMARY KEY (name));
CREATE TABLE memberships (
    group_name VARCHAR(64) NOT NULL, number VARCHAR(64) NOT NULL,
    PRIMARY KEY (group_name, number)
);
CREATE INDEX ix_memberships_number ON memberships (number);
CREATE TABLE seen (
    number VARCHAR(64) NOT NULL, protocol VARCHAR NOT NULL, at FLOAT NOT NULL,
    PRIMARY KEY (number, protocol)
);
CREATE TABLE meta ("key" VARCHAR NOT NULL, value INTEGER NOT NULL, PRIMARY KEY ("key"));
INSERT INTO accounts VALUES ('1', NULL, 1.0), ('2', '$argon2id$', 1.0);
INSERT INTO groups VALUES ('td1');
INSERT INTO memberships VALUES ('td1', '2'), ('td1', '1');
INSERT INTO meta VALUES ('revision', 237326618);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tpmail.sqlite3"


@pytest.fixture
def database(path: Path) -> Database:
    """Accounts 1 to 5, of which 1 and 2 are the group td1."""
    made = Database(path)
    made.create()
    made.add(["2", "1"], "td1", 1.0)
    made.add(["3", "4", "5"], None, 1.0)
    return made


def the_list(database: Database, name: str) -> MailingList | None:
    """The list as a server comes to know it."""
    directory = Directory(database)
    directory.refresh()
    return directory.mailing_list(name)


def members(database: Database, name: str) -> tuple[str, ...]:
    found = the_list(database, name)
    assert found is not None
    return found.members


def test_a_list_has_what_was_put_into_it(database: Database) -> None:
    database.lists.put("staff", ["5", "3"], "4", MayPost.OWNER)
    expected = MailingList("staff", "4", MayPost.OWNER, ("5", "3"), "")
    assert the_list(database, "staff") == expected


def test_a_list_begins_empty_without_an_owner_and_open_to_everybody(database: Database) -> None:
    assert database.lists.put("staff") == ()
    assert the_list(database, "staff") == MailingList("staff", "", MayPost.EVERYONE, (), "")


def test_members_are_added_once_and_stay_in_that_order(database: Database) -> None:
    assert database.lists.put("staff", ["5", "3", "5"]) == ("5", "3")
    assert database.lists.put("other", ["3"]) == ("3",)
    assert database.lists.put("staff", ["4", "3", "1"]) == ("4", "1")
    assert members(database, "staff") == ("5", "3", "4", "1")
    database.lists.drop("staff", ["1"])
    database.lists.put("staff", ["2"])
    database.lists.drop("staff", ["5"])
    database.lists.put("staff", ["5"])
    assert members(database, "staff") == ("3", "4", "2", "5")


def test_what_is_not_given_stays(database: Database) -> None:
    database.lists.put("staff", ["3"], "4", MayPost.OWNER)
    database.lists.suspend("staff", "100 posts")
    database.lists.put("staff", ["5"])
    staff = MailingList("staff", "4", MayPost.OWNER, ("3", "5"), "100 posts")
    assert the_list(database, "staff") == staff
    database.lists.put("staff", may_post=MayPost.MEMBERS)
    database.lists.put("staff", owner="")
    staff = MailingList("staff", "", MayPost.MEMBERS, ("3", "5"), "100 posts")
    assert the_list(database, "staff") == staff


def test_a_member_may_be_a_group_a_list_or_postmaster(database: Database) -> None:
    database.lists.put("staff", ["3"])
    everybody = ("td1", "staff", "postmaster", "4")
    assert database.lists.put("all", everybody) == everybody
    assert members(database, "all") == everybody


def test_all_members_that_nobody_is_are_named(database: Database) -> None:
    with pytest.raises(UnknownMember) as caught:
        database.lists.put("staff", ["9", "3", "lists", "9", "td2", "../1"])
    assert caught.value.names == ("9", "lists", "td2", "../1")
    assert str(caught.value) == "no account, group or list: 9, lists, td2, ../1"
    assert the_list(database, "staff") is None


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("1", ["3"]), NameTaken, "1 is an account"),
        (("postmaster", ["3"]), NameTaken, "postmaster is reserved"),
        (("lists", ["3"]), NameTaken, "lists is reserved"),
        (("Staff", ["3"]), ValueError, "'Staff' is no name"),
        (("../x", ["3"]), ValueError, "is no name"),
        (("staff", ["5", "staff"]), ValueError, "staff cannot be a member of itself"),
        (("new", ["5", "new"]), ValueError, "new cannot be a member of itself"),
        (("staff", ["5", "9"]), UnknownMember, "no account, group or list: 9"),
        (("staff", ["5"], "9"), UnknownOwner, "the owner of a list is an account; 9 is none"),
        (("staff", ["5"], "td1"), UnknownOwner, "td1 is none"),
        (("new", ["5"], "staff"), UnknownOwner, "staff is none"),
        (("td1", ["5"], "3"), GroupList, "td1 is a group.*tpmail add NUMBER --group td1"),
    ],
)
def test_what_is_refused_changes_nothing(
    database: Database, arguments: tuple[str, ...], error: type[ValueError], says: str
) -> None:
    database.lists.put("staff", ["3"], "4", MayPost.MEMBERS)
    before = database.load()
    with pytest.raises(error, match=says):
        database.lists.put(*arguments)
    assert database.load() == before


@pytest.mark.parametrize(
    ("numbers", "group", "name"),
    [(["7", "staff"], None, "staff"), (["7"], "staff", "staff"), (["staff"], "td1", "staff")],
)
def test_the_name_of_a_list_is_no_account_and_no_group(
    database: Database, numbers: list[str], group: str | None, name: str
) -> None:
    database.lists.put("staff", ["3"])
    before = database.load()
    with pytest.raises(NameTaken) as caught:
        database.add(numbers, group, 2.0)
    assert (caught.value.name, caught.value.kind) == (name, "a list")
    assert database.load() == before
    database.lists.remove("staff")
    database.add(numbers, group, 2.0)


def test_a_group_is_a_list_of_its_own_name(database: Database) -> None:
    database.add([], "td2", 1.0)
    database.lists.put("staff", ["3"])
    directory = Directory(database)
    assert (directory.list_names(), directory.mailing_list("td1")) == ((), None)
    directory.refresh()
    assert directory.list_names() == ("staff", "td1", "td2")
    td1 = MailingList("td1", "", MayPost.EVERYONE, ("1", "2"), "", is_group=True)
    assert directory.mailing_list("td1") == td1
    assert directory.mailing_list("td2") == MailingList(
        "td2", "", MayPost.EVERYONE, (), "", is_group=True
    )
    assert directory.mailing_list("1") is None


def test_a_row_says_more_of_a_group_and_its_members_stay_its_own(database: Database) -> None:
    assert database.lists.put("td1", owner="3", may_post=MayPost.OWNER) == ()
    assert the_list(database, "td1") == MailingList(
        "td1", "3", MayPost.OWNER, ("1", "2"), "", is_group=True
    )
    assert database.add(["0"], "td1", 2.0) == Added(("0",), ())
    assert members(database, "td1") == ("0", "1", "2")
    with pytest.raises(NameTaken, match="td1 is a group"):
        database.add(["td1"], None, 2.0)
    with pytest.raises(GroupList):
        database.lists.drop("td1", ["1"])
    assert members(database, "td1") == ("0", "1", "2")


def test_a_removed_list_is_gone_from_the_others(database: Database) -> None:
    database.lists.put("staff", ["3"], "4", MayPost.OWNER)
    database.lists.put("all", ["5", "staff", "td1"])
    assert database.lists.remove("staff")
    assert not database.lists.remove("staff")
    assert the_list(database, "staff") is None
    assert members(database, "all") == ("5", "td1")
    database.lists.put("staff")
    assert the_list(database, "staff") == MailingList("staff", "", MayPost.EVERYONE, (), "")


def test_removing_the_row_of_a_group_leaves_the_group(database: Database) -> None:
    database.lists.put("all", ["td1"])
    assert not database.lists.remove("td1")
    database.lists.put("td1", owner="3", may_post=MayPost.MEMBERS)
    assert database.lists.remove("td1")
    assert the_list(database, "td1") == MailingList(
        "td1", "", MayPost.EVERYONE, ("1", "2"), "", is_group=True
    )
    assert members(database, "all") == ("td1",)


def test_members_are_dropped(database: Database) -> None:
    database.lists.put("staff", ["3", "4", "5"])
    database.lists.put("other", ["3", "5"])
    assert database.lists.drop("staff", ["5", "9", "3", "5", "1"]) == ("5", "3")
    assert members(database, "staff") == ("4",)
    assert members(database, "other") == ("3", "5")
    assert database.lists.drop("nobody", ["3"]) == ()


def test_removed_accounts_are_members_and_owners_no_more(database: Database) -> None:
    database.lists.put("staff", ["3", "1", "4"], "3", MayPost.OWNER)
    database.lists.put("other", ["postmaster", "3"], "5")
    database.lists.put("td1", owner="3")
    database.remove(["3", "1"])
    assert the_list(database, "staff") == MailingList("staff", "", MayPost.OWNER, ("4",), "")
    other = MailingList("other", "5", MayPost.EVERYONE, ("postmaster",), "")
    assert the_list(database, "other") == other
    assert the_list(database, "td1") == MailingList(
        "td1", "", MayPost.EVERYONE, ("2",), "", is_group=True
    )
    database.add(["3"], None, 2.0)
    assert members(database, "staff") == ("4",)


@pytest.mark.parametrize("name", ["staff", "td1"])
def test_a_list_is_suspended_and_resumed(database: Database, name: str) -> None:
    database.lists.put("staff", ["3"])
    before = the_list(database, name)
    assert before is not None
    assert not database.lists.resume(name)
    assert database.lists.suspend(name, "first")
    assert database.lists.suspend(name, "100 posts of 3 in ten minutes")
    suspended = the_list(database, name)
    assert suspended is not None
    assert suspended.suspended == "100 posts of 3 in ten minutes"
    assert suspended.members == before.members
    assert database.lists.resume(name)
    assert not database.lists.resume(name)
    assert the_list(database, name) == before


def test_what_is_no_list_is_not_suspended(database: Database) -> None:
    before = database.load()
    assert not database.lists.suspend("gone", "100 posts")
    assert not database.lists.suspend("1", "100 posts")
    assert not database.lists.resume("gone")
    with pytest.raises(ValueError, match="for a reason"):
        database.lists.suspend("td1", "")
    assert database.load() == before


def test_the_last_trouble_of_a_list_is_kept_until_it_is_removed(database: Database) -> None:
    database.lists.put("poll", ["3"])
    database.lists.note_trouble("poll", "exit status 1", 5.0)
    database.lists.note_trouble("td1", "no answer in 10 s", 6.0)
    database.lists.note_trouble("poll", "exit status 2", 7.0)
    database.lists.note_trouble("gone", "exit status 3", 8.0)
    poll, td1 = Trouble(7.0, "exit status 2"), Trouble(6.0, "no answer in 10 s")
    assert database.lists.troubles() == {"poll": poll, "td1": td1}
    database.lists.remove("poll")
    database.lists.put("poll", ["3"])
    assert database.lists.troubles() == {"td1": td1}


CHANGES: dict[str, Callable[[Database], object]] = {
    "made": lambda database: database.lists.put("new", ["3"]),
    "members": lambda database: database.lists.put("staff", ["4"]),
    "owner": lambda database: database.lists.put("staff", owner="4"),
    "may post": lambda database: database.lists.put("staff", may_post=MayPost.OWNER),
    "a group's owner": lambda database: database.lists.put("td1", owner="4"),
    "removed": lambda database: database.lists.remove("staff"),
    "dropped": lambda database: database.lists.drop("staff", ["3"]),
    "suspended": lambda database: database.lists.suspend("staff", "100 posts"),
    "a group suspended": lambda database: database.lists.suspend("td1", "100 posts"),
    "resumed": lambda database: database.lists.resume("quiet"),
    "an account removed": lambda database: database.remove(["3"]),
    "a group joined": lambda database: database.add(["5"], "td1", 2.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_raises_the_revision_once_and_reaches_the_directory(
    path: Path, database: Database, change: Callable[[Database], object]
) -> None:
    database.lists.put("staff", ["3"])
    database.lists.put("quiet", ["staff"])
    database.lists.suspend("quiet", "100 posts")
    directory = Directory(database)
    directory.refresh()
    seen = {name: directory.mailing_list(name) for name in directory.list_names()}
    before = database.revision()
    change(Database(path))
    assert database.revision() == before + 1
    assert directory.refresh()
    assert not directory.refresh()
    now = {name: directory.mailing_list(name) for name in directory.list_names()}
    assert now == database.load().lists
    assert now != seen


@pytest.mark.parametrize(
    "call",
    [
        lambda lists: lists.note_trouble("staff", "exit status 1", 5.0),
        lambda lists: lists.troubles(),
        lambda lists: lists.remove("gone"),
        lambda lists: lists.drop("staff", ["5"]),
        lambda lists: lists.resume("staff"),
        lambda lists: lists.suspend("gone", "100 posts"),
    ],
)
def test_what_changes_no_list_leaves_the_revision(
    database: Database, call: Callable[[object], object]
) -> None:
    database.lists.put("staff", ["3"])
    before = database.revision()
    call(database.lists)
    assert database.revision() == before


def test_the_database_of_an_older_site_goes_on(path: Path) -> None:
    older = sqlite3.connect(path)
    older.executescript(OLD)
    older.close()
    database = Database(path)
    database.create()
    assert database.revision() == 237326618
    assert database.load().accounts == (
        Account("1", None, frozenset({"td1"})),
        Account("2", "$argon2id$", frozenset({"td1"})),
    )
    td1 = MailingList("td1", "", MayPost.EVERYONE, ("1", "2"), "", is_group=True)
    assert database.load().lists == {"td1": td1}
    database.lists.put("staff", ["td1", "2"], "1", MayPost.MEMBERS)
    database.lists.note_trouble("staff", "exit status 1", 5.0)
    database.create()
    staff = MailingList("staff", "1", MayPost.MEMBERS, ("td1", "2"), "")
    assert database.load().lists == {"staff": staff, "td1": td1}
    assert database.lists.troubles() == {"staff": Trouble(5.0, "exit status 1")}


def test_a_thousand_members_at_once(database: Database) -> None:
    numbers = [str(number) for number in range(22_001_000, 22_000_000, -1)]
    database.add(numbers, None, 1.0)
    assert database.lists.put("year", numbers) == tuple(numbers)
    assert database.lists.put("year", ["1", *numbers]) == ("1",)
    assert members(database, "year") == (*numbers, "1")
    assert database.lists.drop("year", numbers) == tuple(numbers)
    database.lists.put("year", numbers, numbers[0])
    database.remove(numbers)
    assert the_list(database, "year") == MailingList("year", "", MayPost.EVERYONE, ("1",), "")


def test_a_database_that_is_gone_is_an_error(path: Path, database: Database) -> None:
    path.unlink()
    for question in (
        lambda: database.lists.put("staff", ["3"]),
        lambda: database.lists.remove("staff"),
        lambda: database.lists.drop("staff", ["3"]),
        lambda: database.lists.suspend("td1", "100 posts"),
        lambda: database.lists.resume("td1"),
        lambda: database.lists.note_trouble("td1", "exit status 1", 5.0),
        database.lists.troubles,
    ):
        with pytest.raises(DatabaseError, match="unable to open"):
            question()
    assert not path.exists()


def test_what_a_full_disk_breaks_off_is_not_half_done(path: Path, database: Database) -> None:
    database.lists.put("staff", ["3"], "4", MayPost.MEMBERS)
    before = database.load()
    full = sqlite3.connect(path, isolation_level=None)
    # Stands for the disk: it breaks the last but one step of `put`, behind owner and may_post.
    full.execute(
        "CREATE TRIGGER full BEFORE INSERT ON list_members WHEN new.member = '5' "
        "BEGIN SELECT RAISE(FAIL, 'no space'); END"
    )
    with pytest.raises(DatabaseError, match="no space"):
        database.lists.put("staff", ["1", "2", "5"], "3", MayPost.OWNER)
    with pytest.raises(DatabaseError, match="no space"):
        database.lists.put("new", ["1", "5"])
    assert database.load() == before
    full.execute("DROP TRIGGER full")
    full.close()
    assert database.lists.put("staff", ["1", "2", "5"]) == ("1", "2", "5")


def test_of_two_writers_the_second_waits(path: Path, database: Database) -> None:
    script = (
        "import sqlite3, sys\n"
        "other = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "other.execute('BEGIN IMMEDIATE')\n"
        "other.execute(\"INSERT INTO accounts VALUES ('6', NULL, 1.0)\")\n"
        "print('writing', flush=True); sys.stdin.read(); other.execute('COMMIT')"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"writing\n"
    new: list[tuple[str, ...]] = []
    # 6 is known only when the other is done: whoever looks before it waits would refuse it.
    second = threading.Thread(target=lambda: new.append(database.lists.put("staff", ["6"])))
    second.start()
    second.join(0.2)
    assert second.is_alive()
    other.communicate(timeout=30)
    second.join(30)
    assert new == [("6",)]


def test_two_processes_write_at_once_and_a_reader_sees_whole_states(
    path: Path, database: Database
) -> None:
    numbers = [f"b{number}" for number in range(25)]
    database.add(numbers, None, 1.0)
    database.lists.put("staff")
    script = (
        "import sys; from pathlib import Path; from tpmailserver.store.database import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        "database.revision(); print('ready', flush=True)\n"
        "for number in sys.argv[2:]: database.lists.put('staff', [number], number)"
    )
    start = database.revision()
    other = subprocess.Popen(
        [sys.executable, "-c", script, path, *numbers], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"ready\n"
    for number in range(25):
        database.add([f"a{number}"], "td1", 1.0)
        contents = database.load()
        staff = contents.lists["staff"]
        assert staff.members == tuple(numbers[: len(staff.members)])
        assert staff.owner == "".join(staff.members[-1:])
        assert contents.lists["td1"].members == contents.groups["td1"]
        assert contents.revision == start + number + 1 + len(staff.members)
    other.communicate(timeout=30)
    assert other.returncode == 0
    assert members(database, "staff") == tuple(numbers)
    assert database.revision() == start + 50
