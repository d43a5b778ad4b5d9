"""How a case is looked for that a kernel fails: what each comes to is decided by a function here, and nothing is started."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.case import STDIO, UNIX, read_cases
from pytest_stdiobus.kit.explore.moves import Ask, HalfClose, Plan, Take
from pytest_stdiobus.kit.explore.search import Search, case_of
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import KERNEL, Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.kit.case import Case

    Fails = Callable[[Case], set[str]]

ALWAYS, SOMETIMES = "KRN-TRN-01", "KRN-NET-04"
MOST_STEPS = 6


def nothing(_: Case) -> set[str]:
    return set()


def half_closing(case: Case) -> set[str]:
    return {SOMETIMES} if any(step.verb == "half_close" for step in case.steps) else set()


@dataclass
class Decided(Search):
    """A search among cases that fail what a function says, at an event if it shows anywhere."""

    fails: Fails = nothing
    shown_at: tuple[int, ...] = (0,)

    def _play(self, case: Case, scale: float = 1.0) -> CaseResult:  # noqa: ARG002 - nobody waits here
        names = sorted(self.fails(case))
        found = [Finding(name, Outcome.FAIL, "it was decided", self.shown_at) for name in names]
        return CaseResult(case, (*found, Finding("KRN-COR-01", Outcome.PASS)))


def search(fails: Fails, folder: Path) -> Decided:
    runner = Runner(Target("decided", ("decided",), subject=KERNEL), Options(examples=30))
    return Decided(runner, UNIX, folder, fails=fails)


def results(searching: Search) -> list[CaseResult]:
    """What a search yields, without the summary at its end."""
    *found, summary = searching.run()
    assert summary.case.title.startswith("30 cases ")
    return found


def failed(result: CaseResult) -> dict[str, Outcome]:
    return {finding.requirement: finding.outcome for finding in result.failures}


def test_what_every_case_fails_is_told_once_and_what_else_one_fails_is_found_behind_it(tmp_path: Path) -> None:
    first, second = results(search(lambda case: {ALWAYS, *half_closing(case)}, tmp_path))
    assert failed(first) == {ALWAYS: Outcome.FAIL}
    assert failed(second) == {ALWAYS: Outcome.FAIL, SOMETIMES: Outcome.FAIL}
    assert second.case.requirements[0] == SOMETIMES
    (case,) = read_cases(tmp_path / "krn-net-04-unix.json")
    assert half_closing(case)
    assert len(case.steps) < MOST_STEPS


def test_a_case_that_failed_once_and_not_again_is_flaky_with_its_first_history_and_is_kept(tmp_path: Path) -> None:
    once = [{SOMETIMES}]
    searching = search(lambda case: once.pop() if once and half_closing(case) else set(), tmp_path)
    (found,) = results(searching)
    assert failed(found) == {SOMETIMES: Outcome.FLAKY}
    assert found.failures[0].explanation == "it failed once, and not again: it was decided"
    (case,) = read_cases(tmp_path / "krn-net-04-unix.json")
    assert half_closing(case)


def test_a_failure_that_no_event_shows_is_made_small_too(tmp_path: Path) -> None:
    (found,) = results(replace(search(half_closing, tmp_path), shown_at=()))
    assert half_closing(found.case)
    assert len(found.case.steps) < MOST_STEPS


def test_what_a_kernel_does_not_offer_is_in_no_case_and_held_against_nobody(tmp_path: Path) -> None:
    played: list[Any] = []

    def strict(case: Case) -> set[str]:
        played.append(case.config)
        return {"KRN-RTE-13"} if any("envelope" in pool for pool in case.config["pools"]) else set()

    assert results(search(strict, tmp_path)) == []
    assert len([config for config in played if any("envelope" in pool for pool in config["pools"])]) == 1
    assert len({config["limits"]["max_input_buffer"] for config in played}) > 1


def test_a_kernel_has_time_to_drain_where_its_only_client_ends_the_input_before_everything_is_answered() -> None:
    ended = Plan([{"id": "w", "worker": "scripted", "instances": 1}], (Ask(), Take(), HalfClose()))
    limits = {transport: case_of(ended, transport, 0).config["limits"] for transport in (STDIO, UNIX)}
    assert limits[STDIO]["drain_timeout_sec"] == 10
    assert "drain_timeout_sec" not in limits[UNIX]


def test_the_file_of_a_failure_can_be_played_alone(tmp_path: Path) -> None:
    results(search(half_closing, tmp_path))
    cases = list(read_cases(tmp_path / "krn-net-04-unix.json"))
    options = Options(cases=cases, select="generated/krn-net-04", examples=25)
    runner = Runner(Target("decided", ("decided",), subject=KERNEL), options)
    assert runner.cases == cases
    assert runner.explored == ()
