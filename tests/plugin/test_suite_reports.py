"""What a run with a judged worker says at its end, and writes down, on one process and on several."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from pytest_stdiobus.cli import main
from pytest_stdiobus.kit import run as running
from pytest_stdiobus.kit.case import bundled_cases
from pytest_stdiobus.report import failures

from .judged import ECHO, ONE, ZERO, case_file, worker

TEXT = ONE.replace("[one]", "[text]")
NOT_APPLICABLE = "stdiobus::worker/lifecycle/failure"
LIGHT = ["WRK-05"]  # a must that no public page shows: a failure of it is a warning


def test_the_bundled_worker_is_conformant(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--pyargs", "pytest_stdiobus.suite", f"--stdiobus-worker={ECHO}", "-n2")
    outcomes = result.parseoutcomes()
    assert outcomes.keys() <= {"passed", "skipped"}
    assert outcomes["passed"] > 200
    result.stdout.fnmatch_lines(["*stdiobus conformance*", "conformant"])


def test_several_processes_make_the_same_report_as_one(pytester: pytest.Pytester) -> None:
    judged = f"--stdiobus-worker={worker(pytester)}"
    case_file(pytester.path)
    cases = (NOT_APPLICABLE, ONE, ZERO, TEXT, "mine.stdiobus.json")
    pytester.runpytest(judged, *cases, "--stdiobus-report=one.json").assert_outcomes(failed=3, passed=1, skipped=1)
    several = pytester.runpytest_subprocess(judged, *cases, "--stdiobus-report=several.json", "-n2")
    several.assert_outcomes(failed=3, passed=1, skipped=1)
    several.stdout.fnmatch_lines(["*stdiobus conformance*", "FAIL WRK-03 *", "not conformant"])
    one, two = (_without_times(_read(pytester, f"{name}.json")) for name in ("one", "several"))
    assert one == two


def test_a_process_that_crashes_is_not_held_against_the_worker(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import os

        def pytest_runtest_setup(item):
            if "[zero]" in item.name or "mine" in item.name:
                os._exit(3)
    """)
    case_file(pytester.path)
    cases = (ONE, ZERO, TEXT, "mine.stdiobus.json")
    result = pytester.runpytest_subprocess(f"--stdiobus-worker={ECHO}", *cases, "--stdiobus-report=r.json", "-n2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = _read(pytester, "r.json")
    outcomes = {case["id"].rpartition("/")[2]: case["outcome"] for case in report["cases"]}
    spoilt = {"id-comes-back[zero]": "harness_error", "plain": "harness_error"}
    assert outcomes == {"id-comes-back[one]": "pass", "id-comes-back[text]": "pass", **spoilt}
    assert {failure["case"].rpartition("/")[2] for failure in report["failures"]} == spoilt.keys()
    assert all("crashed while running" in failure["explanation"] for failure in report["failures"])


def test_a_case_that_vanishes_with_its_file_leaves_the_run_incomplete(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import os

        def pytest_runtest_setup(item):
            os.remove(item.path)
            raise RuntimeError
    """)
    case_file(pytester.path)
    pytester.runpytest(f"--stdiobus-worker={ECHO}", "mine.stdiobus.json", "--stdiobus-report=r.json")
    verdict = _read(pytester, "r.json")["verdict"]
    assert (verdict["reasons"][0], verdict["exit"]) == ("nothing is known of worker/mine/plain", 3)


def test_a_case_of_a_hook_that_never_comes_to_be_played_is_missed(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        def pytest_stdiobus_cases(config):
            return ["mine.json"]

        def pytest_runtest_setup(item):
            raise RuntimeError
    """)
    case_file(pytester.path).rename(pytester.path / "mine.json")
    flags = f"--stdiobus-worker={ECHO}", "stdiobus::worker/mine/plain", "--stdiobus-report=r.json"
    pytester.runpytest(*flags)
    assert [row["id"] for row in _read(pytester, "r.json")["requirements"]] == ["WRK-03"]


@pytest.mark.parametrize("place", ["command", "ini"])
def test_every_kind_of_report_is_written(pytester: pytest.Pytester, place: str) -> None:
    names = ["r.json", "r.md", "r.html", "r.xml"]
    flags = [f"--stdiobus-report={name}" for name in names] * (place == "command")
    if place == "ini":
        lines = "".join(f"\n    {name}" for name in names)
        pytester.makefile(
            ".ini", pytest=f"[pytest]\nasyncio_default_fixture_loop_scope = function\nstdiobus_report ={lines}"
        )
    pytester.runpytest(f"--stdiobus-worker={ECHO}", ONE, *flags).assert_outcomes(passed=1)
    assert [name for name in names if "echo.py" not in (pytester.path / name).read_text(encoding="utf-8")] == []


def test_a_verdict_is_told_also_where_nothing_can_be_written(pytester: pytest.Pytester) -> None:
    pytester.mkdir("r.json")
    kept = pytester.path / failures.FOLDER
    (kept / failures.TARGET).mkdir(parents=True)
    (kept / failures.MARKER).touch()
    flags = "--stdiobus-report=r.json", "--stdiobus-report=r.md"
    result = pytester.runpytest(f"--stdiobus-worker={worker(pytester)}", ONE, *flags)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["not conformant", "*r.json: cannot be written: Is a directory", "failures cannot be kept in *: Is a directory"]
    )
    assert (pytester.path / "r.md").is_file()


def test_a_run_whose_report_cannot_be_written_fails(pytester: pytest.Pytester) -> None:
    pytester.mkdir("r.json")
    result = pytester.runpytest(f"--stdiobus-worker={ECHO}", ONE, "--stdiobus-report=r.json")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_junit_files_of_pytest_carry_the_ids_of_case_and_requirements(pytester: pytest.Pytester) -> None:
    pytester.runpytest(f"--stdiobus-worker={ECHO}", ONE, "--junitxml=junit.xml")
    (case,) = ET.parse(pytester.path / "junit.xml").iter("testcase")  # noqa: S314 - written by this test
    properties = {found.get("name"): found.get("value") for found in case.iter("property")}
    assert properties == {"stdiobus_case": ONE.partition("::")[2], "stdiobus_requirements": "WRK-03"}


def test_what_only_warns_passes_and_is_told(pytester: pytest.Pytester) -> None:
    case_file(pytester.path, requirements=LIGHT)
    result = pytester.runpytest(f"--stdiobus-worker={ECHO}", "-v", "mine.stdiobus.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*mine.stdiobus.json::worker/mine/plain WARNING*"])
    result.stdout.fnmatch_lines(["warn WRK-05 (*): *", "     in worker/mine/plain: *", "partial"])


def test_what_only_warns_fails_when_strict(pytester: pytest.Pytester) -> None:
    file = case_file(pytester.path, requirements=LIGHT)
    result = pytester.runpytest(f"--stdiobus-worker={ECHO}", "--stdiobus-strict", file.name)
    result.assert_outcomes(failed=1)


def test_a_run_that_is_stopped_says_how_much_is_missing(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(f"--stdiobus-worker={worker(pytester)}", "-x", ONE, ZERO, TEXT)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not conformant", "     stopped after 1 of 3 cases"])


def test_what_the_user_skips_is_said_to_be_skipped(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if "[zero]" in item.name:
                    item.add_marker(pytest.mark.skip(reason="not today"))
    """)
    pytester.runpytest(f"--stdiobus-worker={ECHO}", ONE, ZERO, "--stdiobus-report=r.json").assert_outcomes(
        passed=1, skipped=1
    )
    (row,) = _read(pytester, "r.json")["requirements"]
    found = {
        finding["case"].partition("[")[2]: (finding["outcome"], finding["explanation"]) for finding in row["findings"]
    }
    assert found == {"one]": ("pass", ""), "zero]": ("skipped", "not today")}


def test_a_known_failure_is_expected(pytester: pytest.Pytester) -> None:
    _know(pytester, {"requirement": "WRK-03", "reason": "the agent is old", "ticket": "T-1"})
    result = pytester.runpytest(
        f"--stdiobus-worker={worker(pytester)}", "--stdiobus-known-failures=known.json", "-rx", ONE, TEXT
    )
    result.assert_outcomes(xfailed=1, passed=1)
    result.stdout.fnmatch_lines(["XFAIL stdiobus::*the agent is old*"])
    assert result.ret == pytest.ExitCode.OK


def test_a_known_failure_that_nothing_needs_fails_a_complete_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {name.partition("::")[2] for name in (ONE, TEXT)}
    few = [case for case in bundled_cases() if case.id in names]
    monkeypatch.setattr(running, "bundled_cases", lambda: few)
    _know(pytester, {"case": "worker/requests/id-comes-back", "reason": "the agent was old"})
    flags = [f"--stdiobus-worker={ECHO}", "--stdiobus-known-failures=known.json"]
    result = pytester.runpytest(*flags)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*stale known failure: worker/requests/id-comes-back: the agent was old"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    partial = pytester.runpytest(*flags, "-k", "one")
    partial.stdout.no_fnmatch_line("*stale*")
    assert partial.ret == pytest.ExitCode.OK


def test_a_known_failure_that_has_expired_excuses_nothing(pytester: pytest.Pytester) -> None:
    _know(pytester, {"requirement": "WRK-03", "reason": "the agent is old", "expires": "2020-01-31"})
    result = pytester.runpytest(f"--stdiobus-worker={worker(pytester)}", "--stdiobus-known-failures=known.json", ONE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*expired known failure: WRK-03: the agent is old (until 2020-01-31)"])


def test_a_failure_is_kept_for_the_command_that_repeats_it(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.runpytest(f"--stdiobus-worker={worker(pytester)}", ONE)
    assert main(["replay", "WRK-03/id-comes-back[one]"]) == 1
    assert "FAIL WRK-03 (" in capsys.readouterr().out


def _know(pytester: pytest.Pytester, *entries: dict[str, str]) -> None:
    (pytester.path / "known.json").write_text(json.dumps({"known_failures": entries}), encoding="utf-8")


def _read(pytester: pytest.Pytester, name: str) -> Any:
    return json.loads((pytester.path / name).read_text(encoding="utf-8"))


def _without_times(value: Any) -> Any:
    """A report without what differs from run to run: times, and how the ends of a worker follow each other."""
    if isinstance(value, dict):
        differing = {"date", "duration_ms", "transcript", "cut"}
        return {key: _without_times(item) for key, item in value.items() if key not in differing}
    return [_without_times(item) for item in value] if isinstance(value, list) else value
