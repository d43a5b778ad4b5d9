"""What can be seen while a run goes on."""

from __future__ import annotations

import io

import pytest

from pytest_stdiobus.commands.progress import Progress
from pytest_stdiobus.kit.case import Case
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.report.masking import Mask


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def result(outcome: Outcome, case: str = "worker/framing/a", explanation: str = "why") -> CaseResult:
    return CaseResult(Case(case, "A case", ("WRK-01",), "worker"), (Finding("WRK-01", outcome, explanation),))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as one number that a test may change."""
    now = [0.0]
    monkeypatch.setattr("pytest_stdiobus.commands.progress.time.monotonic", lambda: now[0])
    return now


def test_a_terminal_shows_the_counts_in_one_line_that_is_gone_in_the_end(clock: list[float]) -> None:
    screen = Screen()
    shown = Progress(screen, Mask({}), total=3)
    shown.add(result(Outcome.PASS))
    shown.add(result(Outcome.FAIL))
    shown.end()
    *_, last, end = screen.getvalue().split("\r\x1b[K")
    assert last == "2/3   framing 1/2"
    assert end == ""


def test_elsewhere_a_line_comes_after_a_second_and_then_more_and_more_rarely(clock: list[float]) -> None:
    out = io.StringIO()
    shown = Progress(out, Mask({}), total=100)
    for second in range(1, 11):
        clock[0] = float(second)
        shown.add(result(Outcome.PASS))
    shown.end()
    assert [line.split("/")[0] for line in out.getvalue().splitlines()] == ["1", "3", "7"]


@pytest.mark.parametrize("stream", [io.StringIO, Screen])
def test_the_first_failure_of_a_requirement_is_told_at_once(clock: list[float], stream: type[io.StringIO]) -> None:
    out = stream()
    shown = Progress(out, Mask({"A_TOKEN": "s3cr3t-value"}), total=2)
    shown.add(result(Outcome.FAIL, explanation="it said \x1b s3cr3t-value"))
    shown.add(result(Outcome.FAIL, case="worker/framing/b"))
    assert out.getvalue().count("fail WRK-01") == 1
    assert "fail WRK-01 in worker/framing/a: it said \\x1b [A_TOKEN]\n" in out.getvalue()


def test_what_was_not_played_is_not_counted(clock: list[float]) -> None:
    screen = Screen()
    Progress(screen, Mask({}), total=1).add(result(Outcome.NOT_APPLICABLE))
    assert screen.getvalue().endswith("1/1   ")


def test_cases_made_at_random_are_counted_apart_from_those_of_the_report(clock: list[float]) -> None:
    screen = Screen()
    shown = Progress(screen, Mask({}), total=2, examples=25)
    shown.add(result(Outcome.PASS))
    shown.tried(result(Outcome.PASS, "kernel/generated/x"))
    assert screen.getvalue().endswith("1/2   framing 1/1   made at random 1/25")
    for case in ("x", "all[stdio]"):
        shown.add(result(Outcome.PASS, f"kernel/generated/{case}"))
    assert screen.getvalue().endswith("3/3   framing 1/1   generated 2/2   made at random 1/25")
