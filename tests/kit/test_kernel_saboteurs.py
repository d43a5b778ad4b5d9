"""Every rule for kernels is broken by a fault that breaks little else, and every case catches one."""

from __future__ import annotations

import ast

import pytest

from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.target import KERNEL

from .kernel_saboteurs import (
    FOLDER,
    cases,
    first_of,
    judged,
    name_of,
    saboteurs,
    target,
)
from .saboteurs import Saboteur, failing, never_failed, not_passed, sets_by_requirement

PARTS = 12  # of the honest kernel's cases, so that they are played side by side
by_name = pytest.mark.parametrize("saboteur", saboteurs(), ids=lambda saboteur: saboteur.name)


@by_name
def test_a_saboteur_fails_what_it_is_declared_to_break_and_nothing_else(saboteur: Saboteur) -> None:
    found = failing(judged(target("--break", saboteur.name), first_of(saboteur), enough=1))
    if not saboteur.is_as_declared(found):  # a busy machine needs time
        found = failing(judged(target("--break", saboteur.name), first_of(saboteur), scale=4, enough=1))
    assert saboteur.is_as_declared(found), found


def played_in_ci() -> list[str]:
    """The cases that catch somebody above, but for those of thousands of sessions, which take this kernel seconds."""
    caught = {first_of(saboteur)[0] for saboteur in saboteurs()}
    return sorted(name for name in caught if not cases()[name].check)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kernel_of_saboteurs_without_a_fault_fails_nothing(part: int) -> None:
    assert not_passed(judged(target(), played_in_ci()[part::PARTS], scale=4)) == {}


def test_every_fault_is_declared_and_says_what_it_does() -> None:
    found: dict[str, str] = {}
    for file in (FOLDER / "faults").glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[name_of(node.name)] = ast.get_docstring(node) or ""
    assert found.keys() == {saboteur.name for saboteur in saboteurs()}
    assert [name for name, sentence in found.items() if not sentence.endswith(".")] == []


def requirements() -> list[str]:
    """The rules for kernels that cases exercise."""
    exercised = {name for case in cases().values() for name in case.requirements}
    return [name for name, row in catalogue().items() if row.subject == KERNEL and name in exercised]


@pytest.mark.parametrize("requirement", requirements())
def test_every_rule_for_kernels_is_broken_by_a_saboteur(requirement: str) -> None:
    assert [saboteur for saboteur in saboteurs() if saboteur.breaks == requirement]


def test_no_two_rules_for_kernels_are_failed_by_the_same_saboteurs() -> None:
    sets = sets_by_requirement(saboteurs(), requirements())
    assert len(set(sets.values())) == len(sets), sets


def test_every_case_about_kernels_is_failed_by_a_saboteur() -> None:
    assert never_failed(saboteurs(), cases()) == set()
