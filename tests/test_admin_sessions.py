"""Sessions closed and protocols stopped by an instructor: what is asked of the server, and said."""

from dataclasses import replace

import pytest

from tests.desks import Room, desk_at
from tpmailserver.admin.desk import NotDone
from tpmailserver.admin.sessions import Frozen, Thawed, freeze, kick, thaw
from tpmailserver.admin.status import status
from tpmailserver.admin.who import Who


@pytest.fixture
def desk(tmp_path):
    desk = replace(desk_at(tmp_path), live=Room())
    desk.database.add(["22000001", "22000002"], "tp1", 0.0)
    return desk


def test_a_kick_closes_the_sessions_of_those_who_are_meant(desk):
    kicked = kick(desk, Who(group="tp1"))
    assert [(each.account, each.protocol) for each in kicked.closed] == [("22000001", "POP3")]
    assert kicked.without == ("22000002",)


def test_a_kick_of_all_closes_those_without_a_login_as_well(desk):
    kicked = kick(desk, Who(everybody=True))
    assert sorted(each.account for each in kicked.closed) == ["", "22000001"]
    assert kicked.without == ()


def test_an_unknown_number_is_named_and_nobody_is_kicked(desk):
    with pytest.raises(NotDone, match="22000009"):
        kick(desk, Who(numbers=("22000001", "22000009")))


def test_a_freeze_says_what_was_frozen_before(desk):
    assert freeze(desk, ("SMTP",)) == Frozen(("SMTP",), (), 1)
    assert freeze(desk, ("SMTP", "POP3", "POP3")).already == ("SMTP",)
    assert [each.protocol for each in status(desk).server.frozen] == ["POP3", "SMTP"]
    assert thaw(desk, ("SMTP",)) == Thawed(("SMTP",), ())
    assert thaw(desk, ("SMTP", "POP3")) == Thawed(("POP3",), ("SMTP",))


def test_another_protocol_is_refused(desk):
    with pytest.raises(NotDone, match="'IMAP' is no protocol"):
        freeze(desk, ("SMTP", "IMAP"))
    assert status(desk).server.frozen == ()
