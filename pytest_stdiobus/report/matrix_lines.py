"""Reports side by side, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.report.matrix import matrix
from pytest_stdiobus.report.parity import conclusion, parity
from pytest_stdiobus.report.words import LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.report.model import Report
    from pytest_stdiobus.report.parity import ParityCase

SHOWN = 3  # cases of a row, differences of a case
NOTHING = "nothing"


def lines(reports: Sequence[Report]) -> Iterator[str]:
    """The rows that differ as a table for a terminal, with the cases of which the reports say different things."""
    rows = matrix(reports)
    differing = [row for row in rows if row.differs]
    said = [[str(cell) if cell else "not in it" for cell in row.cells] for row in differing]
    widths = [max(map(len, column)) for column in zip(*said, strict=True)]
    for row, words in zip(differing, said, strict=True):
        table = "  ".join(
            f"[{n}] {word:<{width}}" for n, (word, width) in enumerate(zip(words, widths, strict=True), 1)
        )
        yield f"{row.id:<11} {table}  ({LEVEL[row.rule['level']]}) {row.rule['statement']}"
        listed = list(row.cases)
        if listed:
            more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
            yield f"{'':<11} in {', '.join(listed[:SHOWN])}{more}"
    yield (
        f"{len(differing)} of {len(rows)} requirements differ"
        if differing
        else f"the same for {len(rows)} requirements"
    )
    if compared := parity(reports):
        yield from (line for case in compared for line in _said(case))
        yield conclusion(compared)


def _said(case: ParityCase) -> Iterator[str]:
    """Where SDKs said something else in a case, and what."""
    if case.differences:
        yield f"{case.id}: {case.title}"
    for found in case.differences[:SHOWN]:
        yield f"  {found.path}"
        for number, (value, played) in enumerate(zip(found.values, case.played, strict=True), 1):
            if played:
                yield f"    [{number}] {value or NOTHING}"
    if len(case.differences) > SHOWN:
        yield f"  and {len(case.differences) - SHOWN} more"
