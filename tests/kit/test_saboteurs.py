"""Every rule for workers is broken by a saboteur that breaks little else, and every case catches one."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.catalogue import applies, catalogue
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target

from .saboteurs import (
    Saboteur,
    declared_in,
    failing,
    never_failed,
    not_passed,
    one_of_each_file,
    played,
    sets_by_requirement,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.result import CaseResult

FOLDER = data_dir() / "workers" / "saboteurs"
PROFILE = "bus"
SCALE = 0.3  # an answer takes milliseconds; a deadline of 1.5 s is for those that never come
ENOUGH = 6  # failed cases of a saboteur that fails nearly all of them, each of which costs a deadline
PROBES = {
    "ok": {"method": "echo", "params": {"message": "hello"}},
    "bad_params": {"method": "stream", "params": {"prompt": 7}},
    "stream": {"method": "stream", "params": {"prompt": "one two three"}},
    "slow": {"method": "slow"},
    "crash": {"method": "crash"},
}


@cache
def saboteurs() -> tuple[Saboteur, ...]:
    return declared_in(FOLDER)


by_name = pytest.mark.parametrize("saboteur", saboteurs(), ids=lambda saboteur: saboteur.name)


def target(name: str, *arguments: str) -> Target:
    command = (sys.executable, "-S", "-s", str(FOLDER / f"{name}.py"), *arguments)  # without site it starts in 10 ms
    return Target(name, command, probes=PROBES)


@cache
def cases() -> dict[str, Case]:
    with Runner(target("honest"), Options(profile=PROFILE)) as runner:
        return {case.id: case for case in runner.cases if case.id.startswith("worker/")}


def first_variants() -> list[str]:
    """One case of each file."""
    return one_of_each_file(cases())


def sample(saboteur: Saboteur) -> list[str]:
    """The cases that must catch it, then a third of all files, another one for the next saboteur."""
    return [*saboteur.caught_by, *first_variants()[saboteurs().index(saboteur) % 3 :: 3]]


def judged(judging: Target, names: Iterable[str], enough: float = float("inf")) -> dict[str, CaseResult]:
    with Runner(judging, Options(profile=PROFILE, time_scale=SCALE)) as runner:
        return played(runner, [cases()[name] for name in dict.fromkeys(names)], enough)


@by_name
def test_a_saboteur_fails_what_it_is_declared_to_break_and_nothing_else(saboteur: Saboteur) -> None:
    expected = len(saboteur.caught_by) + ENOUGH
    found = failing(judged(target(saboteur.name), sample(saboteur), enough=expected))
    assert set(found) == saboteur.failing, found
    assert any(cases()[name].requirements[0] == saboteur.breaks for name in found[saboteur.breaks])
    assert set(saboteur.caught_by) <= set().union(*found.values())


@by_name
def test_with_its_fault_switched_off_it_fails_nothing(saboteur: Saboteur) -> None:
    assert failing(judged(target(saboteur.name, "--honest"), saboteur.caught_by)) == {}


def test_the_honest_worker_fails_no_case() -> None:
    assert not_passed(judged(target("banner", "--honest"), first_variants())) == {}


def test_every_file_of_the_folder_is_declared() -> None:
    files = {file.stem for file in FOLDER.glob("*.py")} - {"honest"}
    assert files == {saboteur.name for saboteur in saboteurs()}


@by_name
def test_a_saboteur_says_in_its_first_line_what_it_breaks(saboteur: Saboteur) -> None:
    text = (FOLDER / f"{saboteur.name}.py").read_text(encoding="utf-8")
    assert text.partition("\n")[0].endswith(f" Breaks {saboteur.breaks}.")


def requirements() -> list[str]:
    return [name for name, row in catalogue().items() if applies(row, "worker", PROFILE)]


@pytest.mark.parametrize("requirement", requirements())
def test_every_requirement_of_a_worker_has_a_case_and_a_saboteur(requirement: str) -> None:
    assert [case for case in cases().values() if case.requirements[0] == requirement]
    assert [saboteur for saboteur in saboteurs() if saboteur.breaks == requirement]


def test_no_two_requirements_are_failed_by_the_same_saboteurs() -> None:
    sets = sets_by_requirement(saboteurs(), requirements())
    assert len(set(sets.values())) == len(sets), sets


def test_every_case_is_failed_by_a_saboteur() -> None:
    assert never_failed(saboteurs(), cases()) == set()
