"""Failures that are known: a finding that one of them names is expected, and an entry that nothing needs is told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.errors import DataError
from pytest_stdiobus.kit.result import BROKEN, UNDECIDED, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_stdiobus.kit.result import CaseResult, Finding


@dataclass(frozen=True)
class Known:
    """A failure that is known; what is empty restricts nothing.

    Attributes:
        reason: why it is accepted for now.
        requirement: the id of a requirement.
        case: the id of a case; without a variant in brackets it means all of them.
        ticket: where the repair is tracked.
        expires: the last day on which it is accepted.
        target: the name of the only target it concerns.
    """

    reason: str
    requirement: str = ""
    case: str = ""
    ticket: str = ""
    expires: dt.date | None = None
    target: str = ""

    def names(self, case: str, requirement: str) -> bool:
        """Whether a finding about a requirement, in a case, is meant."""
        same_case = self.case in {"", case, case.partition("[")[0]}
        return same_case and self.requirement in {"", requirement}

    def is_stale(self, findings: Iterable[tuple[str, Finding]]) -> bool:
        """Whether what it names was decided, and none of it failed.

        Args:
            findings: every finding of a complete run, each with the id of its case.
        """
        near = [found for case, found in findings if self.names(case, self.requirement)]
        said = {found.outcome for found in near if self.requirement in {"", found.requirement}}
        if not said and self.case:  # of a rule that holds always a case says nothing where it is kept
            said = {Outcome.PASS if found.outcome in BROKEN else found.outcome for found in near}
        said |= {Outcome.HARNESS_ERROR for found in near if found.outcome is Outcome.HARNESS_ERROR}
        return Outcome.PASS in said and not said & (BROKEN | UNDECIDED)

    def __str__(self) -> str:
        """What it names, and why."""
        return f"{' in '.join(filter(None, (self.requirement, self.case)))}: {self.reason}"


@dataclass(frozen=True)
class Settled:
    """What became of the entries when the run was over.

    Attributes:
        used: those that a failure needed.
        stale: those that name what was decided, and did not fail.
        expired: those whose day has passed; they excuse nothing.
        decided: whether the run was complete, so that `stale` could be known.
    """

    used: tuple[Known, ...] = ()
    stale: tuple[Known, ...] = ()
    expired: tuple[Known, ...] = ()
    decided: bool = True


@dataclass(frozen=True)
class Baseline:
    """The known failures of one target, on one day."""

    entries: tuple[Known, ...] = ()
    expired: tuple[Known, ...] = ()

    def entry(self, case: str, finding: Finding) -> Known | None:
        """The entry that expects a finding, if it is of a failure and one does."""
        if finding.outcome not in BROKEN:
            return None
        return next((entry for entry in self.entries if entry.names(case, finding.requirement)), None)

    def settle(self, results: Iterable[CaseResult], *, complete: bool) -> Settled:
        """Decide, once and at the end, which entries were needed."""
        findings = [(result.case.id, finding) for result in results for finding in result.findings]
        needed = {self.entry(case, finding) for case, finding in findings}
        used = tuple(entry for entry in self.entries if entry in needed)
        stale = tuple(entry for entry in self.entries if entry.is_stale(findings)) if complete else ()
        return Settled(used, stale, self.expired, complete)


def read(file: Path, target: str, today: dt.date) -> Baseline:
    """The known failures of a file that concern a target.

    Raises:
        DataError: the file is not valid, or names a requirement that does not exist.
    """
    entries = [known(data) for data in schemas.load(file, "known-failures")["known_failures"]]
    unknown = [
        f"$.known_failures[{index}].requirement: {entry.requirement!r} is not a requirement; list shows them all"
        for index, entry in enumerate(entries)
        if entry.requirement and entry.requirement not in catalogue()
    ]
    if unknown:
        raise DataError(str(file), unknown)
    return concerning(entries, target, today)


def concerning(entries: Sequence[Known], target: str, today: dt.date) -> Baseline:
    """Those entries that concern a target, parted by whether their day has passed."""
    meant = [entry for entry in entries if entry.target in {"", target}]
    past = tuple(entry for entry in meant if entry.expires is not None and entry.expires < today)
    return Baseline(tuple(entry for entry in meant if entry not in past), past)


def known(data: dict[str, Any]) -> Known:
    """The entry that valid JSON describes."""
    expires = dt.date.fromisoformat(data["expires"]) if "expires" in data else None
    return Known(**{**data, "expires": expires})
