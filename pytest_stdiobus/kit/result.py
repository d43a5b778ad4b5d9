"""What a run came to: findings of cases, outcomes of requirements."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.history import History


class Outcome(str, Enum):
    """What became of a requirement, in one case or in all.

    ``FLAKY``: it differed between repeats. ``HARNESS_ERROR``: our own failure, never the target's. ``UNTESTABLE``: something
    that failed before it stands in the way. ``NOT_OBSERVED``: the case ran, the situation never arose. ``SKIPPED``: the
    user asked, or this machine lacks something. ``NOT_APPLICABLE``: it is not declared, or no probe is given.
    """

    FAIL = "fail"
    FLAKY = "flaky"
    HARNESS_ERROR = "harness_error"
    UNTESTABLE = "untestable"
    PASS = "pass"  # noqa: S105 - not a password
    NOT_OBSERVED = "not_observed"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not_applicable"


BROKEN = frozenset({Outcome.FAIL, Outcome.FLAKY})
DECIDED = BROKEN | {Outcome.PASS}  # what shows something of the target
SHOWN = BROKEN | {Outcome.HARNESS_ERROR}  # what a reader has to look at
NOT_PLAYED = frozenset({Outcome.SKIPPED, Outcome.NOT_APPLICABLE})
UNDECIDED = frozenset({Outcome.HARNESS_ERROR, Outcome.UNTESTABLE, Outcome.NOT_OBSERVED, Outcome.SKIPPED})
SILENT = frozenset(Outcome) - DECIDED - SHOWN

_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}


@dataclass(frozen=True)
class Finding:
    """What one case says about one requirement.

    Attributes:
        requirement: its id.
        outcome: what became of it.
        explanation: why, unless it passed.
        events: where the history shows it, by number.
    """

    requirement: str
    outcome: Outcome
    explanation: str = ""
    events: tuple[int, ...] = ()


@dataclass(frozen=True)
class CaseResult:
    """What a case came to.

    Attributes:
        case: what was played.
        findings: one for each requirement it says something about.
        history: what was observed in the run that decided; None when nothing ran.
        duration_ms: how long it took.
    """

    case: Case
    findings: tuple[Finding, ...]
    history: History | None = None
    duration_ms: int = 0

    @property
    def outcome(self) -> Outcome:
        """The gravest of its findings."""
        return gravest(finding.outcome for finding in self.findings)

    @property
    def is_decided(self) -> bool:
        """Whether it shows anything of the target, for or against it."""
        return any(finding.outcome in DECIDED for finding in self.findings)

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that something is wrong."""
        return tuple(finding for finding in self.findings if finding.outcome in BROKEN)


@dataclass
class RequirementResult:
    """What all cases together say about a requirement."""

    requirement: str
    outcome: Outcome
    cases: dict[str, Finding] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The explanation of the first case that decided it."""
        return next((found.explanation for found in self.cases.values() if found.outcome == self.outcome), "")


def gravest(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome that stands for several; a run of nothing observed nothing."""
    return min(outcomes, key=_RANK.__getitem__, default=Outcome.NOT_OBSERVED)


def by_requirement(results: Iterable[CaseResult]) -> dict[str, RequirementResult]:
    """The findings of all cases, by requirement."""
    found: dict[str, RequirementResult] = {}
    for result in results:
        for finding in result.findings:
            entry = found.setdefault(finding.requirement, RequirementResult(finding.requirement, finding.outcome))
            known = entry.cases.get(result.case.id)
            if known is None or _RANK[finding.outcome] < _RANK[known.outcome]:
                entry.cases[result.case.id] = finding
            entry.outcome = gravest((entry.outcome, finding.outcome))
    return found
