"""What several runs of one case say together."""

from __future__ import annotations

import pytest

from pytest_stdiobus.kit.comparing import steady
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome

from .conftest import plain
from .histories import history


def run(*findings: Finding) -> CaseResult:
    return CaseResult(plain(), findings, history())


def told(outcome: Outcome, requirement: str = "WRK-03", why: str = "") -> Finding:
    return Finding(requirement, outcome, why, () if outcome is Outcome.PASS else (3,))


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ((Outcome.PASS, Outcome.PASS), Outcome.PASS),
        ((Outcome.FAIL, Outcome.FAIL), Outcome.FAIL),
        ((Outcome.FAIL, Outcome.PASS), Outcome.FLAKY),
        ((Outcome.PASS, Outcome.PASS, Outcome.FAIL), Outcome.FLAKY),
        ((Outcome.FAIL, Outcome.HARNESS_ERROR), Outcome.FAIL),
        ((Outcome.PASS, Outcome.HARNESS_ERROR), Outcome.HARNESS_ERROR),
        ((Outcome.PASS, Outcome.UNTESTABLE), Outcome.UNTESTABLE),
        ((Outcome.NOT_OBSERVED, Outcome.PASS), Outcome.PASS),
    ],
)
def test_the_runs_of_a_case_come_to_one_outcome(outcomes: tuple[Outcome, ...], together: Outcome) -> None:
    for order in (outcomes, outcomes[::-1]):
        assert steady([run(told(outcome)) for outcome in order]).outcome is together


def test_what_broke_in_a_later_run_only_is_told_too() -> None:
    first = run(told(Outcome.FAIL))
    later = run(told(Outcome.FAIL), told(Outcome.FAIL, "WRK-01", "noise"))
    found = {finding.requirement: finding for finding in steady([first, later]).findings}
    assert found["WRK-03"].outcome is Outcome.FAIL
    assert found["WRK-01"] == Finding("WRK-01", Outcome.FLAKY, "it failed in 1 of 2 runs: noise", (3,))


def test_only_the_history_that_is_kept_is_pointed_at() -> None:
    runs = [run(told(Outcome.FAIL, "WRK-01")), run(told(Outcome.FAIL, "WRK-03"))]
    together = steady(runs)
    assert together.history is runs[0].history
    assert {finding.requirement: finding.events for finding in together.findings} == {"WRK-01": (3,), "WRK-03": ()}


def test_what_spoilt_one_run_is_said_of_each_rule_that_another_kept() -> None:
    spoilt = run(told(Outcome.HARNESS_ERROR, why="the kit stumbled"))
    kept = run(told(Outcome.PASS), told(Outcome.PASS, "WRK-01"))
    assert {finding.explanation for finding in steady([kept, spoilt]).findings} == {"the kit stumbled"}
