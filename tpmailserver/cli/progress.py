"""Shows on a terminal that something long is under way.

The rule it guards: a bar goes to standard error, to a terminal alone, and leaves nothing behind, so
that no program and no file ever finds one in what it reads.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn

Item = TypeVar("Item")

# Fewer are done before anybody has seen a bar.
_MANY = 2000


def counted(what: str, items: Sequence[Item]) -> Iterator[Item]:
    """The same items; a bar counts them as they go by."""
    with _progress(len(items), MofNCompleteColumn()) as progress:
        yield from progress.track(items, len(items), description=what)


@contextmanager
def waiting(what: str, items: int) -> Iterator[None]:
    """Shows for the length of a `with` block that something is done with so many items."""
    with _progress(items) as progress:
        progress.add_task(f"{what} {items:,}", total=None)
        yield


def _progress(items: int, *columns: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        console=Console(stderr=True),
        transient=True,
        disable=items < _MANY or not sys.stderr.isatty(),
    )
