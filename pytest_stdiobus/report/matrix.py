"""Several reports side by side: what became of each requirement, for each target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stdiobus.report.words import BROKEN, DECIDED, OUTCOME, weight

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.report.model import Report, RequirementPart


@dataclass(frozen=True)
class Cell:
    """What one report says of a requirement.

    Attributes:
        part: of the report.
        ways: the transports, or backends, of the cases that decided it, with the gravest outcome on each.
    """

    part: RequirementPart
    ways: dict[str, str]

    @property
    def broken(self) -> int:
        """In how many cases it failed."""
        return sum(finding["outcome"] in BROKEN for finding in self.part["findings"])

    @property
    def judged(self) -> int:
        """How many cases decided it."""
        return sum(finding["outcome"] in DECIDED for finding in self.part["findings"])

    @property
    def note(self) -> str:
        """How much of it failed, where, and what that means; empty where nothing did."""
        if not self.broken:
            return ""
        failed = [way for way, outcome in self.ways.items() if outcome in BROKEN]
        where = f" on {', '.join(failed)}" if len(failed) < len(self.ways) else ""
        meaning = "known" if self.part["known"] else weight(self.part)
        told = f"{self.broken} of {self.judged}{where}"
        return told if meaning == "failure" else f"{told}, {meaning}"

    def __str__(self) -> str:
        """In words."""
        return OUTCOME[self.part["outcome"]] + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True)
class Row:
    """A requirement, and what each report says of it; None where a report does not have it."""

    id: str
    cells: tuple[Cell | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the reports do not all say the same, of it or of a case that several of them decided."""
        said = {cell and (cell.part["outcome"], cell.part["known"]) for cell in self.cells}
        return len(said) > 1 or any(True for _ in self.cases)

    @property
    def cases(self) -> Iterator[str]:
        """The cases that one report says passed, and another that they did not."""
        findings = [finding for cell in self.cells if cell for finding in cell.part["findings"]]
        passed = {finding["case"] for finding in findings if finding["outcome"] == "pass"}
        broken = dict.fromkeys(finding["case"] for finding in findings if finding["outcome"] in BROKEN)
        return (case for case in broken if case in passed)

    @property
    def rule(self) -> RequirementPart:
        """Its text, from the first report that has it."""
        return next(cell.part for cell in self.cells if cell is not None)


def matrix(reports: Sequence[Report]) -> list[Row]:
    """The requirements of all reports, in the order in which they first occur."""
    found = [{part["id"]: cell for part, cell in _cells(report)} for report in reports]
    names = dict.fromkeys(name for rows in found for name in rows)
    return [Row(name, tuple(rows.get(name) for rows in found)) for name in names]


def target_name(report: Report) -> str:
    """The target of a report, with its version."""
    return " ".join(filter(None, (report["target"]["name"], report["target"]["version"])))


def _cells(report: Report) -> Iterator[tuple[RequirementPart, Cell]]:
    transports = {case["id"]: case["transport"] for case in report["cases"]}
    for part in report["requirements"]:
        ways: dict[str, str] = {}
        for finding in part["findings"]:
            way = transports.get(finding["case"], "")
            if way and finding["outcome"] in DECIDED and ways.get(way) not in BROKEN:
                ways[way] = finding["outcome"]
        yield part, Cell(part, ways)
