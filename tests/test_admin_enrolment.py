"""A roster against the site: what comes, what changes, and that nothing is taken away unasked."""

import sqlite3
from dataclasses import asdict

import pytest

from tests.desks import NOW, desk_at
from tpmailserver.admin.accounts import accounts, add, never_seen, remove
from tpmailserver.admin.actions import perform, read_report
from tpmailserver.admin.desk import Desk, NotDone
from tpmailserver.admin.enrolment import Entry, GroupChange, GroupSize, Moved, compare, enrol
from tpmailserver.admin.who import Who, find

ONE, TWO, THREE, FOUR = "22000001", "22000002", "22000003", "22000004"


@pytest.fixture
def desk(tmp_path) -> Desk:
    """1 and 2 in tp1, 3 in tp2; 1 and 3 in l3, which was made by hand."""
    desk = desk_at(tmp_path)
    add(desk, (ONE, TWO), "tp1")
    add(desk, (THREE,), "tp2")
    add(desk, (ONE, THREE), "l3")
    return desk


def groups_of(desk: Desk) -> dict[str, tuple[str, ...]]:
    return {each.number: each.groups for each in accounts(desk).accounts}


def test_a_roster_adds_accounts_and_groups_and_nothing_twice(desk):
    entries = (Entry(FOUR, ("tp1", "td9")), Entry(ONE, ("tp1",)))
    first = enrol(desk, entries)
    assert (first.added, first.present, first.stayed) == ((FOUR,), (ONE,), ())
    assert first.groups == (Moved("td9", (FOUR,), ()), Moved("tp1", (FOUR,), ()))
    again = enrol(desk, entries)
    assert (again.added, again.present, again.groups) == ((), (FOUR, ONE), ())
    assert groups_of(desk) == {
        ONE: ("l3", "tp1"),
        TWO: ("tp1",),
        THREE: ("l3", "tp2"),
        FOUR: ("td9", "tp1"),
    }


def test_who_changes_group_joins_the_new_one_and_leaves_the_old_one_only_when_told(desk):
    entries = (Entry(ONE, ("tp2",)), Entry(TWO, ("tp1",)))
    change = GroupChange(ONE, ("l3", "tp1"), ("tp2",), ("tp1",))
    assert compare(desk, entries).changes == (change,)
    report = enrol(desk, entries)
    assert report.groups == (Moved("tp2", (ONE,), ()),)
    assert report.stayed == (GroupChange(ONE, ("l3", "tp1", "tp2"), (), ("tp1",)),)
    report = enrol(desk, (Entry(ONE, ("tp2",), ("tp1",)), entries[1]))
    assert (report.groups, report.stayed) == ((Moved("tp1", (), (ONE,)),), ())
    assert groups_of(desk)[ONE] == ("l3", "tp2")


def test_a_roster_speaks_of_its_own_groups_alone(desk):
    difference = compare(desk, (Entry(ONE, ("tp2",)), Entry(FOUR, ("td1",))))
    assert difference.arrivals == (FOUR,)
    assert difference.present == (ONE,)
    # 2 is in tp1, of which it says nothing; l3 is nobody's to leave.
    assert difference.departures == (THREE,)
    assert difference.changes == (GroupChange(ONE, ("l3", "tp1"), ("tp2",), ()),)
    assert difference.groups == (GroupSize("td1", 1, True), GroupSize("tp2", 1, False))


def test_a_roster_without_groups_speaks_of_all_accounts_and_of_no_group(desk):
    difference = compare(desk, (Entry(ONE), Entry(FOUR)))
    assert (difference.arrivals, difference.departures) == ((FOUR,), (TWO, THREE))
    assert (difference.changes, difference.groups) == ((), ())


def test_a_line_without_a_group_says_nothing_of_groups(desk):
    difference = compare(desk, (Entry(ONE), Entry(TWO, ("tp1",))))
    assert difference.changes == ()


def test_a_group_for_all_is_joined_and_makes_nobody_leave(desk):
    entries = (Entry(ONE), Entry(TWO, ("tp1",)), Entry(THREE, ("tp1",)), Entry(FOUR))
    difference = compare(desk, entries, "l3")
    assert difference.changes == (
        # 1 stays in tp1, for the roster names no group of theirs.
        GroupChange(TWO, ("tp1",), ("l3",), ()),
        GroupChange(THREE, ("l3", "tp2"), ("tp1",), ()),
    )
    assert difference.groups == (GroupSize("l3", 4, False), GroupSize("tp1", 2, False))
    enrol(desk, entries, "l3")
    assert groups_of(desk) == {
        ONE: ("l3", "tp1"),
        TWO: ("l3", "tp1"),
        THREE: ("l3", "tp1", "tp2"),
        FOUR: ("l3",),
    }


def test_comparing_changes_nothing(desk):
    before = desk.database.load()
    compare(desk, (Entry(ONE, ("tp2",)), Entry(FOUR, ("td1",), (), "Yann Le Gall")))
    assert desk.database.load() == before
    assert desk.database.names() == {}


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ((), "no number was given"),
        ((Entry(FOUR), Entry("ANNA")), "'ANNA' is no name"),
        ((Entry(FOUR, ("x y",)),), "'x y' is no name of a group"),
        ((Entry(FOUR, (), ("x y",)),), "'x y' is no name of a group"),
        ((Entry(FOUR, ("tp1",), (), "a\x1b[2J"),), "printable"),
        ((Entry(FOUR, ("tp1",), (), "a" * 201),), "at most 200"),
        ((Entry(FOUR, ("postmaster",)),), "postmaster is reserved; nothing is added"),
        ((Entry(FOUR, (ONE,)),), "22000001 is an account; nothing is added"),
        ((Entry(FOUR, (FOUR,)),), "22000004 is an account"),
        ((Entry(FOUR), Entry("tp1")), "tp1 is a group"),
        ((Entry(FOUR), Entry("staff")), "staff is a list; nothing is added"),
        ((Entry(FOUR, ("staff",)),), "staff is a list and no group.*tpmail list add staff"),
        ((Entry(ONE, (), ("tp9",)),), "no group tp9; nothing is done .groups: l3, tp1, tp2"),
        ((Entry(FOUR, (), ("tp1",)), Entry(ONE)), "not in group tp1: 22000004; nothing is changed"),
        ((Entry(ONE, (), ("tp2",)),), "not in group tp2: 22000001"),
    ],
)
@pytest.mark.parametrize("action", [compare, enrol])
def test_a_refusal_leaves_the_site_as_it_was(desk, action, entries, says):
    desk.database.lists.put("staff", ["tp1"])
    before = desk.database.load()
    with pytest.raises(NotDone, match=says):
        action(desk, entries)
    assert desk.database.load() == before


def test_names_are_kept_where_they_are_given_and_go_with_the_account(desk):
    enrol(desk, (Entry(ONE, (), (), "Zoé Martin"), Entry(TWO)))
    enrol(desk, (Entry(ONE), Entry(TWO, (), (), "Théo Durand")))
    enrol(desk, (Entry(TWO, (), (), "Théo Petit"),))
    names = {each.number: each.name for each in accounts(desk).accounts}
    assert names == {ONE: "Zoé Martin", TWO: "Théo Petit", THREE: ""}
    remove(desk, Who((ONE,)))
    assert desk.database.names() == {TWO: "Théo Petit"}


def test_a_site_that_knows_no_names_yet_goes_on(desk, tmp_path):
    with sqlite3.connect(tmp_path / "tpmail.sqlite3") as older:
        older.execute("DROP TABLE names")
    older.close()
    again = desk_at(tmp_path)
    assert accounts(again).accounts[0].name == ""
    enrol(again, (Entry(ONE, (), (), "Zoé Martin"),))
    assert accounts(again).accounts[0].name == "Zoé Martin"


def test_adding_to_a_group_says_who_is_in_another_one(desk):
    report = add(desk, (ONE, THREE, FOUR), "tp2")
    assert [(each.group, each.numbers) for each in report.elsewhere] == [
        ("l3", (ONE, THREE)),
        ("tp1", (ONE,)),
    ]
    assert add(desk, (ONE,)).elsewhere == ()


def test_those_never_seen_have_logged_in_by_nothing(desk):
    desk.database.note_all_seen([(ONE, "POP3", NOW), (THREE, "SMTP", NOW)])
    assert [each.number for each in never_seen(desk).accounts] == [TWO]
    assert [each.number for each in never_seen(desk, "l3").accounts] == []
    with pytest.raises(NotDone, match="no group zz"):
        never_seen(desk, "zz")


def test_groups_are_listed_with_their_members_an_empty_one_too(desk):
    enrol(desk, (Entry(THREE, (), ("tp2",)),))
    assert [(each.group, each.numbers) for each in accounts(desk).groups] == [
        ("l3", (ONE, THREE)),
        ("tp1", (ONE, TWO)),
        ("tp2", ()),
    ]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("22000001-22000003",), (ONE, TWO, THREE)),
        (("22000002-22099999",), (TWO, THREE)),
        (("21999990-22000001", THREE), (ONE, THREE)),
        ((THREE, "22000001-22000009"), (THREE, ONE, TWO)),
    ],
)
def test_a_range_means_those_of_it_that_there_are(desk, words, numbers):
    assert find(desk, Who(words)).numbers == numbers


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((ONE, "22000005-22000009"), "no account 22000005-22000009; nothing is done"),
        (("22000001-22000003", FOUR), "no account 22000004; nothing is done"),
        (("22000003-22000001",), "a range goes up"),
        (("22000001..22000003",), "write 22000001-22000003"),
    ],
)
def test_a_range_with_nobody_and_a_single_number_are_unknown(desk, words, says):
    with pytest.raises(NotDone, match=says):
        find(desk, Who(words))


def test_a_roster_goes_over_the_socket_and_back(desk):
    entries = [asdict(Entry(FOUR, ("tp1",), (), "Yann"))]
    report = perform(desk, "compare", {"entries": entries})
    assert read_report("compare", report).arrivals == (FOUR,)
    report = perform(desk, "enrol", {"entries": entries})
    assert read_report("enrol", report).added == (FOUR,)
