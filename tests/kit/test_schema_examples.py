"""Every schema accepts what it should and refuses what it should, at the place where the fault is."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import schemas

EXAMPLES = data_dir() / "schemas" / "examples"


def examples(kind: str) -> list[Any]:
    return [
        pytest.param(file.stem, example, id=f"{file.stem}-{example.get('of', '')}-{number}")
        for file in sorted(EXAMPLES.glob("*.json"))
        for number, example in enumerate(json.loads(file.read_text(encoding="utf-8"))[kind])
    ]


def faults(name: str, example: dict[str, Any]) -> list[str]:
    part = f"#/$defs/{example['of']}" if "of" in example else ""
    return schemas.faults(example["value"], {"$ref": f"{schemas.URN}{name}{part}"})


@pytest.mark.parametrize("name", schemas.schema_names())
def test_a_schema_is_a_schema_with_examples_of_both_kinds(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.schema(name))
    known = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    assert known["valid"]
    assert known["invalid"]


@pytest.mark.parametrize(("name", "example"), examples("valid"))
def test_what_is_right_is_accepted(name: str, example: dict[str, Any]) -> None:
    assert faults(name, example) == []


@pytest.mark.parametrize(("name", "example"), examples("invalid"))
def test_what_is_wrong_is_refused_at_its_place(name: str, example: dict[str, Any]) -> None:
    assert {fault.partition(": ")[0] for fault in faults(name, example)} == {example["at"]}
