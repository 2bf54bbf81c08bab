"""What a person reads of an examination: a line a check, and below it what to do.

The rule it guards: the verdict is a word, with a mark that can be searched for, and never a colour
alone; the worst stands last, beside the prompt; a command is on a line of its own, to be copied.
"""

from collections import Counter
from collections.abc import Iterable

from tpmailserver.admin.doctor import Examination, Finding
from tpmailserver.admin.doctor.finding import BAD, OK, WARN

from .pages import page
from .phrases import count, plain
from .sheets import Hanging, Part, Verbatim

_MARKS = {OK: "+ ok  ", WARN: "! warn", BAD: "x bad "}
_INDENT = 21


@page.register
def _(report: Examination) -> Iterable[Part]:
    for each in sorted(report.findings, key=lambda each: (OK, WARN, BAD).index(each.verdict)):
        yield Hanging(f"{_MARKS[each.verdict]}  {each.check:<11}  {plain(each.found)}", _INDENT)
        if each.advice:
            yield Hanging(" " * _INDENT + plain(each.advice), _INDENT)
        for command in each.commands:
            yield Verbatim(f"    {plain(command)}")
    yield Hanging(_summary(report.findings), 4)


def _summary(findings: Iterable[Finding]) -> str:
    verdicts = Counter(each.verdict for each in findings)
    said = [f"{verdicts[OK]} ok"]
    for verdict in (WARN, BAD):
        names = [each.check for each in findings if each.verdict == verdict]
        said += [f"{len(names)} {verdict} ({', '.join(names)})"] if names else []
    return f"{count(verdicts.total(), 'check')}: {', '.join(said)}"
