"""The cases about SDKs: the reference client passes them through its adapter, and every part of them decides something."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import BACKENDS, SCRIPTED, Case, bundled_cases
from pytest_stdiobus.kit.description import Description, ops
from pytest_stdiobus.kit.mutation import lint_history
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner, steps_of
from pytest_stdiobus.kit.target import SDK, Target

if TYPE_CHECKING:
    from pytest_stdiobus.kit.result import CaseResult

FOLDERS = sorted(path.name for path in (data_dir() / "conformance" / "cases" / SDK).iterdir())
ADAPTER = data_dir() / "conformance" / "adapters" / "python" / "reference.py"
REFERENCE = Target("reference", (sys.executable, str(ADAPTER)), subject=SDK)


def in_folder(folder: str, backend: str) -> list[Case]:
    cases = [case for case in bundled_cases() if case.subject == SDK and case.transport == backend]
    return [case for case in cases if Path(case.file).parent.name == folder]


def one_of_each(cases: list[Case]) -> list[Case]:
    """A case of each file: its vectors share their expectations."""
    return list({case.file: case for case in reversed(cases)}.values())


def undecided(case: Case, result: CaseResult) -> list[str]:
    return list(map(str, lint_history(case, steps_of(case, "bus", 0), result.history))) if result.history else []


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_the_reference_client_passes(folder: str, backend: str) -> None:
    """Every case with the kit's kernel; one of each file over the client's own, whose seats differ and not the rules."""
    cases = in_folder(folder, backend)
    failed: dict[str, list[str]] = {}
    with Runner(REFERENCE, Options(time_scale=4)) as runner:
        for case in cases if backend == SCRIPTED else one_of_each(cases):
            result = runner.run_case(case)
            if result.outcome is not Outcome.PASS:
                failed[case.id] = [f"{found.requirement}: {found.explanation}" for found in result.findings]
            elif case in one_of_each(cases) and (faults := undecided(case, result)):
                failed[case.id] = faults
    assert failed == {}


def test_an_sdk_without_probes_is_not_held_against_rules_about_an_event_loop_of_python() -> None:
    about = Description("other", "1", "rust", frozenset({"native"}), frozenset({"request", "stats", "stop"}))
    cases = [case for case in bundled_cases() if case.requirements[0] in {"SDK-THR-02", "SDK-THR-04"}]
    met = {case.id: about.obstacle(case.transport, ops(case.steps)) for case in cases}
    assert {obstacle and obstacle[0] for obstacle in met.values()} == {Outcome.NOT_APPLICABLE}, met
