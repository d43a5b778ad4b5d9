"""The JSON Schemas of `schemas/`, by name; a fault is told with its JSON path and what was expected there."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from jsonschema.protocols import Validator

URN = "urn:pytest-stdiobus:"
_SUFFIX = ".schema.json"


@cache
def _registry() -> Registry[Any]:
    files = sorted((data_dir() / "schemas").glob(f"*{_SUFFIX}"))
    contents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return Registry().with_resources((schema["$id"], DRAFT202012.create_resource(schema)) for schema in contents)


def schema_names() -> list[str]:
    """The name of every schema, such as ``case``."""
    return sorted(uri.removeprefix(URN) for uri in _registry())


def schema(name: str) -> dict[str, Any]:
    """The schema called `name`."""
    contents: dict[str, Any] = _registry().contents(URN + name)
    return contents


def validator(schema: dict[str, Any]) -> Validator:
    """A validator of a schema that may refer to ours by ``{"$ref": "urn:pytest-stdiobus:NAME"}``."""
    return jsonschema.Draft202012Validator(
        schema, registry=_registry(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


def faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a value, each fault as ``JSON path: what was expected``; empty when it is valid."""
    errors = sorted(validator(schema).iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
    return [_told(jsonschema.exceptions.best_match([error])) for error in errors]


def load(file: Path, name: str) -> Any:
    """The content of a JSON file that is valid against the schema called `name`.

    Raises:
        DataError: it cannot be read, is not JSON, or is not valid; every fault is named.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(str(file), [f"cannot be read: {error.strerror}"]) from None
    except ValueError as error:
        raise DataError(str(file), [f"is not JSON: {error}"]) from None
    if found := faults(value, schema(name)):
        raise DataError(str(file), found)
    return value


def _told(error: Any) -> str:
    return f"{error.json_path}: {error.message}"
