"""Accounts and groups are kept in one transaction each, and a server notices every change."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tpmailserver.store import transactions
from tpmailserver.store.database import Account, Added, Database
from tpmailserver.store.directory import Directory
from tpmailserver.store.namespace import NameTaken
from tpmailserver.store.transactions import DatabaseError

NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "site" / "tpmail.sqlite3"


@pytest.fixture
def database(path: Path) -> Database:
    made = Database(path)
    made.create()
    return made


def accounts(database: Database) -> list[Account]:
    return list(database.load().accounts)


@pytest.mark.parametrize("mask", [0, 0o022, 0o777])
def test_the_file_is_private(path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        database = Database(path)
        database.create()
        database.add(["1"], None, 1.0)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_create_leaves_what_stands(database: Database) -> None:
    database.add(["1"], "g", 1.0)
    before = database.load()
    database.create()
    assert database.load() == before


def test_a_path_of_any_letters(tmp_path: Path) -> None:
    database = Database(tmp_path / "50% ?mode=ro&#é" / "a b.sqlite3")
    database.create()
    database.add(["1"], None, 1.0)
    assert len(accounts(database)) == 1


def test_accounts_are_added_once_and_joined_to_their_group(database: Database) -> None:
    assert database.add(["2", "1", "2"], "g", 1.0) == Added(("2", "1"), ())
    assert database.add(["1", "3"], "h", 2.0) == Added(("3",), ("1",))
    assert database.add(["0001"], None, 2.0) == Added(("0001",), ())
    assert accounts(database) == [
        Account("0001", None, NOBODY),
        Account("1", None, frozenset({"g", "h"})),
        Account("2", None, frozenset({"g"})),
        Account("3", None, frozenset({"h"})),
    ]
    assert database.load().groups == {"g": ("1", "2"), "h": ("1", "3")}


def test_a_group_may_be_empty(database: Database) -> None:
    database.add([], "g", 1.0)
    assert database.load().groups == {"g": ()}
    assert database.add([], None, 1.0) == Added((), ())


def test_removed_accounts_are_gone_from_everywhere(database: Database) -> None:
    database.add(["1", "2"], "g", 1.0)
    database.note_all_seen([("1", "pop3", 5.0)])
    assert database.remove(["9", "1", "1"]) == ("1",)
    assert database.remove(["1"]) == ()
    assert accounts(database) == [Account("2", None, frozenset({"g"}))]
    assert database.load().groups == {"g": ("2",)}
    assert database.seen() == {}


def test_an_account_added_again_was_never_seen(database: Database) -> None:
    """The server writes down a login some seconds later, when the account may be gone."""
    database.add(["1", "2"], None, 1.0)
    database.remove(["1"])
    database.note_all_seen([("1", "pop3", 5.0), ("2", "pop3", 6.0)])
    database.add(["1"], None, 7.0)
    assert database.seen() == {"2": {"pop3": 6.0}}


def test_a_password_is_changed_and_set_back(database: Database) -> None:
    database.add(["1", "2", "3"], None, 1.0)
    database.set_password_hashes(dict.fromkeys(["1", "3", "unknown"], "$argon2id$"))
    assert [each.password_hash for each in accounts(database)] == ["$argon2id$", None, "$argon2id$"]
    database.set_password_hashes({"1": None})
    assert [each.password_hash for each in accounts(database)] == [None, None, "$argon2id$"]


@pytest.mark.parametrize(
    ("numbers", "group", "name", "kind"),
    [
        (["1", "g"], None, "g", "a group"),
        (["7"], "1", "1", "an account"),
        (["7"], "7", "7", "an account"),
        (["postmaster"], None, "postmaster", "reserved"),
        (["7"], "lists", "lists", "reserved"),
    ],
)
def test_a_name_has_one_meaning_and_a_clash_adds_nothing(
    database: Database, numbers: list[str], group: str | None, name: str, kind: str
) -> None:
    database.add(["1"], "g", 1.0)
    before = database.load()
    with pytest.raises(NameTaken) as caught:
        database.add(numbers, group, 2.0)
    assert (caught.value.name, caught.value.kind) == (name, kind)
    assert database.load() == before


@pytest.mark.parametrize("name", ["", "../1", "A", "1\n", "x" * 65, "\u0661"])
def test_what_is_no_name_is_no_account_and_no_group(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        database.add(["1", name], None, 1.0)
    with pytest.raises(ValueError, match="no name"):
        database.add(["1"], name, 1.0)
    assert accounts(database) == []


def test_the_last_sessions_are_noted_by_protocol(database: Database) -> None:
    database.add(["1", "2"], None, 0.0)
    database.note_all_seen([("1", "pop3", 5.0), ("gone", "pop3", 5.0)])
    database.note_all_seen([("1", "pop3", 7.0), ("1", "smtp", 6.0), ("2", "smtp", 8.0)])
    database.note_all_seen([])
    assert database.seen() == {"1": {"pop3": 7.0, "smtp": 6.0}, "2": {"smtp": 8.0}}


def add(database: Database) -> None:
    database.add(["3"], None, 1.0)


def join(database: Database) -> None:
    database.add(["1"], "h", 1.0)


def make_group(database: Database) -> None:
    database.add([], "h", 1.0)


def remove(database: Database) -> None:
    database.remove(["1"])


def change_password(database: Database) -> None:
    database.set_password_hashes({"1": "hash"})


@pytest.mark.parametrize("change", [add, join, make_group, remove, change_password])
def test_a_change_raises_the_revision_and_reaches_the_directory(
    path: Path, database: Database, change: Callable[[Database], None]
) -> None:
    database.add(["1", "2"], "g", 1.0)
    directory = Directory(database)
    assert directory.refresh()
    assert not directory.refresh()
    before = database.revision()
    change(Database(path))
    assert database.revision() == before + 1
    assert directory.refresh()
    assert not directory.refresh()
    for account in accounts(database):
        assert directory.account(account.number) == account
    assert len(directory) == len(accounts(database))
    assert {
        name: directory.members(name) for name in directory.group_names()
    } == database.load().groups


def test_being_seen_is_no_change(database: Database) -> None:
    database.add(["1"], None, 1.0)
    before = database.revision()
    database.note_all_seen([("1", "pop3", 5.0)])
    assert database.revision() == before


def test_the_directory_is_empty_before_it_is_read(database: Database) -> None:
    database.add(["1"], "g", 1.0)
    directory = Directory(database)
    assert (len(directory), directory.account("1"), directory.members("g")) == (0, None, None)
    directory.refresh()
    assert directory.account("1") == Account("1", None, frozenset({"g"}))
    assert directory.members("g") == ("1",)
    assert directory.members("h") is None
    assert directory.account("2") is None


def test_another_database_in_its_place_is_noticed(path: Path, database: Database) -> None:
    database.add(["1"], None, 1.0)
    directory = Directory(database)
    directory.refresh()
    path.unlink()
    database.create()
    database.add(["2"], None, 1.0)
    assert directory.refresh()
    assert directory.account("1") is None


def test_thirty_thousand_accounts(database: Database) -> None:
    numbers = [str(number) for number in range(22_000_000, 22_030_000)]
    assert database.add(numbers, "year", 1.0).added == tuple(numbers)
    assert database.add(numbers, "year", 1.0).present == tuple(numbers)
    directory = Directory(database)
    directory.refresh()
    assert len(directory) == 30_000
    assert directory.members("year") == tuple(numbers)
    database.set_password_hashes(dict.fromkeys(numbers, "hash"))
    assert database.remove(numbers[1:]) == tuple(numbers[1:])
    assert accounts(database) == [Account(numbers[0], "hash", frozenset({"year"}))]


def use(database: Database) -> list[Callable[[], object]]:
    return [
        database.revision,
        database.load,
        database.seen,
        lambda: database.add(["5"], "g", 1.0),
        lambda: database.remove(["1"]),
        lambda: database.set_password_hashes({"1": "hash"}),
        lambda: database.note_all_seen([("1", "pop3", 1.0)]),
    ]


def test_a_database_that_is_gone_is_an_error_and_not_a_new_one(
    path: Path, database: Database
) -> None:
    directory = Directory(database)
    database.add(["1"], None, 1.0)
    directory.refresh()
    path.unlink()
    for question in use(database):
        with pytest.raises(DatabaseError, match="unable to open") as caught:
            question()
        assert caught.value.filename == str(path)
        assert isinstance(caught.value, OSError)
    with pytest.raises(DatabaseError):
        directory.refresh()
    assert directory.account("1") is not None
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"this is no database " * 500])
def test_a_damaged_database_is_an_error(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    for question in use(Database(path)):
        with pytest.raises(DatabaseError):
            question()


def test_a_locked_database_is_an_error_and_then_works_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "_BUSY_TIMEOUT", 0.05)
    database = Database(path)
    database.create()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for question in use(database):
        with pytest.raises(DatabaseError, match="locked"):
            question()
    other.execute("ROLLBACK")
    other.close()
    database.add(["1"], None, 1.0)
    assert len(accounts(database)) == 1


def test_a_read_only_database_can_be_read(path: Path, database: Database) -> None:
    database.add(["1"], None, 1.0)
    path.chmod(0o400)
    if os.access(path, os.W_OK):
        pytest.skip("needs an ordinary user: root may write to a read-only file")
    assert len(accounts(database)) == 1
    with pytest.raises(DatabaseError, match="readonly"):
        database.remove(["1"])


def test_nothing_is_held_between_two_questions(database: Database) -> None:
    before = os.listdir("/proc/self/fd")
    database.add(["1"], "g", 1.0)
    database.load()
    with pytest.raises(NameTaken):
        database.add(["g"], None, 1.0)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_two_processes_write_at_once(path: Path, database: Database) -> None:
    script = (
        "import sys; from pathlib import Path; from tpmailserver.store.database import Database\n"
        "database = Database(Path(sys.argv[1]))\n"
        "database.revision(); print('ready', flush=True)\n"
        "for number in range(30): database.add([f'b{number}'], 'g', 1.0)"
    )
    start = database.revision()
    other = subprocess.Popen(
        [sys.executable, "-c", script, path],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == b"ready\n"
    for number in range(30):
        database.add([f"a{number}"], "g", 1.0)
    other.communicate(timeout=30)
    assert other.returncode == 0
    assert len(accounts(database)) == 60
    assert len(database.load().groups["g"]) == 60
    assert database.revision() == start + 60


def test_a_guest_of_the_directory_is_known_and_never_counted(database: Database) -> None:
    database.add(["1"], "g", 1.0)
    directory = Directory(database)
    directory.refresh()
    guest = Account("visitor", None, frozenset())
    with directory.guest(guest):
        database.add(["2"], None, 2.0)
        directory.refresh()
        assert directory.account("visitor") is guest
        assert len(directory) == 2
        assert directory.members("g") == ("1",)
    assert directory.account("visitor") is None
    assert [each.number for each in accounts(database)] == ["1", "2"]
