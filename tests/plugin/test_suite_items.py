"""The cases of a judged worker are items of the run."""

from __future__ import annotations

import pytest

from pytest_stdiobus.kit import run as running

from .judged import ASK, ECHO, ONE, QUICK, ZERO, case_file, worker

JUDGED = f"--stdiobus-worker={ECHO}"


def test_cases_are_added_to_the_tests_of_the_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_id_comes_back_one(): pass")
    result = pytester.runpytest(JUDGED, "-v", "-k", "id-comes-back[one] or test_id")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["stdiobus: judging echo.py | profile bus", "*test_id_comes_back_one PASSED*", f"{_literal(ONE)} PASSED*"]
    )


def test_without_a_worker_there_are_none(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest("--collect-only", "-q")
    result.stdout.no_fnmatch_line("*stdiobus::*")


def test_the_name_of_the_package_selects_them_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest("--pyargs", "pytest_stdiobus.suite", JUDGED, "-k", "test_it or id-comes-back[one]")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["stdiobus .*"])


def test_the_name_of_the_package_without_a_worker_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--pyargs", "pytest_stdiobus.suite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*name one target to judge: --stdiobus-worker='python my_agent.py' or*"])


@pytest.mark.parametrize(
    ("arguments", "passed", "deselected"),
    [
        ((ONE,), 1, 0),
        ((ONE, ZERO), 2, 0),
        (("-k", "id-comes-back[zero]", "stdiobus::worker/requests"), 1, None),
        (("-k", "id-comes-back[one] and WRK-03"), 1, None),
        (("-m", "stdiobus_conformance", ONE), 1, 0),
        (("-m", "not stdiobus_conformance", ONE), 0, 1),
        (("--deselect", ONE, ONE, ZERO), 1, 1),
    ],
    ids=str,
)
def test_they_are_selected_as_tests_are(
    pytester: pytest.Pytester, arguments: tuple[str, ...], passed: int, deselected: int | None
) -> None:
    result = pytester.runpytest(JUDGED, *arguments)
    result.assert_outcomes(passed=passed, deselected=deselected)


def test_the_id_of_a_case_with_vectors_and_of_a_folder_means_all_in_it(pytester: pytest.Pytester) -> None:
    collected = pytester.runpytest("--collect-only", "-q", JUDGED, "stdiobus::worker/requests/id-comes-back").outlines
    names = [line for line in collected if line.startswith("stdiobus::")]
    assert {ONE, ZERO} < set(names)
    assert all(name.startswith("stdiobus::worker/requests/id-comes-back[") for name in names)
    folder = pytester.runpytest("--collect-only", "-q", JUDGED, "stdiobus::worker/requests").outlines
    assert set(names) < {line for line in folder if line.startswith("stdiobus::worker/requests/")}


def test_the_id_of_a_test_selects_that_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine="def test_it(): pass")
    result = pytester.runpytest(JUDGED, "test_mine.py::test_it")
    result.assert_outcomes(passed=1, deselected=0)
    result.stdout.fnmatch_lines(["no case was selected: nothing is said about the target"])


def test_an_id_that_does_not_exist_is_refused(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(JUDGED, "stdiobus::worker/no-such-case")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*not found: stdiobus::worker/no-such-case; --collect-only shows*"])


def test_those_that_failed_are_run_again(pytester: pytest.Pytester) -> None:
    judged = f"--stdiobus-worker={worker(pytester)}"
    pytester.runpytest(judged, "-k", f"({QUICK}) or id-comes-back[text]").assert_outcomes(failed=3, passed=1)
    pytester.runpytest(judged, "--lf").assert_outcomes(failed=3)


def test_a_failure_shows_rule_evidence_and_remedy(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(f"--stdiobus-worker={worker(pytester)}", ONE)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "FAIL WRK-03 (JSON-RPC 2.0*): Every request gets one response with the same id, type and value*",
            "     https://www.jsonrpc.org/specification",
            '     in worker/requests/id-comes-back[[]one]: *expected 1, got "1"*',
            '*+0.* kit -> worker  *"id":1}',
            '*> +0.* worker -> kit  *"id": "1"*',
            "     stderr: starting up",
            "     try: Copy the id as it came*",
            "*again: stdiobus-conformance replay 'WRK-03/id-comes-back[[]one]'",
            "*stdiobus conformance*",
            "FAIL WRK-03 (JSON-RPC 2.0*",
            "     in: worker/requests/id-comes-back[[]one]",
            "not conformant",
        ]
    )


def test_what_the_kit_cannot_do_is_an_error_and_no_failure(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "judge", None)
    result = pytester.runpytest(JUDGED, ONE)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at setup of worker/requests/id-comes-back*", "*a mistake of the kit: TypeError: *"]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_what_does_not_apply_is_skipped_with_the_reason(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest(JUDGED, "-rs", "stdiobus::worker/lifecycle/failure", ONE)
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["SKIPPED [[]1] stdiobus: not_applicable: it needs a call to make: give the target a file with probes.crash"]
    )


def test_a_run_in_which_nothing_was_exercised_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest(JUDGED, "stdiobus::worker/lifecycle/failure", ".")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["nothing was exercised, so that the run fails"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_run_that_observed_nothing_of_what_it_asked_for_fails(pytester: pytest.Pytester) -> None:
    unmet = {"assume": {"that": "answer", "is": {"required": ["error"]}}}
    answered = {"client": "kit", "next": {"id": 1, "result": {"echo": None}}}
    case_file(pytester.path, ASK, {**answered, "as": "answer"}, unmet, ASK, answered)
    result = pytester.runpytest(JUDGED, "mine.stdiobus.json", "-rs")
    result.stdout.fnmatch_lines(["nothing was exercised, so that the run fails", "SKIPPED*not_observed: *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def _literal(name: str) -> str:
    """A node id as a pattern that matches only it."""
    return name.replace("[", "[[]")


def test_a_worker_that_does_not_start_ends_the_run(pytester: pytest.Pytester) -> None:
    script = pytester.makepyfile(dead="raise SystemExit('no model here')")
    result = pytester.runpytest("--pyargs", "pytest_stdiobus.suite", f"--stdiobus-worker=python {script}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*dead.py does not start: it exits with 1*", "*no model here*"])
