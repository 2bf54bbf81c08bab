"""Defects planted on purpose: `make mutants` shows which test catches each.

The rule it guards: a promise has a test that breaks when the promise does. Each mutant is put into
a copy of the tree, and the tests that should catch it run there until the first that fails; one
that SURVIVES asks for a better test. A mutant is text and what takes its place, so it asks to be
changed when the code is: `tests/test_mutants.py` says so.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .planted import MUTANTS, Mutant

ROOT = Path(__file__).parent.parent
_NOT_COPIED = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "demo-site", "build")
_LONGEST = 300.0  # seconds for the tests of one mutant
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a run of tests: "" where all passed, else the first that failed."""

    failed: str
    output: str


def main() -> int:
    """The exit status: 1 where a mutant survives, or a test fails without one."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    wanted = parser.parse_args().names
    mutants = [each for each in MUTANTS if not wanted or each.name in wanted]
    with copied_tree() as tree:
        sound = tested(tree, sorted({test for each in mutants for test in each.tests}))
        if sound.failed:
            print(f"without any mutant, {sound.failed} fails:\n{sound.output}")
            return 1
        survivors = [each for each in mutants if not _is_caught(tree, each)]
    print(f"{len(mutants)} mutants, {len(survivors)} survived")
    return 1 if survivors else 0


@contextmanager
def copied_tree() -> Iterator[Path]:
    """A copy of the tree to plant mutants in, while a `with` block lasts."""
    with TemporaryDirectory(prefix="mutants-") as name:
        tree = Path(name) / "tree"
        shutil.copytree(ROOT, tree, ignore=_NOT_COPIED, symlinks=True)
        yield tree


def plant(mutant: Mutant, tree: Path) -> dict[Path, str]:
    """Puts a mutant into a tree; the files as they were. ValueError where its text is gone."""
    before: dict[Path, str] = {}
    after: dict[Path, str] = {}
    for file, old, new in mutant.edits:
        path = tree / "tpmailserver" / file
        text = after.get(path) or path.read_text()
        if text.count(old) != 1:
            raise ValueError(f"{mutant.name}: {file} has {old!r} {text.count(old)} times, not once")
        before.setdefault(path, text)
        after[path] = text.replace(old, new)
    for path, text in after.items():
        path.write_text(text)
    return before


def tested(tree: Path, tests: Iterable[str]) -> Run:
    """Runs tests in a tree, as far as the first that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:randomly", *tests]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST,
        )
    except subprocess.TimeoutExpired:
        return Run("(no end)", f"not over after {_LONGEST:.0f} s")
    if done.returncode == 0:
        return Run("", done.stdout)
    failed = _FAILED.search(done.stdout)
    return Run(failed[1] if failed else f"pytest: status {done.returncode}", done.stdout)


def _is_caught(tree: Path, mutant: Mutant) -> bool:
    before = plant(mutant, tree)
    try:
        run = tested(tree, mutant.tests)
    finally:
        for path, text in before.items():
            path.write_text(text)
    print(f"{mutant.name:46} {run.failed or 'SURVIVED'}", flush=True)
    return bool(run.failed)


if __name__ == "__main__":
    sys.exit(main())
