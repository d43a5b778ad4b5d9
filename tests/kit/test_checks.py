"""Steps that a program makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from pytest_stdiobus.kit import checks
from pytest_stdiobus.kit.case import Case
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.result import CaseResult, Outcome

from .conftest import ANSWERED, ASK

Play = Callable[..., CaseResult]


def named(check: str) -> Case:
    return Case("worker/test/made", "A case whose steps are made", ("WRK-03",), "worker", check=check)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CHECKS", {})

    @checks.check("asked_by_seed")
    def asked_by_seed(seed: int) -> Iterator[Mapping[str, Any]]:
        for _ in range(seed):
            yield ASK
            yield ANSWERED

    assert checks.find_check("asked_by_seed") is asked_by_seed


@pytest.mark.usefixtures("made")
def test_a_case_that_names_a_check_plays_the_steps_it_makes(play_case: Play) -> None:
    result = play_case("serve()", named("asked_by_seed"), seed=3)
    assert result.outcome is Outcome.PASS
    assert result.history is not None
    assert len(list(result.history.lines())) == 3


@pytest.mark.usefixtures("made")
def test_a_worker_can_fail_the_steps_that_a_check_makes(play_case: Play) -> None:
    result = play_case("sys.stdin.readline(); send({'id': 2, 'result': 1})", named("asked_by_seed"), seed=1)
    assert [(finding.requirement, finding.outcome) for finding in result.failures] == [("WRK-03", Outcome.FAIL)]


@pytest.mark.usefixtures("made")
def test_a_check_that_makes_no_steps_passes_nothing(play_case: Play) -> None:
    case = Case("worker/test/made", "A case of no steps", ("WRK-06",), "worker", check="asked_by_seed")
    assert [finding.outcome for finding in play_case("serve()", case, seed=0).findings] == [Outcome.NOT_OBSERVED]


@pytest.mark.usefixtures("made")
def test_an_unknown_check_is_told_with_those_there_are(play_case: Play) -> None:
    result = play_case("serve()", named("ask_me"))
    assert result.outcome is Outcome.HARNESS_ERROR
    assert "'ask_me' is not a check; there are asked_by_seed" in result.findings[0].explanation
    with pytest.raises(KitError):
        checks.find_check("ask_me")


@pytest.mark.usefixtures("made")
def test_two_checks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"asked_by_seed is .*asked_by_seed already, .* is a second"):
        checks.check("asked_by_seed")(lambda _: [])


def test_two_invariants_of_one_requirement_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_INVARIANTS", {})
    checks.invariant("WRK-01", subject="worker")(lambda _: [])
    with pytest.raises(ValueError, match="WRK-01 has the invariant"):
        checks.invariant("WRK-01", subject="worker")(lambda _: [])
