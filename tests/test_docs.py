"""What the documentation shows is what the server does."""

import re
from pathlib import Path

import pytest

from .dialogues import ROOT, blocks, pages

LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_dialogues_are_real(page: Path) -> None:
    for mark, stands, made in blocks(page.read_text()):
        assert stands == made, f"{page.name}: {mark.strip()}: run python -m tests.dialogues"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_the_by_hand_pages_have_dialogues() -> None:
    for name in ("smtp-by-hand.md", "pop3-by-hand.md", "the-way-of-a-mail.md"):
        assert list(blocks((ROOT / "docs" / name).read_text())), f"{name} shows no dialogue"
