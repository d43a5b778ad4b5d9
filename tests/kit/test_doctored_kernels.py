"""Rules that no program of ours can break: a history in which one thing is said to have been otherwise is not passed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import bundled_library
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import EMBEDDED, Case, bundled_cases
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.judge import bind_action, judge
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner, steps_of
from pytest_stdiobus.kit.target import KERNEL, from_library
from pytest_stdiobus.kit.walk import Walk

from .kernel_saboteurs import saboteurs

if TYPE_CHECKING:
    from pytest_stdiobus.kit.history import History

OTHERWISE = b'{"otherwise":true}'


def embedding() -> list[str]:
    """Rows about the embedding API: the kernels with a fault are programs, and have none."""
    return [name for name in catalogue() if name.startswith("KRN-EMB-")] + ["KRN-SHD-06"]


def case_of(requirement: str) -> Case:
    """The shortest case that is about a requirement first."""
    found = (case for case in bundled_cases() if case.transport == EMBEDDED and case.requirements[0] == requirement)
    return min(found, key=lambda case: len(case.steps))


def otherwise(case: Case, requirement: str, history: History) -> History:
    """A history whose first line that decides about a requirement is another."""
    walk = Walk(history, Bindings(history.head["values"]))
    markers = {event.facts["index"]: event.n for event in history.of_kind("step")}
    for index, step in enumerate(steps_of(case, "bus", 0)):
        if step.acts:
            bind_action(walk, step, index)
            continue
        reading = walk.give_up(step, markers[index])
        if step.judges == requirement and reading.events:
            changed = deepcopy(history)
            n = reading.events[0].n
            changed.events[n] = replace(changed.events[n], data=OTHERWISE)
            return changed
    message = f"no step of {case.id} decides about {requirement}"
    raise AssertionError(message)


@pytest.mark.parametrize("requirement", embedding())
def test_a_history_that_says_otherwise_fails_the_row_and_no_other(requirement: str) -> None:
    library, case = bundled_library(), case_of(requirement)
    assert library is not None
    with Runner(from_library(str(library)), Options(time_scale=4)) as runner:
        result = runner.run_case(case)
    assert result.outcome is Outcome.PASS, result.findings
    assert result.history is not None
    found = judge(case, steps_of(case, "bus", 0), otherwise(case, requirement, result.history), KERNEL)
    assert {finding.requirement for finding in found if finding.outcome is Outcome.FAIL} == {requirement}


def test_every_rule_for_kernels_is_broken_by_a_saboteur_or_in_a_doctored_history() -> None:
    broken = {saboteur.breaks for saboteur in saboteurs()} | set(embedding())
    assert {name for name, row in catalogue().items() if row.subject == KERNEL} == broken
