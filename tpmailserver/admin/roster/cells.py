"""What one cell of a roster says: a number, the number in a mail address, or groups.

The rule it guards: only what stands in a cell becomes a name. A number that a spreadsheet has
spoiled is refused and not mended, for a wrong account looks like a right one. A group's name is
changed to fit the name space.
"""

import re
import unicodedata

from ..numbers import WHAT_A_NAME_IS, BadNumber, is_range, name, shown

# A year has four digits, and nobody's number has so few.
_LIKE_A_NUMBER = re.compile(r"[0-9]{5,12}", re.ASCII)

# The identifiants nationaux étudiants: 10 digits and a letter; or 11 letters and digits.
_INE = re.compile(r"(?=.*[a-z])[0-9][0-9a-z]{10}", re.ASCII | re.IGNORECASE)

# Excel's way to keep leading zeros in a CSV file: ="00123456".
_FORMULA = re.compile(r'="(.*)"')

# 22000001.0, 2.2E+07 and 2,2E+07: what a spreadsheet makes of a number.
_SPOILED = re.compile(r"[0-9]+[.,][0-9]+(?:e\+?[0-9]+)?", re.ASCII | re.IGNORECASE)

_GROUPS_APART = re.compile(r"[,;|]")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9._]+")
_LONGEST_NAME = 64


def bare(cell: str) -> str:
    """A cell without the spaces and the signs that only a spreadsheet program needs."""
    text = cell.strip()
    formula = _FORMULA.fullmatch(text)
    return formula[1].strip() if formula else text.removeprefix("'")


def looks_like_number(cell: str) -> bool:
    """Whether a cell is a number, or a mail address with one before the @."""
    return _LIKE_A_NUMBER.fullmatch(bare(cell).partition("@")[0]) is not None


def is_ine(text: str) -> bool:
    """Whether this is the national number of a French student, which is no student number."""
    return _INE.fullmatch(text) is not None


def number_in(cell: str) -> str:
    """The account's name that a cell means; raises BadNumber."""
    word = bare(cell)
    if not word:
        raise BadNumber("there is no number")
    local, is_mail, _ = word.partition("@")
    if is_mail:
        if not looks_like_number(word):
            raise BadNumber(f"{shown(word)} is a mail address without a number before the @")
        return local
    # As a name `22000001-22000040` would be legal, and forty students would miss their account.
    if is_range(word):
        raise BadNumber(f"{shown(word)} is a range: a roster has one number a line")
    if _SPOILED.fullmatch(word):
        raise BadNumber(f"{shown(word)} is a decimal: in the spreadsheet, make the column text")
    if len(word.split()) > 1:
        raise BadNumber(f"{shown(word)} is more than a number: {WHAT_A_NAME_IS}")
    return name(word)


def groups_in(cell: str) -> tuple[str, ...]:
    """The groups in a cell as they are written there, `TP 1, TD 2` as two."""
    words = (" ".join(each.split()) for each in _GROUPS_APART.split(bare(cell)))
    return tuple(word for word in words if group_name(word))


def group_name(text: str) -> str:
    """A group's name that fits the name space: `TP 1` as `tp-1`; "" where nothing is left."""
    plain = unaccented(text).lower()
    return _NOT_IN_A_NAME.sub("-", plain).strip("-._")[:_LONGEST_NAME]


def unaccented(text: str) -> str:
    """A text with its letters bare of accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each))
