"""Several reports side by side: what became of each requirement, for each target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.report.model import Report, RequirementPart


@dataclass(frozen=True)
class Row:
    """A requirement, and its part of each report; None where a report does not have it."""

    id: str
    parts: tuple[RequirementPart | None, ...]

    @property
    def differs(self) -> bool:
        """Whether the reports do not all say the same."""
        return len({part and part["outcome"] for part in self.parts}) > 1

    @property
    def rule(self) -> RequirementPart:
        """Its text, from the first report that has it."""
        return next(part for part in self.parts if part is not None)


def matrix(reports: Sequence[Report]) -> list[Row]:
    """The requirements of all reports, in the order in which they first occur."""
    found = [{part["id"]: part for part in report["requirements"]} for report in reports]
    names = dict.fromkeys(name for rows in found for name in rows)
    return [Row(name, tuple(rows.get(name) for rows in found)) for name in names]
