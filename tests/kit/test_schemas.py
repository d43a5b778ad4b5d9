"""Schemas in words, and faults that somebody who wrote a file can mend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = "urn:pytest-stdiobus:message#/$defs/"
STEP = {"client": "kit", "next": {"id": 1}}
CASE = {"id": "worker/x", "title": "A case of a test", "requirements": ["WRK-03"], "subject": "worker", "steps": [STEP]}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": MESSAGE + "answer"}, "a response"),
        ({"$ref": MESSAGE + "unsolicited"}, "a notification or a request of the worker's own"),
        ({"anyOf": [{"$ref": MESSAGE + "request"}, {"const": 1}]}, "a request or 1"),
        ({"not": {"type": "null"}}, "anything but null"),
        ({"properties": {"code": {"enum": [1, 2]}}}, 'an object with "code": 1 or 2'),
        ({"required": ["id"], "properties": {"a": {"type": "array"}}}, 'an object with "id": anything, "a": an array'),
        ({}, "anything"),
        (True, "anything"),
        ({"title": "what it is called", "type": "string"}, "what it is called"),
    ],
)
def test_a_schema_in_words(schema: Any, words: str) -> None:
    assert schemas.words(schema) == words


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": [{"client": "kit"}]}, "$.steps[0]: expected a step: who"),
        ({"steps": [{**STEP, "send": {}}]}, "$.steps[0]: expected a step: who"),
        ({"steps": [{"next": {"id": 1}}]}, "$.steps[0]: expected a step: who"),
        ({"check": "both"}, "$: expected steps, with vectors or without, or the name of a check"),
        ({"title": 3}, "$.title: 3 is not of type 'string'"),
    ],
)
def test_a_fault_says_where_and_what_was_expected(change: dict[str, Any], told: str) -> None:
    found = schemas.faults({**CASE, **change}, schemas.schema("case"))
    assert [fault[: len(told)] for fault in found] == [told]


def test_a_fault_does_not_quote_a_whole_file() -> None:
    found = schemas.faults({**CASE, "title": ["x" * 10_000]}, schemas.schema("case"))
    assert len(found[0]) < 400


def test_a_file_that_is_not_json_or_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "odd.json"
    with pytest.raises(DataError, match=r"odd\.json: cannot be read: No such file"):
        schemas.load(file, "case")
    file.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"odd\.json: is not JSON"):
        schemas.load(file, "case")


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "odd.json"
    file.write_text(json.dumps({**CASE, "title": 3, "subject": "dog"}), encoding="utf-8")
    with pytest.raises(DataError) as told:
        schemas.load(file, "case")
    assert [fault.split(":")[0] for fault in told.value.faults] == ["$.subject", "$.title"]
