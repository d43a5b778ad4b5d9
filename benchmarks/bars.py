"""What the benchmarks share: rows of work, bars, and how ratios of several rounds are held against them."""

# ruff: noqa: INP001 (a program beside its modules, no package)
from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import Any, Protocol

# Each subject's numbers by their names; no numbers, or 0, where it did not get through.
Round = dict[str, dict[str, float]]
OURS = "ours"
# What must hold in every round, not only in most.
_NEVER = frozenset({"lost"})


@dataclass(frozen=True)
class Bar:
    """The ratio of ours to another subject, or ours alone where `against` is None, compared with a limit."""

    metric: str
    against: str | None
    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        """Tell whether the value is on the right side."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def text(self) -> str:
        """Show the bar as it stands in the table."""
        sign, limit = ("≥", self.least) if self.least is not None else ("≤", self.most)
        return f"{self.metric} {sign} {limit:g}" + (f" x {self.against}" if self.against else "")


class Row(Protocol):
    """One line of work: who does it, what is measured of it, and the bars."""

    @property
    def title(self) -> str:
        """What it is."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """Who does it."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the numbers."""

    @property
    def bars(self) -> tuple[Bar, ...]:
        """What they are held against."""


def spread(values: list[float]) -> dict[str, float]:
    """Give the median of the rounds with the least and the greatest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def judge(row: Row, rounds: list[Round]) -> dict[str, Any]:
    """Sum up a row: every subject's numbers, ratios of the pairs of each round, and the bars."""
    numbers = {
        subject: {metric: spread([each[subject][metric] for each in rounds]) for metric in row.metrics}
        for subject in row.subjects
        if all(subject in each for each in rounds)
    }
    ratios = {
        f"{metric}/{other}": spread([each[OURS][metric] / each[other][metric] for each in rounds])
        for other in numbers
        for metric in row.metrics
        if other != OURS and all(each[other][metric] > 0 for each in rounds)
    }
    bars = []
    for bar in row.bars:
        value: float | None
        if bar.metric in _NEVER:
            value = numbers[OURS][bar.metric]["max"]
        elif _failed(bar.metric, OURS, rounds):
            value = None
        elif bar.against is None:
            value = numbers[OURS][bar.metric]["median"]
        else:
            value = ratios.get(f"{bar.metric}/{bar.against}", {}).get("median")
        met = None if value is None else bar.holds(value)
        note = {} if value is not None else {"note": _why(bar, rounds)}
        bars.append({**asdict(bar), "text": bar.text(), "value": value, "met": met, **note})
    return {"title": row.title, "subjects": numbers, "ratios": ratios, "bars": bars}


def _failed(metric: str, subject: str, rounds: list[Round]) -> int:
    """In how many rounds the subject did not get through."""
    return sum(each[subject][metric] == 0 for each in rounds)


def _why(bar: Bar, rounds: list[Round]) -> str:
    """Why there is nothing to compare."""
    for subject in (OURS, bar.against):
        if subject is not None and any(subject not in each for each in rounds):
            return f"{subject} is not here"
        if subject is not None and (failed := _failed(bar.metric, subject, rounds)):
            return f"{subject} did not get through {failed} of {len(rounds)} rounds"
    return "no ratio"
