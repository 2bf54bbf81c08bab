"""The tables of a run, as text that reads in a terminal and as Markdown alike."""

from collections.abc import Sequence
from statistics import median

from .load import Measured


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table whose columns stand under each other."""
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(len(heads))]
    rule = ["-" * width for width in widths]
    return [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [heads, rule, *rows]
    ]


def rates(runs: Sequence[Measured]) -> str:
    """The median rate and its spread: "446 (390-501)"."""
    found = [each.rate for each in runs]
    return f"{median(found):,.0f} ({min(found):,.0f}-{max(found):,.0f})"


def costs(runs: Sequence[Measured]) -> str:
    """CPU milliseconds of the server and of the tool for each piece of work."""
    server = median(each.server_cpu / each.count for each in runs) * 1000
    tool = median(each.tool_cpu / each.count for each in runs) * 1000
    return f"{server:.2f} + {tool:.2f}"


def ratio(runs: Sequence[Measured], others: Sequence[Measured]) -> str:
    """The median of the ratios round by round: each pair was measured side by side."""
    return f"{median(a.rate / b.rate for a, b in zip(runs, others, strict=True)):.2f}"


def times(values: Sequence[float]) -> str:
    """Times in a row, such as "38.0 / 11.2 / 2.1"."""
    return " / ".join(f"{each:.1f}" for each in values)
