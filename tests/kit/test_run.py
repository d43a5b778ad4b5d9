"""Which cases are played against a target, and what is said of those that are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.catalogue import Profile
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target

from .conftest import ANSWERED, ASK, case, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.case import Case

    Play = Callable[..., CaseResult]

NONE = Target("none", ("/nonexistent/program",))


def unplayed(played: Case, target: Target = NONE, **options: Any) -> CaseResult:
    with Runner(target, Options(**options)) as runner:
        result = runner.run_case(played)
    assert result.history is None
    return result


@pytest.mark.parametrize("names", [("WRK-04", "WRK-03"), ("WRK-03", "WRK-04")])
def test_a_case_with_a_rule_that_the_target_does_not_declare_is_not_applicable(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    undemanding = Profile("any", "A profile that asks for nothing", frozenset(), {}, ())
    monkeypatch.setattr("pytest_stdiobus.kit.run.profile", lambda _: undemanding)
    result = unplayed(case(ASK, ANSWERED, requirements=names))
    assert {finding.outcome for finding in result.findings} == {Outcome.NOT_APPLICABLE}
    assert "the capability bus-native is not declared" in result.findings[0].explanation


@pytest.mark.parametrize(
    "steps",
    [
        ({"client": "kit", "send": {"id": 1, "$from": "probe/slow"}}, ANSWERED),
        (ASK, {"client": "kit", "next": {"result": {"$from": "probe/slow/params"}}}),
        (ASK, {"client": "kit", "until": {"id": 1}, "before": {"const": {"$from": "probe/slow"}}}),
    ],
)
def test_a_probe_that_is_missing_is_named_wherever_it_is_used(steps: Any) -> None:
    result = unplayed(case(*steps))
    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "probes.slow" in result.findings[0].explanation


def test_a_probe_that_a_vector_uses_is_missing_too() -> None:
    assert unplayed(replace(plain(), row={"call": {"$from": "probe/slow"}})).outcome is Outcome.NOT_APPLICABLE


def test_what_a_target_declares_is_kept_with_its_history(play_case: Play) -> None:
    result = play_case("serve()")
    assert result.history is not None
    assert result.history.head["capabilities"] == ["bus-native"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"repeat": 0}, "repeat: expected how often, at least 1, got 0"),
        ({"time_scale": 0.0}, "time_scale: expected a factor above 0, got 0"),
        ({"time_scale": float("nan")}, "time_scale: expected a factor above 0, got nan"),
        ({"envelope": "keep"}, "envelope: expected one of forward, strip, got 'keep'"),
        ({"through": "/nonexistent/kernel"}, "through: expected the executable of a kernel, got /nonexistent/kernel"),
    ],
)
def test_an_option_that_nothing_can_be_run_with_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(KitError) as refused:
        Options(**options)
    assert str(refused.value) == told
