"""Whether each part of an expectation decides something.

Where a target has met a case, every expectation is changed, one part at a time, and held against the very line that met
it. A changed expectation that accepts that line has a part that nothing depends on: it would miss the fault it is for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import pattern, schemas, wire
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.history import KIT
from pytest_stdiobus.kit.judge import bind_action
from pytest_stdiobus.kit.lint import Fault
from pytest_stdiobus.kit.pattern import BYTES, SCHEMA
from pytest_stdiobus.kit.walk import MET, Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_stdiobus.kit.case import Case, Step
    from pytest_stdiobus.kit.history import Event, History


def lint_history(case: Case, played: Sequence[Step], history: History) -> list[Fault]:
    """The parts of a case's expectations that a changed expectation could do without.

    Args:
        case: what was played.
        played: its steps, the profile's opening included.
        history: what was observed; the steps that were not met in it are passed over.
    """
    walk = Walk(history, Bindings(history.head.get("values", {})), messages_only=case.subject == "worker")
    markers = {event.facts["index"]: event.n for event in history.of_kind("step") if event.actor == KIT}
    opening = len(played) - len(case.steps) if case.steps else 0
    found = []
    for index, step in enumerate(played):
        if step.acts:
            bind_action(walk, step, index)
            continue
        expected = walk.bindings.expand({step.verb: step.value, **step.more}) if step.reads or step.verb == "is" else {}
        reading = walk.give_up(step, markers[index]) if index in markers else None
        if reading is None or reading.outcome != MET:
            break
        if reading.events and index >= opening:
            place = f"$.{'steps' if case.steps else 'check'}[{index - opening}]"
            undecided = _undecided(step, expected, reading.events)
            found += [Fault(case.file or case.id, f"{place}.{path}", what) for path, what in undecided]
    return found


def mutants(expected: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """An expectation with one part changed, for each part, and the JSON path of that part."""
    if isinstance(expected, dict) and expected.keys() == {BYTES}:
        yield f"{path}.{BYTES}", {BYTES: pattern.raw(expected[BYTES]) + b" "}
    elif isinstance(expected, dict) and expected:
        for key, value in expected.items():
            changes = _schema_mutants(value) if key == SCHEMA else mutants(value)
            yield from ((f"{path}.{key}{place}", {**expected, key: changed}) for place, changed in changes)
    elif isinstance(expected, list) and expected:
        for index, value in enumerate(expected):
            for place, changed in mutants(value):
                yield f"{path}[{index}]{place}", [*expected[:index], changed, *expected[index + 1 :]]
    else:
        yield path, _other(expected)


def _undecided(step: Step, expected: dict[str, Any], events: Sequence[Event]) -> Iterator[tuple[str, str]]:
    if step.verb == "take":
        lines = [wire.parsed(event.data) for event in events]
        accepting = (path for path, changed in _schema_mutants(expected["all"]) if schemas.is_valid(lines, changed))
        yield from ((f"all{path}", f"expected something that {len(lines)} lines depend on") for path in accepting)
        return
    line = events[-1].data
    for path, changed in mutants(expected[step.verb]):
        if pattern.mismatch(changed, line) is None:
            yield f"{step.verb}{path}", f"expected something that {wire.preview(line)} depends on"


def _schema_mutants(schema: Any) -> Iterator[tuple[str, Any]]:
    """A schema that refuses what it accepted, and one for each member that it says something about."""
    yield "", {"not": schema}
    if not isinstance(schema, dict):
        return
    for name, value in schema.get("properties", {}).items():
        for place, changed in _schema_mutants(value):
            yield f".properties.{name}{place}", {**schema, "properties": {**schema["properties"], name: changed}}


def _other(value: Any) -> Any:
    """Another value of the same type, or of another where it has no other."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return f"{value} "
    if isinstance(value, dict):
        return {"another": "member"}
    return ["another"] if value is None else [None]
