"""French says what English says: every text is there, with the same facts, in ASCII."""

import string

import pytest

from tpmailserver.wire import hints, pop3_verbs, replies, smtp_verbs
from tpmailserver.wire.refusals import POSTERS, REFUSALS
from tpmailserver.wire.replies import FLAWS, Pop3, Reply, Smtp
from tpmailserver.wire.replies_fr import NOUNS, TEXTS
from tpmailserver.wire.speaker import Count, Speaker

SAME_IN_FRENCH = {"OK", "{challenge}", "{number}", "{number} {value}", "{octets} octets", "{0}"}
SAME_IN_FRENCH |= {"{messages} {octets}", "{messages} ({octets} octets)", "<{address}>", ""}


def english_texts() -> set[str]:
    named = [*vars(Smtp).values(), *vars(Pop3).values(), *FLAWS.values(), *REFUSALS.values()]
    texts = {each.text for each in named if hasattr(each, "text")}
    texts |= {replies.smtp_fault(fault).text for fault in replies.Fault}
    texts |= {hints.MEANT, hints.HELP, hints.HEADER, hints.SMTP, hints.POP3, hints.WEB}
    texts |= {verb.purpose for verb in [*smtp_verbs.VERBS.values(), *pop3_verbs.VERBS.values()]}
    texts |= set(POSTERS.values())
    # Why a session is expelled: facts of EXPELLED that are texts of ours.
    texts |= {"mailbox reset by the instructor", "the instructor has closed this session"}
    return (texts | {Pop3.ABANDONED}) - SAME_IN_FRENCH


def facts_of(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name is not None})


def test_every_text_is_there_and_no_other() -> None:
    assert set(TEXTS) == english_texts()


@pytest.mark.parametrize("english", sorted(TEXTS))
def test_french_has_the_same_facts_in_ascii(english: str) -> None:
    assert facts_of(TEXTS[english]) == facts_of(english)
    assert TEXTS[english].isascii()


def test_a_count_is_one_or_more() -> None:
    french, english = Speaker("fr"), Speaker("en")
    assert english.text("{n}", n=Count(1, "mailbox")) == "1 mailbox"
    assert english.text("{n}", n=Count(0, "mailbox")) == "0 mailboxes"
    assert french.text("{n}", n=Count(0, "mailbox")) == "0 boite"
    assert french.text("{n}", n=Count(2, "mailbox")) == "2 boites"
    assert all(one and more for one, more in NOUNS.values())


def test_a_line_is_cut_and_stays_ascii() -> None:
    said = Speaker("en").line(Reply("500", "5.5.1", "{x}"), x="é" * 2000)
    assert said.startswith(b"500 5.5.1 ???")
    assert said.endswith(b"?\r\n")
    assert len(said) == 512
