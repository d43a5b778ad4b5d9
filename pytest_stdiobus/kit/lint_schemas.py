"""Mistakes in the schemas that a case expects things by; a run would meet them only where it comes to the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.bindings import FROM, REPEAT, SUM
from pytest_stdiobus.kit.pattern import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_stdiobus.kit.case import Step

_GIVEN = ("before", "all")  # members of a step that are schemas


def of_step(step: Step) -> list[tuple[str, str]]:
    """The faults of the schemas of a step, with their paths in it."""
    given = [(f".{name}", step.more[name]) for name in _GIVEN if name in step.more]
    if step.verb == "assume" and "is" in step.value:
        given.append((".assume.is", step.value["is"]))
    if step.judging:
        given += _within(step.value, f".{step.verb}")
    return _faults(given)


def of_row(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The faults of the schemas of a vector, with their paths in it."""
    return _faults(list(_within(row, "")))


def _faults(given: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(path, what) for path, schema in given for what in schemas.mistakes(schema, whole=not _waits(schema))]


def _within(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every schema in what is expected, with its path."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == SCHEMA and isinstance(item, dict):
                yield f"{path}.{key}", item
            else:
                yield from _within(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _within(item, f"{path}[{index}]")


def _waits(value: Any) -> bool:
    """Whether a part of it is known only in a run."""
    if isinstance(value, dict):
        return not value.keys().isdisjoint({FROM, REPEAT, SUM}) or any(map(_waits, value.values()))
    return isinstance(value, list) and any(map(_waits, value))
