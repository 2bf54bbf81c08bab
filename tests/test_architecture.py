"""The rooms and arrows of CONTRIBUTING.md, held against the import statements of the code.

The table there is the law and this reads it, so neither can say what the other does not.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "tpmailserver"
MODULES = sorted((ROOT / PACKAGE).rglob("*.py"))
LONGEST = 320


@dataclass(frozen=True, slots=True)
class Room:
    """A row of the table; `may_import` is None for everything, `twisted` names its modules."""

    may_import: frozenset[str] | None
    twisted: frozenset[str]

    def allows(self, room: str) -> bool:
        return self.may_import is None or room in self.may_import


def rooms(page: str) -> dict[str, Room]:
    """The table of the page: | `room` | may import | Twisted | what it is |"""
    table = {}
    for line in page.splitlines():
        row = re.match(r"\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", line)
        if row:
            name, arrows, twisted = row.groups()
            may_import = None if arrows == "everything" else frozenset(_quoted(arrows))
            where = {"yes": frozenset({"*"}), "no": frozenset()}.get(twisted)
            table[name] = Room(may_import, frozenset(_quoted(twisted)) if where is None else where)
    return table


def _quoted(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", text)


ROOMS = rooms((ROOT / "CONTRIBUTING.md").read_text())


def faults(path: Path, source: str, table: Mapping[str, Room]) -> Iterator[str]:
    """What a module's imports break; `path` starts with the package's folder."""
    inside = path.with_suffix("").parts[1:]
    own = inside[0]
    if own in ("__init__", "__main__"):
        own = ""
    room = table.get(own, Room(frozenset(), frozenset()))
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        where = f"{path}:{node.lineno}"
        if node not in tree.body:
            yield f"{where}: an import inside a function or a condition"
        relative = isinstance(node, ast.ImportFrom) and node.level > 0
        for name in _imported(node, (PACKAGE, *inside)):
            if name[0] == "twisted" and room.twisted.isdisjoint({"*", inside[-1]}):
                yield f"{where}: {own or PACKAGE} knows no Twisted"
            other = _room_of(name)
            if other is None or (other == own and relative):
                continue
            if other == own:
                yield f"{where}: {own} is this room itself: import it with a dot"
            elif relative:
                yield f"{where}: {other} is another room: name it in full"
            elif not room.allows(other):
                yield f"{where}: no arrow leads from {own or PACKAGE} to {other}"


def _imported(node: ast.Import | ast.ImportFrom, module: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The full names that a statement imports, each as its parts."""
    if isinstance(node, ast.Import):
        return [tuple(each.name.split(".")) for each in node.names]
    base = module[: len(module) - node.level] if node.level else ()
    start = (*base, *(node.module.split(".") if node.module else ()))
    return [(*start, each.name) for each in node.names]


def _room_of(name: tuple[str, ...]) -> str | None:
    """The room that a name of ours is in; None for other names and for the package's version."""
    if name[0] != PACKAGE or name[1:] in ((), ("__version__",)):
        return None
    return name[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_arrows(path: Path) -> None:
    assert list(faults(path.relative_to(ROOT), path.read_text(), ROOMS)) == []


def test_the_table_has_the_rooms_that_there_are() -> None:
    there = {each.relative_to(ROOT / PACKAGE).with_suffix("").parts[0] for each in MODULES}
    assert set(ROOMS) == there - {"__init__"}


def test_the_table_is_read_whole() -> None:
    assert ROOMS["model"] == Room(frozenset(), frozenset())
    assert ROOMS["delivery"] == Room(frozenset({"model", "settings", "store"}), frozenset())
    assert ROOMS["control"].twisted == {"server"}
    assert ROOMS["tap"] == Room(None, frozenset({"*"}))


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("wire/smtp.py", "from tpmailserver.store.disk import x", "no arrow leads from wire to"),
        ("wire/smtp.py", "import tpmailserver.store", "no arrow leads from wire to store"),
        ("wire/smtp.py", "from tpmailserver import store", "no arrow leads from wire to store"),
        ("model.py", "from tpmailserver.settings import x", "no arrow leads from model"),
        ("__init__.py", "from tpmailserver.model import x", "no arrow leads from tpmailserver to"),
        ("net/smtp.py", "from tpmailserver.tap import x", "no arrow leads from net to tap"),
        ("attic/old.py", "from tpmailserver.model import x", "no arrow leads from attic to model"),
        ("wire/smtp.py", "from twisted.internet import defer", "wire knows no Twisted"),
        ("control/client.py", "import twisted.internet", "control knows no Twisted"),
        ("wire/smtp.py", "def f():\n    import os", "inside a function"),
        ("wire/smtp.py", "try:\n    import os\nexcept ImportError:\n    pass", "a condition"),
        ("wire/smtp.py", "from tpmailserver.wire.lines import x", "import it with a dot"),
        ("wire/smtp.py", "from ..model import x", "model is another room: name it in full"),
        ("wire/smtp.py", "from .. import model", "model is another room: name it in full"),
        ("settings.py", "from .model import x", "model is another room: name it in full"),
    ],
)
def test_a_fault_is_found(path: str, source: str, fault: str) -> None:
    (found,) = faults(Path(PACKAGE, path), source, ROOMS)
    assert fault in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("wire/smtp.py", "from tpmailserver.model import Address"),
        ("wire/smtp.py", "from .lines import x\nfrom . import grammar"),
        ("tap/__init__.py", "from tpmailserver import __version__\nfrom .live import x"),
        ("control/server.py", "from twisted.internet import defer"),
        ("cli/__main__.py", "from . import main"),
    ],
)
def test_what_is_right_is_no_fault(path: str, source: str) -> None:
    assert list(faults(Path(PACKAGE, path), source, ROOMS)) == []


def test_the_plugin_imports_nothing_but_twisted() -> None:
    for path in (ROOT / "twisted").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert {name[0] for name in _imported(node, ())} == {"twisted"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_idea(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST, f"{lines} lines: is there a room or a module missing?"
