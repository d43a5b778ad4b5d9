"""The small kernel in Python, without a fault and with its faults."""

from __future__ import annotations

import ast

import pytest

from pytest_stdiobus.kit.result import Outcome

from .kernel_saboteurs import FOLDER, cases, judged, name_of, saboteurs, target

PARTS = 12  # of the honest kernel's cases, so that they are played side by side


def played_in_ci() -> list[str]:
    """All but those with thousands of sessions and requests, which take this kernel many seconds."""
    return [name for name, case in cases().items() if not case.check]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_kernel_of_saboteurs_without_a_fault_fails_nothing(part: int) -> None:
    results = judged(target(), played_in_ci()[part::PARTS], scale=4)
    assert {name: result.findings for name, result in results.items() if result.outcome is not Outcome.PASS} == {}


def test_every_fault_is_declared_and_says_what_it_does() -> None:
    found: dict[str, str] = {}
    for file in (FOLDER / "faults").glob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[name_of(node.name)] = ast.get_docstring(node) or ""
    assert found.keys() == {saboteur.name for saboteur in saboteurs()}
    assert [name for name, sentence in found.items() if not sentence.endswith(".")] == []
