"""The JSON Schemas of `schemas/`, by name, and in words, and those of other protocols (`kit.foreign`).

A fault is told with its JSON path and what was expected there.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import foreign, wire
from pytest_stdiobus.kit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from jsonschema.protocols import Validator
    from referencing import Resource

URN = "urn:pytest-stdiobus:"
DEEPEST = 200  # levels of a file; Python looks into no more than some hundred
_SUFFIX = ".schema.json"


@cache
def _registry() -> Registry[Any]:
    files = sorted((data_dir() / "schemas").glob(f"*{_SUFFIX}"))
    contents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    empty: Registry[Any] = Registry(retrieve=foreign.retrieve)  # type: ignore[call-arg] # its attrs are private to mypy
    return empty.with_resources((schema["$id"], DRAFT202012.create_resource(schema)) for schema in contents)


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
    return [in_words(jsonschema.exceptions.best_match([error])) for error in errors]


def is_valid(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is valid against a schema."""
    return validator(schema).is_valid(value)


def mistakes(schema: dict[str, Any], *, whole: bool = True) -> list[str]:
    """What is wrong with a schema itself: what is no schema, and references that lead nowhere.

    Args:
        schema: what is looked at.
        whole: whether it is known in full; of one that is not only the references are looked at.
    """
    if whole:
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            return [f"expected a JSON Schema: {in_words(error)}"]
    resource: Resource[Any] = DRAFT202012.create_resource(schema)
    return [_nowhere(name) for name in dict.fromkeys(_unresolved(resource, _registry().resolver_with_root(resource)))]


def _unresolved(resource: Resource[Any], resolver: Any) -> Iterator[str]:
    """The references of a schema that lead nowhere."""
    if isinstance(resource.contents, dict) and isinstance(name := resource.contents.get("$ref"), str):
        try:
            resolver.lookup(name)
        except Unresolvable:
            yield name
    for part in resource.subresources():
        yield from _unresolved(part, resolver.in_subresource(part))


def _nowhere(reference: str) -> str:
    protocol = reference.removeprefix("urn:").partition(":")[0]
    if protocol in foreign.PACKAGES and foreign.models(protocol) is None:
        return f"$ref {reference}: {foreign.remedy(protocol)}"
    return f"expected a $ref to #/$defs/NAME, {URN}NAME, urn:acp:NAME or urn:mcp:NAME; {reference} leads nowhere"


def load(file: Path, name: str) -> Any:
    """The content of a JSON file that is valid against the schema called `name`.

    Raises:
        DataError: it cannot be read, is not JSON, or is not valid; every fault is named.
    """
    value = read(file)
    if found := faults(value, schema(name)):
        raise DataError(str(file), found)
    return value


def read(file: Path) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: it cannot be read, or is not JSON.
    """
    try:
        value = wire.parse(file.read_bytes())
    except OSError as error:
        raise DataError(str(file), [f"cannot be read: {error.strerror}"]) from None
    except wire.TooDeepError as error:
        raise DataError(str(file), [f"cannot be read: {error}"]) from None
    except ValueError as error:
        raise DataError(str(file), [f"is not JSON: {error}"]) from None
    if wire.depth(value) > DEEPEST:
        raise DataError(str(file), [f"is nested too deeply: expected at most {DEEPEST} levels"])
    if not wire.is_finite(value):
        raise DataError(str(file), ["has a number that is too large"])
    if not wire.has_whole_characters(value):
        raise DataError(str(file), ["has a text with half of a surrogate pair"])
    return value


def words(schema: Any) -> str:
    """What a schema asks for, for somebody who does not know it: its title, or what it says, in a few words."""
    if not isinstance(schema, dict) or not schema:
        return "anything"
    if "title" in schema:
        return str(schema["title"])
    if "$ref" in schema:
        return _referred(schema["$ref"])
    for key, told in _KEYWORDS.items():
        if key in schema:
            return told(schema[key])
    if "properties" in schema or "required" in schema:
        return _object(schema)
    kinds = schema.get("type", ())
    return _either(_KINDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)) or json.dumps(schema)


def _referred(reference: str) -> str:
    try:
        return words(_registry().resolver().lookup(reference).contents)
    except Unresolvable:  # relative to a schema that has no title of its own
        return reference.rpartition("/")[2]


def _object(schema: dict[str, Any]) -> str:
    """An object, with the members that it must have or whose values are given."""
    known = schema.get("properties", {})
    must = schema.get("required", ())
    members = [
        f"{json.dumps(name)}: {words(known.get(name))}" for name in (*must, *(key for key in known if key not in must))
    ]
    return f"an object with {', '.join(members)}"


def _either(told: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(told))


_KINDS = {
    "object": "an object",
    "array": "an array",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
_KEYWORDS: dict[str, Callable[[Any], str]] = {
    "const": lambda value: json.dumps(value, ensure_ascii=False),
    "enum": lambda values: _either(json.dumps(value, ensure_ascii=False) for value in values),
    "oneOf": lambda schemas: _either(map(words, schemas)),
    "anyOf": lambda schemas: _either(map(words, schemas)),
    "not": lambda schema: f"anything but {words(schema)}",
    "pattern": lambda text: f"a text that matches {text}",
}
_CHOICES = frozenset({"oneOf", "anyOf", "not"})
_LONGEST = 300  # characters of a fault that quotes a value


def in_words(error: Any) -> str:
    """An error of a validator in words: its JSON path, and what was expected there."""
    expected = f"expected {words(error.schema)}" if error.validator in _CHOICES else error.message
    return f"{error.json_path}: {expected if len(expected) <= _LONGEST else expected[:_LONGEST] + '...'}"
