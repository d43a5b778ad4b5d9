"""The cases about kernels: the bundled kernel passes them, and every part of them decides something."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_stdiobus.data import bundled_kernel
from pytest_stdiobus.kit.case import STDIO, TCP, UNIX, Case, bundled_cases
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.mutation import lint_history
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner, steps_of
from pytest_stdiobus.kit.target import KERNEL, Target

FOLDERS = sorted({Path(case.file).parent.name for case in bundled_cases() if case.transport in {STDIO, UNIX, TCP}})


@pytest.fixture
def kernel() -> Target:
    found = bundled_kernel()
    assert found is not None
    return Target("reference", (str(found),), subject=KERNEL)


def in_folder(cases: list[Case], folder: str) -> list[Case]:
    return [case for case in cases if Path(case.file).parent.name == folder]


def one_of_each(cases: list[Case]) -> list[Case]:
    """A case of each file and transport."""
    return list({(case.file, case.transport): case for case in cases}.values())


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_bundled_kernel_passes(kernel: Target, folder: str) -> None:
    """Every case on a unix socket; one of each file over the other transports, whose seats differ and not the rules."""
    with Runner(kernel, Options(transports=[UNIX], time_scale=4)) as runner:
        failed: dict[str, list[str]] = {}
        others = [case for case in bundled_cases() if case.subject == KERNEL and case.transport in {STDIO, TCP}]
        for case in (*in_folder(runner.cases, folder), *in_folder(one_of_each(others), folder)):
            result = runner.run_case(case)
            if result.outcome is not Outcome.PASS:
                failed[case.id] = [f"{found.requirement}: {found.explanation}" for found in result.findings]
            elif result.history is not None:
                faults = lint_history(case, steps_of(case, "bus", 0), result.history)
                if faults:
                    failed[case.id] = list(map(str, faults))
        assert failed == {}


def test_every_row_about_kernels_has_a_case() -> None:
    exercised = {name for case in bundled_cases() if case.subject == KERNEL for name in case.requirements}
    assert {name for name, row in catalogue().items() if row.subject == KERNEL} - exercised == set()
