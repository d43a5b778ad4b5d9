"""The reference client with one fault each: the cases tell each of them, and none without a fault."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pytest_stdiobus.kit.catalogue import catalogue
from pytest_stdiobus.kit.target import SDK

from .saboteurs import Saboteur, about, failing, never_failed, not_passed, sets_by_requirement
from .sdk_saboteurs import FOLDER, cases, first_variants, judged, saboteurs, target

REQUIREMENTS = [name for name, row in catalogue().items() if row.subject == SDK]


@pytest.mark.parametrize("saboteur", saboteurs(), ids=lambda saboteur: saboteur.name)
def test_a_client_with_a_fault_fails_what_it_is_declared_to_break(saboteur: Saboteur) -> None:
    meant = about(saboteur.breaks, saboteur.caught_by, cases())
    found = failing(judged(target("--break", saboteur.name), meant, enough=1))
    if not saboteur.is_as_declared(found):  # on a busy machine it starts too late to be judged
        found = failing(judged(target("--break", saboteur.name), meant, scale=4, enough=1))
    assert saboteur.is_as_declared(found), found


def test_the_client_of_saboteurs_without_a_fault_fails_nothing() -> None:
    one_of_each_folder = {Path(cases()[name].file).parent: name for name in first_variants()}.values()
    assert not_passed(judged(target(), one_of_each_folder, scale=4)) == {}


def test_every_fault_is_declared_and_says_what_it_does() -> None:
    found: dict[str, str] = {}
    for file in FOLDER.glob("faults_of_*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name] = ast.get_docstring(node) or ""
    assert found.keys() == {saboteur.name for saboteur in saboteurs()}
    assert [name for name, sentence in found.items() if not sentence.endswith(".")] == []


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_requirement_of_an_sdk_has_a_case_and_a_saboteur(requirement: str) -> None:
    assert [case for case in cases().values() if case.requirements[0] == requirement]
    assert [saboteur for saboteur in saboteurs() if saboteur.breaks == requirement]


def test_no_two_requirements_of_an_sdk_are_failed_by_the_same_saboteurs() -> None:
    sets = sets_by_requirement(saboteurs(), REQUIREMENTS)
    assert len(set(sets.values())) == len(sets), sets


def test_every_case_about_an_sdk_is_failed_by_a_saboteur() -> None:
    assert never_failed(saboteurs(), cases()) == set()
