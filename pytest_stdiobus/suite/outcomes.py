"""What the result of a case means for its item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.result import SILENT
from pytest_stdiobus.kit.verdict import Effect, effect

if TYPE_CHECKING:
    from pytest_stdiobus.kit.result import CaseResult, Finding
    from pytest_stdiobus.report.run import Run


def skip_reason(result: CaseResult) -> str:
    """Why the case says nothing, in the words of the kit; empty where it does."""
    if result.outcome not in SILENT:
        return ""
    first = next(finding for finding in result.findings if finding.outcome is result.outcome)
    return f"{result.outcome.value}: {first.explanation}"


def weighty(result: CaseResult, run: Run) -> tuple[Finding, ...]:
    """The failures that fail the item."""
    return tuple(found for found in result.failures if _weight(found, run) is Effect.FAILURE)


def light(result: CaseResult, run: Run) -> tuple[Finding, ...]:
    """The failures that do not: warnings and information."""
    return tuple(found for found in result.failures if _weight(found, run) is not Effect.FAILURE)


def known_reason(result: CaseResult, run: Run) -> str:
    """Why the failures of an item were expected; empty unless all of them were."""
    entries = [run.baseline.entry(result.case.id, finding) for finding in weighty(result, run)]
    if not all(entries):
        return ""
    return "; ".join(dict.fromkeys(str(entry) for entry in entries))


def _weight(finding: Finding, run: Run) -> Effect:
    return effect(catalogue()[finding.requirement], run.weights)
