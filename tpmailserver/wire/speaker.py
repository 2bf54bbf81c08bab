"""Says the replies of the catalogue, in the language of the site.

The rule it guards: a language changes the words and nothing else; codes, verbs and the facts that
a reply names stay. French is written without accents, for the wire is ASCII (RFC 5321 §2.4).
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

from tpmailserver.model import Reason, Refusal

from .refusals import POSTERS, REFUSALS
from .replies import Reply
from .replies_fr import NOUNS, TEXTS

# What French typography has beside its accents: the apostrophe, dashes, quotation marks.
_PLAIN = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "\u2019": "'", "\u2013": "-", "\u2014": "-"}
    | dict.fromkeys("«»“”", '"')
)
_LINE_AT_MOST = 510  # RFC 5321 §4.5.3.1.5: 512 with CRLF


@dataclass(frozen=True, slots=True)
class Count:
    """A fact such as "1 message", "2 messages"."""

    number: int
    noun: str


class Speaker:
    """Speaks "en" or "fr"."""

    def __init__(self, language: str) -> None:
        self._is_french = language == "fr"

    def text(self, english: str, *facts: object, **named: object) -> str:
        """A text of the catalogue with its facts."""
        template = TEXTS.get(english, english) if self._is_french else english
        return template.format(
            *(self._fact(each) for each in facts),
            **{name: self._fact(each) for name, each in named.items()},
        )

    def line(self, reply: Reply, **facts: object) -> bytes:
        """A reply as one line on the wire."""
        return one_line(reply.code, reply.status, self.text(reply.text, **facts))

    def smtp_refusal(self, refusal: Refusal) -> bytes:
        """SMTP's line for a refusal."""
        said = REFUSALS[refusal.reason]
        return one_line(said.code, said.status, self._refusal(refusal))

    def smtp_unwelcome(self, refusal: Refusal) -> bytes:
        """The greeting of a server that refuses the connection (RFC 5321 §3.1, RFC 2034 §3)."""
        said = REFUSALS[refusal.reason]
        return one_line(said.code, "", self._refusal(refusal))

    def pop3_refusal(self, refusal: Refusal) -> bytes:
        """POP3's line for a refusal."""
        said = REFUSALS[refusal.reason]
        return one_line("-ERR", said.response, self._refusal(refusal))

    def _fact(self, fact: object) -> object:
        if isinstance(fact, Count):
            return f"{fact.number} {self._noun(fact)}"
        return fact if isinstance(fact, int) else printable(str(fact))

    def _refusal(self, refusal: Refusal) -> str:
        facts = refusal.facts
        if refusal.reason is Reason.EXPELLED:
            # The fact is a text of ours: why the instructor closes the session.
            facts = tuple(self.text(each) for each in facts)
        elif refusal.reason is Reason.NOT_FOR_YOU_TO_POST:
            facts = (facts[0], self.text(POSTERS[facts[1]]))
        elif refusal.reason is Reason.DECLINED:
            # The words of a program, of whatever length and language.
            facts = (facts[0], unaccented(facts[1][:_LINE_AT_MOST]))
        return self.text(REFUSALS[refusal.reason].text, *facts)

    def _noun(self, count: Count) -> str:
        if self._is_french:
            one, more = NOUNS[count.noun]
            return one if count.number < 2 else more
        if count.number == 1:
            return count.noun
        return count.noun + ("es" if count.noun.endswith("x") else "s")


def lines(reply: Reply, texts: Iterable[str]) -> Iterator[bytes]:
    """An SMTP reply of several lines (RFC 5321 §4.2.1), each with the code and the status."""
    for text, following in pairwise(chain(texts, [None])):
        mark = " " if following is None else "-"
        yield one_line(reply.code, reply.status, text or "", mark)


def one_line(code: str, status: str, text: str, mark: str = " ") -> bytes:
    """Code, status and text, cut to what one reply line may hold."""
    words = code + mark + " ".join(part for part in (status, text) if part)
    return printable(words)[:_LINE_AT_MOST].encode("ascii") + b"\r\n"


def printable(text: str) -> str:
    """The same text where every character that is not printable ASCII is a question mark."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(each if " " <= each <= "~" else "?" for each in text)


def unaccented(text: str) -> str:
    """The same words without their accents, as all French here is written."""
    letters = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(each for each in letters if not unicodedata.combining(each))
