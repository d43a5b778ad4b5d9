"""What programs with one fault each are declared to do, and which requirements fail because of them."""

from __future__ import annotations

import atexit
import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.result import CaseResult, Finding
    from pytest_stdiobus.kit.run import Runner


@dataclass(frozen=True)
class Saboteur:
    """What a program with a fault is declared to do.

    Attributes:
        name: of the fault.
        breaks: the requirement that it is for.
        also: others that it cannot help breaking, with the reason.
        caught_by: cases that fail because of it.
        sometimes: what it breaks besides on some machines, with the reason.
    """

    name: str
    breaks: str
    also: dict[str, str] = field(hash=False)
    caught_by: tuple[str, ...] = ()
    sometimes: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def failing(self) -> set[str]:
        return {self.breaks, *self.also, *self.sometimes}

    def is_as_declared(self, found: Iterable[str]) -> bool:
        return self.breaks in set(found) <= self.failing


def declared_in(folder: Path) -> tuple[Saboteur, ...]:
    declared = json.loads((folder / "saboteurs.json").read_text(encoding="utf-8"))
    return tuple(
        Saboteur(name, data["breaks"], data["also"], tuple(data.get("caught_by", ())), data.get("sometimes", {}))
        for name, data in declared.items()
    )


def file_of(case_id: str) -> str:
    return case_id.partition("[")[0]


def one_of_each_file(names: Iterable[str]) -> list[str]:
    """The first case of each file."""
    return list({file_of(name): name for name in reversed(list(names))}.values())


class _Lasting(Supervisor):
    """Serves one run after the other: to start one takes as long as a case."""

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        """Go on."""


@cache
def supervisor() -> Supervisor:
    """The one of all runs here; it ends with this process."""
    lasting = _Lasting()
    Supervisor.__enter__(lasting)
    atexit.register(Supervisor.__exit__, lasting)
    return lasting


def about(requirement: str, names: Iterable[str], cases: Mapping[str, Case]) -> list[str]:
    """The cases that are about a requirement first."""
    return [name for name in names if cases[name].requirements[0] == requirement]


def played(runner: Runner, cases: Iterable[Case], enough: float = float("inf")) -> dict[str, CaseResult]:
    """What cases come to, until enough of them have failed."""
    results: dict[str, CaseResult] = {}
    for case in cases:
        if failures(results) >= enough:
            break
        results[case.id] = result = runner.run_case(case)
        assert result.outcome is not Outcome.HARNESS_ERROR, result.findings
    return results


def failures(results: Mapping[str, CaseResult]) -> int:
    """How many cases have failed."""
    return sum(bool(result.failures) for result in results.values())


def not_passed(results: Mapping[str, CaseResult]) -> dict[str, tuple[Finding, ...]]:
    """What is said of the cases that did not pass."""
    return {name: result.findings for name, result in results.items() if result.outcome is not Outcome.PASS}


def failing(results: Mapping[str, CaseResult]) -> dict[str, set[str]]:
    """The requirements that failed, with the cases in which they did."""
    found: dict[str, set[str]] = {}
    for name, result in results.items():
        for finding in result.failures:
            found.setdefault(finding.requirement, set()).add(name)
    return found


def sets_by_requirement(saboteurs: Iterable[Saboteur], requirements: Iterable[str]) -> dict[str, frozenset[str]]:
    """Who fails each requirement; where two of these are equal, the cases cannot tell the requirements apart."""
    known = tuple(saboteurs)
    return {name: frozenset(one.name for one in known if name in one.failing) for name in requirements}


def never_failed(saboteurs: Iterable[Saboteur], cases: Iterable[str]) -> set[str]:
    """The files of cases that catch nobody."""
    return {file_of(name) for name in cases} - {file_of(name) for one in saboteurs for name in one.caught_by}
