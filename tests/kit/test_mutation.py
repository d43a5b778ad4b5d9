"""Expectations that would miss the fault they are for."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit.mutation import lint_history, mutants

from .conftest import ASK, case
from .histories import came, decided, history, sent

REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "m"}
ANSWER = {"jsonrpc": "2.0", "id": 1, "result": {"text": "hi"}}


def faults(expected: dict[str, Any], *lines: Any) -> list[str]:
    played = case(ASK, {"client": "kit", **expected})
    observed = history(sent(REQUEST), *map(came, lines or (ANSWER,)), decided(1))
    return [fault.path for fault in lint_history(played, played.steps, observed)]


@pytest.mark.parametrize(
    "expected",
    [
        {"next": {"id": 1}},
        {"next": {"result": {"text": "hi"}}},
        {"next": {"result": {"$schema": {"type": "object"}}}},
        {"next": {"$schema": {"required": ["result"], "properties": {"result": {"required": ["text"]}}}}},
        {"next": {"bytes": '{"jsonrpc":"2.0","id":1,"result":{"text":"hi"}}'}},
        {"take": 1, "all": {"contains": {"required": ["result"]}}},
    ],
)
def test_an_expectation_whose_every_part_matters_has_no_fault(expected: Any) -> None:
    assert faults(expected) == []


@pytest.mark.parametrize(
    ("expected", "path"),
    [
        (
            {"next": {"id": 1, "$schema": {"properties": {"reslut": {"type": "string"}}}}},
            "$.steps[1].next.$schema.properties.reslut",
        ),
        (
            {"next": {"result": {"$schema": {"properties": {"txt": {"type": "string"}}}}}},
            "$.steps[1].next.result.$schema.properties.txt",
        ),
    ],
)
def test_a_part_that_nothing_depends_on_is_told(expected: Any, path: str) -> None:
    assert faults(expected) == [path]


def test_a_step_that_was_not_met_is_passed_over() -> None:
    assert faults({"next": {"id": 2}}) == []


def test_every_part_is_changed_once() -> None:
    expected = {"id": 1, "on": True, "list": ["a", None], "empty": {}, "$schema": {"properties": {"x": {}}}}
    changed = dict(mutants(expected))
    assert changed[".id"] == {**expected, "id": 2}
    assert changed[".on"] == {**expected, "on": False}
    assert changed[".list[0]"] == {**expected, "list": ["a ", None]}
    assert changed[".list[1]"] == {**expected, "list": ["a", ["another"]]}
    assert changed[".empty"] == {**expected, "empty": {"another": "member"}}
    assert set(changed) == {".id", ".on", ".list[0]", ".list[1]", ".empty", ".$schema", ".$schema.properties.x"}
