"""The fixtures of the tests that break things."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import figures as kept

Note = Callable[[kept.Values], None]


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Iterator[Note]:
    """Takes figures in; they are written when the test is over."""
    values: dict[str, int | str] = {}
    yield values.update
    kept.write(request.node.nodeid, values)
    if values:
        print(values)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that is soon full: 8 MiB, 400 files."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=400", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"wants root, to mount a small disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
