"""Every rule of the embedding API is broken by a library that breaks little else, and a case catches it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import bundled_library, data_dir
from pytest_stdiobus.kit.case import EMBEDDED, bundled_cases
from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target, from_library

from .saboteurs import Saboteur, declared_in, failing, played, supervisor

if TYPE_CHECKING:
    from pytest_stdiobus.kit.result import CaseResult

FOLDER = data_dir() / "workers" / "saboteurs" / "library"
SABOTEURS = declared_in(FOLDER)
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


def judged(target: Target, names: list[str]) -> dict[str, CaseResult]:
    with Runner(target, Options(time_scale=0.5), supervisor()) as runner:
        return played(runner, [CASES[name] for name in dict.fromkeys(names)])


@pytest.mark.parametrize("saboteur", SABOTEURS, ids=lambda saboteur: saboteur.name)
def test_a_fault_is_caught_and_is_held_against_little_else(library: Target, saboteur: Saboteur) -> None:
    others = OTHERS[SABOTEURS.index(saboteur) % SHARE :: SHARE]
    found = failing(judged(with_fault(library, saboteur.name), [*saboteur.caught_by, *others]))
    assert set(saboteur.caught_by) <= found[saboteur.breaks]
    assert set(found) <= saboteur.failing, found


def test_without_a_fault_it_fails_nothing(library: Target) -> None:
    caught = sorted({saboteur.caught_by[0] for saboteur in SABOTEURS})
    assert failing(judged(with_fault(library, ""), caught[::3])) == {}


def test_every_rule_of_the_embedding_api_has_a_fault() -> None:
    rows = {name for name in catalogue() if name.startswith("KRN-EMB-")}
    assert rows - {saboteur.breaks for saboteur in SABOTEURS} == set()
