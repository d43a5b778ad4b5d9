"""The bundled workers, and that of the examples, keep every rule for workers of the bus that they can be asked about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome, by_requirement
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target
from pytest_stdiobus.kit.verdict import Rules, Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stdiobus.kit.result import CaseResult

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "agents" / "worker.py"
STREAM = {"method": "stream", "params": {"prompt": "one two three"}}
BAD_PARAMS = {"method": "stream", "params": {"prompt": 7}}
OK = {"echo": {"method": "echo", "params": {"message": "hello"}}, "stream": STREAM}


@pytest.mark.parametrize(("name", "one_in"), [("echo", 1), ("stream", 3)])
def test_a_bundled_worker_is_conformant(name: str, one_in: int) -> None:
    command = (sys.executable, str(data_dir() / "workers" / f"{name}.py"))
    probes = {"ok": OK[name], "stream": STREAM, "bad_params": BAD_PARAMS}
    with Runner(Target(name, command, probes=probes), Options(time_scale=2)) as runner:
        results = [runner.run_case(case) for case in runner.cases[::one_in]]
    assert_conformant(results)


def test_the_worker_of_the_examples_is_conformant() -> None:
    probes = {"ok": {"method": "add", "params": [1, 2]}, "bad_params": {"method": "add", "params": ["x"]}}
    with Runner(Target("worker", (sys.executable, str(EXAMPLE)), probes=probes), Options(time_scale=2)) as runner:
        assert_conformant([runner.run_case(case) for case in runner.cases[::15]])


def assert_conformant(results: Iterable[CaseResult]) -> None:
    rows = by_requirement(results)
    good = {Outcome.PASS, Outcome.NOT_APPLICABLE}  # none of them can be made to crash
    assert {row.requirement: row.reason for row in rows.values() if row.outcome not in good} == {}
    assert verdict(rows, Rules(reference=True)) is Verdict.CONFORMANT
