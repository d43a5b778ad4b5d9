"""Every rule of the embedding API is broken by a library that breaks little else, and a case catches it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_stdiobus.data import bundled_library, data_dir
from pytest_stdiobus.kit.case import EMBEDDED, bundled_cases
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Options, Runner
from pytest_stdiobus.kit.target import Target, from_library

FOLDER = data_dir() / "workers" / "saboteurs" / "library"
FAULTS = json.loads((FOLDER / "saboteurs.json").read_text(encoding="utf-8"))
CASES = {case.id: case for case in bundled_cases() if case.transport == EMBEDDED}
OTHERS = sorted({case.file: name for name, case in CASES.items() if "/embedding/" in name}.values())
SHARE = 20  # of the others one in so many is played against each, a different one each time


@pytest.fixture(scope="module")
def library() -> Target:
    found = bundled_library()
    assert found is not None
    return from_library(str(found))


def with_fault(library: Target, name: str) -> Target:
    *python, _, path = library.command
    return replace(library, name=name, command=(*python, str(FOLDER / "faulty_host.py"), path), env={"FAULT": name})


def failing(target: Target, names: list[str]) -> dict[str, set[str]]:
    """The requirements that each case fails."""
    with Runner(target, Options(time_scale=0.5)) as runner:
        results = {name: runner.run_case(CASES[name]) for name in names}
    return {
        name: {found.requirement for found in result.findings if found.outcome is Outcome.FAIL}
        for name, result in results.items()
    }


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_and_is_held_against_little_else(library: Target, name: str) -> None:
    declared = FAULTS[name]
    others = OTHERS[list(FAULTS).index(name) % SHARE :: SHARE]
    found = failing(with_fault(library, name), [*declared["caught_by"], *others])
    assert {case: found[case] for case in declared["caught_by"] if declared["breaks"] not in found[case]} == {}
    assert set().union(*found.values()) <= {declared["breaks"], *declared["also"]}


def test_without_a_fault_it_fails_nothing(library: Target) -> None:
    caught = sorted({declared["caught_by"][0] for declared in FAULTS.values()})
    assert {name: rows for name, rows in failing(with_fault(library, ""), caught[::3]).items() if rows} == {}


def test_every_rule_of_the_embedding_api_has_a_fault() -> None:
    rows = {name for name in catalogue() if name.startswith("KRN-EMB-")}
    assert rows - {declared["breaks"] for declared in FAULTS.values()} == set()
