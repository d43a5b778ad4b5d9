"""A kernel with a fault is found out by cases made at random, and what is left of the case that does is short."""

from __future__ import annotations

from pathlib import Path

from pytest_stdiobus.kit.case import UNIX
from pytest_stdiobus.kit.explore.search import Search
from pytest_stdiobus.kit.lint import lint
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner

from .generated_saboteurs import first_failure
from .kernel_saboteurs import target

MOST_STEPS = 8


def test_a_fault_is_found_and_left_in_a_short_case_file_that_fails_again(tmp_path: Path) -> None:
    kernel = target("--break", "broadcasts_responses")
    with Runner(kernel, Options(examples=5)) as runner:
        *found, _ = Search(runner, UNIX, tmp_path).run()
    case = next(result.case for result in found if result.case.requirements[0] == "KRN-COR-01")
    assert {finding.outcome for result in found for finding in result.failures} == {Outcome.FAIL}
    assert len(case.steps) <= MOST_STEPS
    assert lint([Path(case.file)]) == []
    with Runner(kernel, Options(cases=[case])) as runner:
        again = runner.run_case(case)
    assert "KRN-COR-01" in [finding.requirement for finding in again.failures]


def test_a_worker_that_may_speak_for_a_session_of_another_is_found_out() -> None:
    assert first_failure("anyone_may_speak", seed=4, count=6).endswith("KRN-RTE-08")
