"""The part of the pytest face that every process has: it collects cases, plays them, and puts their results on the reports."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.report.build import build
from pytest_stdiobus.report.results import to_json
from pytest_stdiobus.report.terminal import Terminal
from pytest_stdiobus.suite.items import NODE, SUFFIX, CaseFile, CaseItem, Cases

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.report.run import Run

PART = "::"


class Playing:
    """Collects the cases of a target and plays them.

    Attributes:
        run: the target, how it is played, and how that counts.
        offered: how many cases there are to select from.
    """

    def __init__(self, run: Run) -> None:
        """Start nothing yet."""
        self.run = run
        self.offered = 0
        self._packaged = Runner(run.target, run.options).cases
        self._wanted: list[str] = []
        self._is_wanted = True
        self._own: list[Case] = []
        self._stack = ExitStack()
        self._runner: Runner | None = None

    def play(self, case: Case) -> CaseResult:
        """Play a case; the supervisor is started with the first."""
        if self._runner is None:
            options = replace(self.run.options, cases=(*self.run.options.cases, *self._own))
            self._runner = self._stack.enter_context(Runner(self.run.target, options))
        result = self._runner.run_case(case)
        try:
            self._runner.refuse_what_does_not_start(result)
        except KitError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
        return result

    def told(self, result: CaseResult) -> str:
        """What is shown of a case that failed: rule, transcript, stderr, what to do, and how to see it again."""
        single = replace(self.run, rules=replace(self.run.rules, partial=True))
        return Terminal().failures(build([result], single))

    def meant(self, cases: Sequence[Case]) -> list[Case]:
        """Those cases of the user's that belong to the profile."""
        runner = Runner(self.run.target, replace(self.run.options, cases=cases))
        return [case for case in runner.cases if case in cases]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Take what names packaged cases out of the arguments, which otherwise name files."""
        ours = [argument for argument in session.config.args if _names_cases(argument)]
        others = [argument for argument in session.config.args if argument not in ours]
        self._wanted = [argument.partition(PART)[2] for argument in ours]
        self._is_wanted = bool(ours) or not any(PART in name or name.endswith(SUFFIX) for name in others)
        session.config.args[:] = others

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The user's own cases."""
        if not file_path.name.endswith(SUFFIX):
            return None
        file: CaseFile = CaseFile.from_parent(parent, path=file_path)
        file.player = self
        return file

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Let the packaged cases follow what the session finds by its arguments."""
        report = yield
        if isinstance(collector, pytest.Session) and self._is_wanted:
            report.result.append(Cases.of(collector, self._selected(self._packaged), self))
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Count what there is, before anything is deselected."""
        cases = [found.case for found in items if isinstance(found, CaseItem)]
        self._own = [case for case in cases if case not in self._packaged]
        self.offered = len(self._packaged) + len(self._own)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send the result with the report; skip for one reason on one line."""
        report = yield
        if isinstance(item, CaseItem) and item.result is not None:
            if call.when == "setup":
                report.stdiobus = {"result": to_json(item.result), "offered": self.offered}  # type: ignore[attr-defined]
            if isinstance(report.longrepr, tuple):
                report.longrepr = (NODE, None, report.longrepr[2])  # type: ignore[assignment] # no line, so that equal reasons are one
        return report

    def pytest_unconfigure(self) -> None:
        """End the supervisor, and with it whatever is left."""
        self._stack.close()

    def _selected(self, known: Sequence[Case]) -> Sequence[Case]:
        if not self._wanted:
            return known
        chosen: list[Case] = []
        for wanted in self._wanted:
            found = [case for case in known if _is_part(wanted, case.id)]
            if not found:
                message = f"not found: {NODE}{PART}{wanted}; --collect-only shows the cases there are"
                raise pytest.UsageError(message)
            chosen += [case for case in found if case not in chosen]
        return chosen


def _names_cases(argument: str) -> bool:
    """Whether an argument is the id of our node or of something below it, and not the path of a file."""
    path = argument.partition(PART)[0]
    return os.path.basename(path) == NODE and not os.path.exists(path)


def _is_part(wanted: str, case: str) -> bool:
    """Whether a case is the one that is wanted, a vector of it, or in the folder that is."""
    return not wanted or case == wanted or case.startswith((f"{wanted}[", f"{wanted}/"))


def sent(report: pytest.TestReport) -> dict[str, Any] | None:
    """What came with a report."""
    found: dict[str, Any] | None = getattr(report, "stdiobus", None)
    return found
