"""The cases about SDKs: the reference client passes them through its adapter, and every part of them decides something."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import Case, bundled_cases
from pytest_stdiobus.kit.mutation import lint_history
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import SDK, Options, Runner, steps_of
from pytest_stdiobus.kit.target import Target

FOLDERS = sorted(path.name for path in (data_dir() / "conformance" / "cases" / SDK).iterdir())
ADAPTER = data_dir() / "conformance" / "adapters" / "python" / "reference.py"
REFERENCE = Target("reference", (sys.executable, str(ADAPTER)), subject=SDK)


def of_folder(folder: str) -> list[Case]:
    return [case for case in bundled_cases() if case.subject == SDK and Path(case.file).parent.name == folder]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_reference_client_passes(folder: str) -> None:
    with Runner(REFERENCE, Options(time_scale=4)) as runner:
        failed: dict[str, list[str]] = {}
        for case in of_folder(folder):
            result = runner.run_case(case)
            if result.outcome is not Outcome.PASS:
                failed[case.id] = [f"{found.requirement}: {found.explanation}" for found in result.findings]
            elif result.history is not None:
                faults = lint_history(case, steps_of(case, "bus", 0), result.history)
                if faults:
                    failed[case.id] = list(map(str, faults))
        assert failed == {}
