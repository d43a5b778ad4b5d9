"""The part of the pytest face that only the main process has: it takes in the results and says what they come to."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit.case import Case, bundled_cases, read_cases
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.report import failures
from pytest_stdiobus.report.build import build
from pytest_stdiobus.report.faces import write
from pytest_stdiobus.report.results import from_json
from pytest_stdiobus.report.terminal import Terminal
from pytest_stdiobus.suite.items import NODE, SUFFIX
from pytest_stdiobus.suite.outcomes import light
from pytest_stdiobus.suite.playing import PART, sent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_stdiobus.report.model import Report
    from pytest_stdiobus.suite.settings import Settings

TITLE = "stdiobus conformance"
_GREEN = frozenset({pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED})


class Reporting:
    """Takes in results and makes the report."""

    def __init__(self, settings: Settings, root: Path) -> None:
        """Begin with none; the ids of items begin with files below `root`."""
        self._settings = settings
        self._root = root
        self._expected: set[str] = set()
        self._results: dict[str, CaseResult] = {}
        self._offered = 0
        self._report: Report | None = None
        self._unwritten: list[str] = []

    def pytest_report_header(self) -> str:
        """Say what is judged."""
        run = self._settings.run
        return f"stdiobus: judging {run.target.name} | profile {run.options.profile}"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which cases are to be played."""
        self._expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note it under pytest-xdist, whose main process collects nothing."""
        self._expect(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what came with a report, or note that nothing did."""
        if (found := sent(report)) is not None:
            self._results[report.nodeid] = from_json(found["result"])
            self._offered = max(self._offered, found["offered"])
        elif report.nodeid in self._expected and report.nodeid not in self._results and not report.passed:
            outcome = Outcome.SKIPPED if report.skipped else Outcome.HARNESS_ERROR
            self._results[report.nodeid] = self._without_a_result(report.nodeid, outcome, _reason(report))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Mark a case that passed with a warning."""
        result = self._results.get(report.nodeid)
        if report.when == "call" and report.passed and result is not None and light(result, self._settings.run):
            return "passed", "w", ("WARNING", {"yellow": True})
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Make the report, write it, and fail a run that shows nothing."""
        if not self._expected or session.config.option.collectonly:
            return
        stopped = bool(session.shouldstop or session.shouldfail) or session.exitstatus not in {*_GREEN, 1}
        self._report = self._built(stopped=stopped)
        self._unwritten = write([self._report], self._settings.reports)
        is_green = self._report["verdict"]["exit"] != 1 and self._is_exercised() and not self._unwritten
        if why := failures.save(self._results.values(), self._settings.run.target, self._settings.kept):
            self._unwritten.append(why)
        if session.exitstatus in _GREEN and not is_green:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what the target came to."""
        if terminalreporter.config.option.collectonly:
            return
        terminalreporter.section(TITLE)
        if self._report is None:
            terminalreporter.line("no case was selected: nothing is said about the target")
            return
        terminalreporter.write(Terminal(colour=terminalreporter.hasmarkup).summary(self._report))
        if not self._is_exercised():
            terminalreporter.line("nothing was exercised, so that the run fails")
        for why in self._unwritten:
            terminalreporter.line(why)

    def _expect(self, ids: Sequence[str]) -> None:
        self._expected.update(name for name in ids if _is_case(name))

    def _built(self, *, stopped: bool) -> Report:
        missing = sorted(self._expected - set(self._results))
        if not stopped:
            why = "its result has not arrived: the process that played it has ended"
            self._results.update({name: self._without_a_result(name, Outcome.HARNESS_ERROR, why) for name in missing})
        run = self._settings.run
        count = len(self._results)
        if stopped and missing:
            run = replace(run, stopped=f"stopped after {count} of {len(self._expected)} cases")
        results = sorted(self._results.values(), key=lambda result: result.case.id)
        if unknown := [result.case.id for result in results if not result.case.requirements]:
            why = f"nothing is known of {', '.join(unknown)}"
            run = replace(run, stopped="; ".join(filter(None, (run.stopped, why))))
        rules = replace(run.rules, partial=not self._offered or len(self._expected) < self._offered)
        return build(results, replace(run, rules=rules))

    def _without_a_result(self, nodeid: str, outcome: Outcome, why: str) -> CaseResult:
        """What is known of a case when nothing has come of it."""
        case = self._case(nodeid)
        return CaseResult(case, tuple(Finding(requirement, outcome, why) for requirement in case.requirements))

    def _case(self, nodeid: str) -> Case:
        """The case of an item, out of its file where it has one; without requirements where that is gone."""
        file, _, name = nodeid.partition(PART)
        known = (*bundled_cases(), *self._settings.run.options.cases)
        if file != NODE:
            with contextlib.suppress(KitError):
                known = tuple(read_cases(self._root / file))
        return next((case for case in known if case.id == name), Case(name, name, (), name.partition("/")[0]))

    def _is_exercised(self) -> bool:
        return any(result.is_decided for result in self._results.values())


def _is_case(nodeid: str) -> bool:
    path = nodeid.partition(PART)[0]
    return path == NODE or path.endswith(SUFFIX)


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return (report.longreprtext.splitlines() or ["pytest gave no reason"])[-1]
