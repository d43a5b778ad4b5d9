"""From outcomes to a verdict: what counts, for whom, and what the process's status says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.catalogue import Requirement, catalogue
from pytest_stdiobus.kit.result import Outcome, RequirementResult

if TYPE_CHECKING:
    from collections.abc import Mapping


class Effect(str, Enum):
    """How much a failed requirement weighs."""

    FAILURE = "failure"
    WARNING = "warning"
    INFORMATION = "information"


class Verdict(str, Enum):
    """What a run says of its target."""

    CONFORMANT = "conformant"
    NOT_CONFORMANT = "not conformant"
    INCOMPLETE = "incomplete"
    PARTIAL = "partial"


EXIT = {Verdict.CONFORMANT: 0, Verdict.PARTIAL: 0, Verdict.NOT_CONFORMANT: 1, Verdict.INCOMPLETE: 3}
_OPEN = frozenset({Outcome.SKIPPED, Outcome.UNTESTABLE, Outcome.NOT_OBSERVED, Outcome.HARNESS_ERROR})
_BROKEN = frozenset({Outcome.FAIL, Outcome.FLAKY})


@dataclass(frozen=True)
class Rules:
    """How strictly a target is judged.

    Attributes:
        strict: whether the rows that weigh less fail it too.
        reference: whether it is our own, for which every failure is one.
        partial: whether only a selection was run.
    """

    strict: bool = False
    reference: bool = False
    partial: bool = False


def effect(requirement: Requirement, rules: Rules) -> Effect:
    """What a failure of this requirement means."""
    if rules.reference:
        return Effect.FAILURE
    if requirement.level == "Y":
        return Effect.INFORMATION
    if requirement.level == "M":
        return Effect.FAILURE if requirement.public or rules.strict else Effect.WARNING
    return Effect.FAILURE if requirement.public and rules.strict else Effect.WARNING


def verdict(results: Mapping[str, RequirementResult], rules: Rules) -> Verdict:
    """What all outcomes together say."""
    for name, result in results.items():
        if result.outcome in _BROKEN and effect(catalogue()[name], rules) is Effect.FAILURE:
            return Verdict.NOT_CONFORMANT
    if rules.partial:
        return Verdict.PARTIAL
    for name, result in results.items():
        row = catalogue()[name]
        if row.level == "M" and row.public and result.outcome in _OPEN:
            return Verdict.INCOMPLETE
    return Verdict.CONFORMANT if any(_exercised(result) for result in results.values()) else Verdict.INCOMPLETE


def _exercised(result: RequirementResult) -> bool:
    return result.outcome in {Outcome.PASS, *_BROKEN}
