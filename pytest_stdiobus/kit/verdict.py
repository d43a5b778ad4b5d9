"""From outcomes to a verdict: what counts, for whom, and what the process's status says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.catalogue import Requirement, catalogue
from pytest_stdiobus.kit.result import BROKEN, DECIDED, UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pytest_stdiobus.kit.result import RequirementResult


class Effect(str, Enum):
    """How much a failed requirement weighs."""

    FAILURE = "failure"
    WARNING = "warning"
    INFORMATION = "information"


class Verdict(str, Enum):
    """What a run says of its target."""

    CONFORMANT = "conformant"
    EXCEPT_KNOWN = "conformant except for known failures"
    NOT_CONFORMANT = "not conformant"
    INCOMPLETE = "incomplete"
    PARTIAL = "partial"


EXIT = {
    Verdict.CONFORMANT: 0,
    Verdict.EXCEPT_KNOWN: 0,
    Verdict.PARTIAL: 0,
    Verdict.NOT_CONFORMANT: 1,
    Verdict.INCOMPLETE: 3,
}


@dataclass(frozen=True)
class Rules:
    """How strictly a target is judged.

    Attributes:
        strict: whether the rows that weigh less fail it too.
        reference: whether it is our own, for which every failure is one.
        profile: of the worker: under ``acp`` and ``mcp`` the rows of the bus inform, because the protocol knows no such rule.
        partial: whether only a selection was run.
    """

    strict: bool = False
    reference: bool = False
    partial: bool = False
    profile: str = "bus"


def effect(requirement: Requirement, rules: Rules) -> Effect:
    """What a failure of this requirement means."""
    if rules.reference:
        return Effect.FAILURE
    if requirement.level == "Y" or _is_foreign(requirement, rules):
        return Effect.INFORMATION
    if requirement.level == "M":
        return Effect.FAILURE if requirement.public or rules.strict else Effect.WARNING
    return Effect.FAILURE if requirement.public and rules.strict else Effect.WARNING


def verdict(results: Mapping[str, RequirementResult], rules: Rules, known: Collection[str] = ()) -> Verdict:
    """What all outcomes together say.

    Args:
        results: what became of each requirement.
        rules: how strictly the target is judged.
        known: the requirements whose every failure is a known one.
    """
    failing = [name for name in results if _fails(name, results[name], rules)]
    if set(failing) - set(known):
        return Verdict.NOT_CONFORMANT
    if rules.partial:
        return Verdict.PARTIAL
    if any(_is_open(name, result, rules) for name, result in results.items()):
        return Verdict.INCOMPLETE
    if failing:
        return Verdict.EXCEPT_KNOWN
    return Verdict.CONFORMANT if any(result.outcome in DECIDED for result in results.values()) else Verdict.INCOMPLETE


def reasons(results: Mapping[str, RequirementResult], rules: Rules, known: Collection[str] = ()) -> list[str]:
    """Why the verdict is what it is, a sentence for each kind of reason."""
    broken = [name for name, result in results.items() if result.outcome in BROKEN and name not in known]
    weights = {name: effect(catalogue()[name], rules) for name in broken}
    failing = [name for name in broken if weights[name] is Effect.FAILURE]
    public = [name for name in failing if catalogue()[name].public]
    lists = (
        ("contradicts a public rule", public),
        ("differs from a choice of this kit", [name for name in failing if name not in public]),
        ("warning", [name for name in broken if weights[name] is Effect.WARNING]),
        ("information", [name for name in broken if weights[name] is Effect.INFORMATION]),
        ("known failure", sorted(known)),
        ("public must that was not decided", [name for name in results if _is_open(name, results[name], rules)]),
    )
    return [f"{what}: {', '.join(names)}" for what, names in lists if names]


def _fails(name: str, result: RequirementResult, rules: Rules) -> bool:
    return result.outcome in BROKEN and effect(catalogue()[name], rules) is Effect.FAILURE


def _is_open(name: str, result: RequirementResult, rules: Rules) -> bool:
    """Whether a public must was not decided, so that nothing can be promised."""
    row = catalogue()[name]
    return row.level == "M" and row.public and result.outcome in UNDECIDED and not _is_foreign(row, rules)


def _is_foreign(requirement: Requirement, rules: Rules) -> bool:
    """Whether a rule is the bus's, and the worker one of another protocol."""
    return rules.profile != "bus" and rules.profile not in requirement.profiles
