"""What the tests of the report share: results without a run, and the report of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.case import Case
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.target import Target
from pytest_stdiobus.kit.verdict import Rules
from pytest_stdiobus.report.build import build
from pytest_stdiobus.report.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.report.model import Report

DATE = dt.datetime(2026, 1, 5, 12, tzinfo=dt.timezone.utc)
ASKED = b'{"jsonrpc":"2.0","id":1,"method":"m"}'


def a_history(answer: bytes = b'{"jsonrpc":"2.0","id":"1","result":{}}', stderr: bytes = b"") -> History:
    """One request, one line in answer."""
    ticks = iter(range(0, 10**12, 1_500_000))
    history = History({"target": "agent", "case": "worker/test/one"}, clock=lambda: next(ticks))
    history.add("client:kit", "line", dir="in", data=ASKED, step=0)
    if stderr:
        history.add("target", "stderr", data=stderr)
    history.add("client:kit", "line", dir="out", data=answer)
    history.add("kit", "step", index=1)
    history.add("target", "exit", code=0)
    return history


def a_result(
    outcome: Outcome = Outcome.FAIL,
    requirement: str = "WRK-03",
    case: str = "worker/test/one",
    explanation: str = "the id is a text",
    history: History | None = None,
) -> CaseResult:
    """What a case says about one requirement."""
    played = Case(case, "The id comes back", (requirement,), "worker")
    told = "" if outcome is Outcome.PASS else explanation
    return CaseResult(played, (Finding(requirement, outcome, told, (1,)),), history or a_history(), duration_ms=7)


@pytest.fixture
def report() -> Callable[..., Report]:
    """``report(*results, target=, rules=, ...)``: the report of results that were not run."""

    def make(*results: CaseResult, **how: Any) -> Report:
        target = how.pop("target", Target("agent", ("agent",)))
        rules = how.pop("rules", Rules(partial=True))
        return build(results, Run(target, rules=rules, date=DATE, **how))

    return make


@pytest.fixture
def rewrite(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``rewrite(id, level=..., ...)``: change a requirement for one test."""

    def change(requirement: str, **members: Any) -> None:
        monkeypatch.setitem(catalogue(), requirement, replace(catalogue()[requirement], **members))

    return change
