"""The breaker while it is at work: a suspension writes files, and other messages come meanwhile."""

from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from types import coroutine
from typing import Any

from tpmailserver.delivery.budgets import Budget
from tpmailserver.delivery.posting import Writer
from tpmailserver.delivery.runaways import Runaways
from tpmailserver.model import Accepted, Address, Reason, Refusal
from tpmailserver.store.lists import MailingList, MayPost

from .talking import Site

COURS = MailingList("cours", "", MayPost.EVERYONE, (), "")
WRITER = Writer("", Address("me", "mypc"))


@coroutine
def _a_moment() -> Generator[None, None, None]:
    yield


class Slow:
    """Threads that take a moment for everything."""

    async def disk(self, work: Callable[..., object], *args: object) -> object:
        await _a_moment()
        return work(*args)


def result_of(work: Coroutine[Any, Any, object]) -> object:
    """The result of a coroutine that does not wait any more."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def test_a_list_is_suspended_once_by_messages_that_come_together(tmp_path: Path) -> None:
    suspended: list[str] = []
    runaways = Runaways(
        Site(tmp_path).session.site.stores.directory,
        lambda _: (),
        lambda mailing_list, _writer, _why: suspended.append(mailing_list.name),
        Budget(1, lambda: 0.0),
        Slow(),
    )
    assert result_of(runaways.check(COURS, WRITER)) == Accepted()
    runaways.count(COURS, WRITER)
    first = runaways.check(COURS, WRITER)
    first.send(None)
    refusal = Refusal(Reason.LIST_SUSPENDED, ("cours", "me@mypc wrote 1 messages to it"))
    assert result_of(runaways.check(COURS, WRITER)) == refusal
    assert suspended == []
    assert result_of(first) == refusal
    assert suspended == ["cours"]
