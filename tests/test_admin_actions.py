"""Actions by name, as they come over the control socket: checked once, and always one answer."""

import os
import sqlite3
from dataclasses import dataclass, replace
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.desks import Room, desk_at
from tpmailserver.admin.actions import ACTIONS, perform, read_report
from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.shapes import WrongShape, read_as
from tpmailserver.store import transactions


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Outer:
    inner: tuple[Inner, ...]
    yes: bool


def test_a_shape_is_read_back_from_json_types():
    value = {"inner": [{"name": "a", "at": 1}, {"name": "b"}], "yes": True}
    assert read_as(Outer, value) == Outer((Inner("a", 1.0), Inner("b")), True)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ([], "value takes an object"),
        ({"yes": True}, "lacks 'inner'"),
        ({"inner": "ab", "yes": True}, "value.inner takes a list"),
        ({"inner": [], "yes": 1}, "value.yes takes bool"),
        ({"inner": [{"name": True}], "yes": True}, r"value.inner\[0\].name takes str"),
        ({"inner": [{"name": "a", "at": "1"}], "yes": True}, "at takes float"),
        ({"inner": [], "yes": True, "more": 1}, "knows no 'more'"),
    ],
)
def test_a_wrong_shape_is_named_with_its_place(value, says):
    with pytest.raises(WrongShape, match=says):
        read_as(Outer, value)


def test_every_action_returns_a_report_that_survives_the_socket(tmp_path):
    desk = replace(desk_at(tmp_path), live=Room())
    everybody = {"who": {"everybody": True}}
    asked = set()
    for action, arguments in [
        ("add", {"numbers": ["22000001"], "group": "tp1"}),
        ("plan_add", {"numbers": ["22000002"]}),
        ("compare", {"entries": [{"number": "22000001", "groups": ["tp2"]}]}),
        ("enrol", {"entries": [{"number": "22000001", "groups": ["tp2"]}]}),
        ("demo", {}),
        ("packs", {}),
        ("check_packs", {"pack": None}),
        ("plan_seed", {**everybody, "pack": "welcome"}),
        ("seed", {**everybody, "pack": "welcome"}),
        ("accounts", {"group": None}),
        ("never_seen", {"group": "tp1"}),
        ("find", everybody),
        ("plan_reset", everybody),
        ("reset", everybody),
        ("snapshots", {}),
        ("snapshot", {"label": "exam"}),
        ("plan_restore", {"title": "exam", **everybody}),
        ("restore", {"title": "exam", **everybody}),
        ("plan_undo", {}),
        ("undo", {}),
        ("set_password", {**everybody, "password": "x"}),
        ("random_passwords", everybody),
        ("default_password", everybody),
        ("kick", everybody),
        ("freeze", {"protocols": ["SMTP", "POP3"]}),
        ("status", {}),
        ("thaw", {"protocols": ["SMTP"]}),
        ("put_list", {"name": "staff", "members": {"groups": ["tp1"]}, "owner": "22000001"}),
        ("put_list", {"name": "all", "members": {"addresses": ["staff", "22000002"]}}),
        ("drop_members", {"name": "all", "members": {"addresses": ["22000002"]}}),
        ("show_list", {"name": "staff"}),
        ("lists", {}),
        ("plan_approve", {"name": "staff"}),
        ("approve", {"name": "staff", "ids": []}),
        ("plan_reject", {"name": "staff"}),
        ("reject", {"name": "staff"}),
        ("resume_list", {"name": "staff"}),
        ("plan_remove_list", {"name": "staff"}),
        ("remove_list", {"name": "staff"}),
        ("plan_forget", {"who": {"numbers": ["22000001"]}}),
        ("forget", {"who": {"numbers": ["22000001"]}}),
        ("plan_remove", everybody),
        ("remove", everybody),
    ]:
        report = perform(desk, action, arguments)
        assert isinstance(read_report(action, report), get_type_hints(ACTIONS[action])["return"])
        asked.add(action)
    # A mail goes round a real server only: that is seen in `test_desk_doctor`.
    assert asked == ACTIONS.keys() - {"round_trip"}


@pytest.mark.parametrize(
    ("action", "arguments", "says"),
    [
        ("erase", {}, "no action 'erase'"),
        ("add", {}, "lacks 'numbers'"),
        ("add", {"numbers": "22000001"}, "takes a list"),
        ("add", {"numbers": []}, "no number"),
        ("add", {"numbers": ["../x"]}, "is no name"),
        ("add", {"numbers": ["ANNA"]}, "is no name"),
        ("add", {"numbers": ["anna"], "group": "x y"}, "no name of a group"),
        ("kick", {"who": {"everybody": True}}, "no server runs on this site"),
        ("freeze", {"protocols": ["SMTP"]}, "nothing to freeze"),
        ("thaw", {"protocols": []}, "nothing is frozen"),
        ("enrol", {"entries": ["anna"]}, r"entries[0] takes an object"),
        ("compare", {"entries": [{"number": "anna", "groups": "x"}]}, "groups takes a list"),
        ("reset", {"who": {}}, "say who"),
        ("reset", {"who": {"everybody": True, "group": "x"}}, "say who"),
        ("reset", {"who": {"numbers": ["1"], "desk": 1}}, "knows no 'desk'"),
        ("status", {"desk": None}, "knows no 'desk'"),
        ("put_list", {"name": "staff", "members": ["22000001"]}, "members takes an object"),
        ("put_list", {"name": "STAFF x", "members": {}}, "is no name"),
        ("put_list", {"name": "s", "members": {}, "may_post": "all"}, "everyone, members or owner"),
        ("approve", {"name": "staff", "ids": "a"}, "ids takes a list"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_in_words(tmp_path, action, arguments, says):
    with pytest.raises(NotDone) as refusal:
        perform(desk_at(tmp_path), action, arguments)
    assert says in str(refusal.value)


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory):
    return desk_at(tmp_path_factory.mktemp("site"))


scalars = st.sampled_from([None, True, 0, 1.5, "", "22000001", "\ud800", "x" * 65])
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["numbers", "group", "everybody", "addresses", "groups", "x"]), inner
        )
    ),
    max_leaves=5,
)


@given(
    action=st.sampled_from(sorted(ACTIONS)),
    arguments=st.dictionaries(
        st.sampled_from(
            ["who", "numbers", "group", "password", "name", "members", "ids", "entries"]
        ),
        values,
    ),
)
def test_nonsense_is_done_or_refused_and_never_a_bug(shared_desk, action, arguments):
    try:
        report = perform(shared_desk, action, arguments)
    except NotDone as refusal:
        said = str(refusal)
    else:
        said = report
    assert said


def test_a_database_that_is_gone_is_one_line(tmp_path):
    desk = desk_at(tmp_path)
    os.unlink(tmp_path / "tpmail.sqlite3")
    with pytest.raises(NotDone) as refusal:
        perform(desk, "status", {})
    assert str(tmp_path / "tpmail.sqlite3") in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "tpmail.sqlite3").exists()


def test_a_database_that_is_no_database_is_one_line(tmp_path):
    desk = desk_at(tmp_path)
    (tmp_path / "tpmail.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(NotDone, match="not a database"):
        perform(desk, "accounts", {})


def test_a_database_that_another_program_keeps_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(transactions, "_BUSY_TIMEOUT", 0.2)
    desk = desk_at(tmp_path)
    other = sqlite3.connect(tmp_path / "tpmail.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(NotDone, match="locked"):
            perform(desk, "status", {})
    finally:
        other.close()
