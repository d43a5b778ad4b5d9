"""The cases of this kit keep the rules for cases."""

from __future__ import annotations

import sys

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import Case, bundled_cases
from pytest_stdiobus.kit.catalogue import Profile, catalogue, profiles
from pytest_stdiobus.kit.lint import lint, lint_profile
from pytest_stdiobus.kit.mutation import lint_history
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner, steps_of
from pytest_stdiobus.kit.target import WORKER, Target

CASES = data_dir() / "conformance" / "cases"
PROBES = {
    "ok": {"method": "echo", "params": {"message": "hello"}},
    "bad_params": {"method": "stream", "params": {"prompt": 3}},
    "stream": {"method": "stream", "params": {"prompt": "one two three"}},
}
ECHO = Target("echo", (sys.executable, str(data_dir() / "workers" / "echo.py")), probes=PROBES)


def one_of_each() -> list[Case]:
    """A case of each file that a worker of the bus plays: its vectors share their expectations."""
    meant = {
        case.file: case
        for case in reversed(bundled_cases())
        if case.subject == WORKER and "bus" in (case.profiles or catalogue()[case.requirements[0]].profiles or ("bus",))
    }
    return list(meant.values())


def test_no_case_has_a_fault() -> None:
    assert list(map(str, lint([CASES]))) == []


@pytest.mark.parametrize("profile", profiles().values(), ids=profiles())
def test_no_profile_has_a_fault(profile: Profile) -> None:
    assert list(map(str, lint_profile(profile))) == []


def test_every_case_lies_where_its_id_says() -> None:
    for case in bundled_cases():
        assert case.file == str(CASES / f"{case.id.partition('[')[0]}.json")


def test_every_part_of_an_expectation_decides_something() -> None:
    played = 0
    with Runner(ECHO, Options()) as runner:
        for case in one_of_each():
            observed = runner.run_case(case).history
            if observed is not None:
                assert list(map(str, lint_history(case, steps_of(case, "bus", 0), observed))) == []
                played += 1
    assert played > len(one_of_each()) / 2
