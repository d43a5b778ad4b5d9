"""Cases and checks of the user's own, beside those of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .judged import ANSWERED, ASK, ECHO, ONE, case_file

if TYPE_CHECKING:
    from pathlib import Path

JUDGED = f"--stdiobus-worker={ECHO}"
ECHOED = {"client": "kit", "next": {"jsonrpc": "2.0", "id": 1, "result": {"echo": None}}}


@pytest.fixture
def folder(pytester: pytest.Pytester) -> Path:
    return pytester.mkdir("checks")


def test_a_file_in_a_folder_of_tests_is_collected(pytester: pytest.Pytester, folder: Path) -> None:
    case_file(folder, ASK, ECHOED)
    result = pytester.runpytest(JUDGED, "-v", "checks", "-k", "mine")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["checks/mine.stdiobus.json::worker/mine/plain PASSED*"])


def test_a_file_that_is_named_runs_alone(pytester: pytest.Pytester, folder: Path) -> None:
    case_file(folder, ASK, ANSWERED)
    result = pytester.runpytest(JUDGED, "checks/mine.stdiobus.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["FAIL WRK-03 *", "     in worker/mine/plain: *", "*replay WRK-03/plain"])


def test_each_vector_is_an_item_that_can_be_named(pytester: pytest.Pytester, folder: Path) -> None:
    ask = {**ASK, "send": {**ASK["send"], "params": {"$from": "row/params"}}}
    echoed = {**ECHOED, "next": {"jsonrpc": "2.0", "id": 1, "result": {"echo": {"$from": "row/params"}}}}
    rows = [{"name": "short", "params": ["x"]}, {"name": "long", "params": ["x" * 99]}]
    case_file(folder, ask, echoed, vectors=rows)
    pytester.runpytest(JUDGED, "checks/mine.stdiobus.json").assert_outcomes(passed=2)
    pytester.runpytest(JUDGED, "checks/mine.stdiobus.json::worker/mine/plain[long]").assert_outcomes(passed=1)


def test_without_a_worker_to_judge_it_is_left_alone(pytester: pytest.Pytester, folder: Path) -> None:
    case_file(folder)
    assert pytester.runpytest("checks").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_case_of_another_profile_is_left_out(pytester: pytest.Pytester, folder: Path) -> None:
    case_file(folder, ASK, ECHOED, profiles=["acp"])
    pytester.runpytest(JUDGED, "checks/mine.stdiobus.json", ONE).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"steps": [{"client": "kit", "sned": {}}]}, "*mine.stdiobus.json: $.steps[[]0]*"),
        ({"requirements": ["WRK-99"]}, "*mine.stdiobus.json: $.requirements*WRK-99*"),
        ({"id": "worker/lifecycle/failure"}, "*mine.stdiobus.json: $.id: *is also the id of a packaged case"),
    ],
    ids=["a word that is no verb", "an unknown requirement", "an id that is taken"],
)
def test_a_file_that_is_not_valid_ends_the_run_before_it_begins(
    pytester: pytest.Pytester, folder: Path, more: dict[str, Any], message: str
) -> None:
    case_file(folder, ASK, ECHOED, **more)
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest(JUDGED)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_hooks_add_cases_and_the_checks_that_they_name(pytester: pytest.Pytester, folder: Path) -> None:
    case_file(folder, name="made", check="three_times").rename(folder / "made.json")
    pytester.makeconftest("""
        def three_times(seed):
            for number in (1, 2, 3):
                yield {"client": "kit", "send": {"jsonrpc": "2.0", "id": number, "method": "m"}}
                yield {"client": "kit", "next": {"jsonrpc": "2.0", "id": number, "result": {"echo": None}}}

        def pytest_stdiobus_checks():
            return {"three_times": three_times}

        def pytest_stdiobus_cases():
            return ["checks/made.json"]
    """)
    result = pytester.runpytest_subprocess(JUDGED, "-v", "stdiobus::worker/made/plain")
    result.assert_outcomes(passed=1)


def test_a_hook_that_names_no_file_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("def pytest_stdiobus_cases(): return ['gone.json']")
    result = pytester.runpytest(JUDGED, ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*gone.json*cannot be read*"])
