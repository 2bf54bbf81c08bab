"""The page of promises names tests that there are, and says what was measured."""

import ast

import pytest

from . import ROOT
from .page import PAGE, kept, page
from .promises import CHAPTERS

PROMISES = [promise for chapter in CHAPTERS for promise in chapter.promises]
TESTS = sorted({test for promise in PROMISES for test in promise.tests})


@pytest.mark.parametrize("test", TESTS)
def test_a_promise_names_a_test_that_there_is(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / "tests" / file).read_text())
    functions = [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]
    assert name in functions


def test_every_promise_is_held() -> None:
    assert [promise.words for promise in PROMISES if not promise.tests] == []


def test_the_page_is_that_of_the_last_figures() -> None:
    assert PAGE.read_text() == page(kept()), "run make faults, or python -m tests.faults.page"


def test_no_promise_was_broken_when_the_page_was_written() -> None:
    broken = {"lost", "altered", "half", "doubled", "strange", "came back", "changed uidl"}
    audited = [each.values for each in kept().values() if broken <= each.values.keys()]
    assert audited, "no figures are kept"
    assert all(values[name] == 0 for values in audited for name in broken)
