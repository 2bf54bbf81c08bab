"""The planted defects still fit the code; `make mutants` shows which test catches which."""

from pathlib import Path

import pytest

from .mutants import ROOT, plant
from .planted import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits(mutant: Mutant, tmp_path: Path) -> None:
    for file, _, _ in mutant.edits:
        copy = tmp_path / "tpmailserver" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text((ROOT / "tpmailserver" / file).read_text())
    for path, text in plant(mutant, tmp_path).items():
        compile(path.read_text(), path, "exec")
        assert path.read_text() != text
    for test in mutant.tests:
        assert (ROOT / test).is_file(), test


def test_a_mutant_that_does_not_fit_says_so(tmp_path: Path) -> None:
    (tmp_path / "tpmailserver").mkdir()
    (tmp_path / "tpmailserver" / "a.py").write_text("x = 1\nx = 1\n")
    with pytest.raises(ValueError, match="2 times"):
        plant(Mutant("twice", (("a.py", "x = 1", "x = 2"),), ()), tmp_path)
