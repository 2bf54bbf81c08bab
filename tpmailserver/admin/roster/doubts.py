"""What looks wrong in a roster that could be read.

The rule it guards: a doubt refuses nothing, for a person knows better; but each names its lines, so
that this person can look. What was only changed or left out is a remark and no doubt.
"""

from collections.abc import Iterator, Sequence

from .cells import group_name, is_ine
from .columns import Layout
from .students import Student

# As many are named; who wants all of them looks into the file.
_NAMED = 5

# So few groups are never too many.
_GROUPS = 12


def doubts_about(layout: Layout, students: Sequence[Student]) -> tuple[str, ...]:
    """What whoever imports this should look at first, one line each."""
    return (
        *_guess(layout),
        *_other_lengths(students),
        *_ines(students),
        *_words(layout, students),
        *_duplicates(students),
        *_torn_rows(layout),
        *_too_many_groups(layout, students),
    )


def remarks_on(layout: Layout, students: Sequence[Student]) -> tuple[str, ...]:
    """What was changed or left out, one line each."""
    return (*_changed_groups(students), *_without_group(layout, students))


def _guess(layout: Layout) -> Iterator[str]:
    if layout.is_guess:
        yield f'no heading says "number": {layout.number} is taken for its looks'


def _other_lengths(students: Sequence[Student]) -> Iterator[str]:
    by_length: dict[int, list[Student]] = {}
    for each in students:
        if each.number.isdigit():
            by_length.setdefault(len(each.number), []).append(each)
    usual = max(by_length, key=lambda length: len(by_length[length]), default=0)
    for length, odd in sorted(by_length.items()):
        if length < usual:
            yield (
                f"{_have(odd, 'number')} {length} digits, not {usual}: "
                f"were leading zeros lost? ({_named(odd)})"
            )
        elif length > usual:
            yield f"{_have(odd, 'number')} {length} digits, not {usual} ({_named(odd)})"


def _ines(students: Sequence[Student]) -> Iterator[str]:
    found = [each for each in students if is_ine(each.number)]
    if found:
        yield f"{_count(found, 'number')} in the form of an INE ({_named(found)})"


def _words(layout: Layout, students: Sequence[Student]) -> Iterator[str]:
    words = [each for each in students if not each.number.isdigit() and not is_ine(each.number)]
    # Below a heading they may all be logins.
    if words and not (layout.header and len(words) == len(students)):
        yield f"{_count(words, 'login')} with other signs than digits ({_named(words)})"


def _duplicates(students: Sequence[Student]) -> Iterator[str]:
    lines: dict[str, list[Student]] = {}
    for each in students:
        lines.setdefault(each.number, []).append(each)
    again = [those for those in lines.values() if len(those) > 1]
    if again:
        first = "; ".join(
            f"{those[0].number} in lines {', '.join(str(each.line) for each in those[:_NAMED])}"
            for those in again[:_NAMED]
        )
        yield f"{_count(again, 'number')} in more than one line ({first}{_more(again)})"


def _torn_rows(layout: Layout) -> Iterator[str]:
    torn = [row for row in layout.rows if any(cell.strip() for cell in row.cells[layout.width :])]
    if torn:
        lines = ", ".join(f"line {row.line}" for row in torn[:_NAMED])
        yield (
            f"{_have(torn, 'line')} more cells than the {layout.width} of the others: "
            f"is a separator part of a text? ({lines}{_more(torn)})"
        )


def _too_many_groups(layout: Layout, students: Sequence[Student]) -> Iterator[str]:
    groups = {group_name(group) for each in students for group in each.groups}
    if len(groups) > _GROUPS and len(groups) * 3 > len(students):
        columns = ", ".join(map(str, layout.groups))
        yield f"{_count(list(groups), 'group')} for {_count(students, 'line')}: is {columns} right?"


def _changed_groups(students: Sequence[Student]) -> Iterator[str]:
    written = dict.fromkeys(group for each in students for group in each.groups)
    changed = [group for group in written if group_name(group) != group.lower()]
    if changed:
        first = ", ".join(f'"{each}" is {group_name(each)}' for each in changed[:_NAMED])
        yield f"group names changed to fit: {first}{_more(changed)}"


def _without_group(layout: Layout, students: Sequence[Student]) -> Iterator[str]:
    without = [each for each in students if not each.groups]
    if layout.groups and without:
        yield f"{_count(without, 'line')} without a group ({_named(without)})"


def _count(things: Sequence[object], thing: str) -> str:
    return f"{len(things):,} {thing}{'' if len(things) == 1 else 's'}"


def _have(things: Sequence[object], thing: str) -> str:
    return f"{_count(things, thing)} {'has' if len(things) == 1 else 'have'}"


def _named(students: Sequence[Student]) -> str:
    first = ", ".join(f"{each.number} in line {each.line}" for each in students[:_NAMED])
    return first + _more(students)


def _more(things: Sequence[object]) -> str:
    return f", and {len(things) - _NAMED:,} more" if len(things) > _NAMED else ""
