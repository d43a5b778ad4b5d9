"""Mistakes of cases, each told with its place and with what was expected there."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import checks
from pytest_stdiobus.kit.case import Case, steps
from pytest_stdiobus.kit.catalogue import Profile
from pytest_stdiobus.kit.lint import lint, lint_profile

from .conftest import ANSWER, ANSWERED, ASK

if TYPE_CHECKING:
    from pathlib import Path

NAMED = {**ANSWERED, "as": "answer"}
GOOD: dict[str, Any] = {
    "id": "worker/test/good",
    "title": "A case without a fault",
    "requirements": ["WRK-03"],
    "subject": "worker",
    "steps": [ASK, NAMED, {"client": "kit", "send": {"id": 2, "method": {"$from": "answer/result/next"}}}],
}


def linted(folder: Path, **changes: Any) -> list[str]:
    file = folder / "case.json"
    file.write_text(json.dumps({**GOOD, **changes}), encoding="utf-8")
    return [f"{fault.path}: {fault.expected}" for fault in lint([file])]


def test_a_good_case_has_no_fault(tmp_path: Path) -> None:
    assert linted(tmp_path) == []


def kit(**step: Any) -> dict[str, Any]:
    return {"client": "kit", **step}


STEPS = {
    "accepts-anything": (
        [ASK, kit(next={"$schema": {}})],
        "$.steps[1].next: expected something that not every object is",
    ),
    "accepts-any-object": ([ASK, kit(until={"$schema": {"type": "object"}})], "$.steps[1].until: expected something"),
    "takes-anything": ([ASK, kit(take=1, all={})], "$.steps[1].all: expected something that not every object is"),
    "unbound": (
        [ASK, kit(next={"id": {"$from": "row/id"}})],
        "$.steps[1].next.id: expected a name that a step before it",
    ),
    "bound-later": (
        [kit(send={"id": {"$from": "answer/id"}}), NAMED],
        "$.steps[0].send.id: expected a name that a step before it has as its name, 'answer' is none",
    ),
    "unused": ([ASK, NAMED], "$.steps[1].as: expected a step that uses 'answer'"),
    "unknown-probe": ([kit(send={"$from": "probe/quick"}), ANSWERED], "$.steps[0].send: expected one of the probes"),
    "params-of-a-probe": (
        [kit(send={"params": {"$from": "probe/ok/params"}}), ANSWERED],
        '$.steps[0].send.params: expected "$from": "probe/ok" beside the other members',
    ),
    "unnamed-in-a-statement": (
        [{**ASK, "as": "a"}, ANSWERED, {"elapsed": {"from": "a", "to": "b", "max_ms": 1}}],
        "$.steps[2].elapsed.to: expected a name",
    ),
    "sends-after-closing": (
        [kit(half_close=True), ASK, ANSWERED],
        "$.steps[1].send: expected nothing to be done to client:kit",
    ),
    "foreign-member": ([ASK, kit(next={"id": 1}, before={})], "$.steps[1].before: expected no before beside next"),
    "another-client": (
        [ASK, {"client": "bob", "next": {"id": 1}}],
        "$.steps[1]: expected what takes part in a worker's case",
    ),
    "a-line-nobody-read": ([ASK, ANSWERED, {"line": "a", "is": {"id": 1}}], "$.steps[2].line: expected a name"),
    "a-line-that-is-anything": (
        [ASK, {**ANSWERED, "as": "a"}, {"line": "a", "is": {"$schema": {"type": "object"}}}],
        "$.steps[2].is: expected something that not every object is",
    ),
    "a-reference-that-leads-nowhere": (
        [ASK, kit(until={"id": 1}, before={"$ref": "urn:nope"})],
        "$.steps[1].before: expected a $ref to *urn:nope leads nowhere",
    ),
    "a-reference-deep-inside": (
        [ASK, kit(next={"id": {"$schema": {"anyOf": [{"$ref": "#/$defs/x"}], "$defs": {"y": {}}}}})],
        "$.steps[1].next.id.$schema: expected a $ref to *#/$defs/x leads nowhere",
    ),
    "a-reference-beside-what-a-run-knows": (
        [NAMED, kit(next={"$schema": {"const": {"$from": "answer/id"}, "$ref": "urn:nope"}})],
        "$.steps[1].next.$schema: expected a $ref to *urn:nope leads nowhere",
    ),
    "what-is-no-schema": (
        [ASK, kit(take=1, all={"type": "strng"})],
        "$.steps[1].all: expected a JSON Schema: $.type: ",
    ),
    "a-condition-that-is-no-schema": (
        [{**ASK, "as": "a"}, ANSWERED, {"assume": {"that": "a/id", "is": {"type": 3}}}],
        "$.steps[2].assume.is: expected a JSON Schema: $.type: ",
    ),
    "another-requirement": (
        [ASK, {**ANSWERED, "judges": "WRK-06"}],
        "$.steps[1].judges: expected one of the case's requirements",
    ),
}


@pytest.mark.parametrize(("played", "told"), STEPS.values(), ids=STEPS)
def test_a_fault_of_a_step_is_told(tmp_path: Path, played: Any, told: str) -> None:
    (fault,) = linted(tmp_path, steps=played)
    assert fnmatchcase(fault, f"{told.replace('[', '[[]')}*")


WHOLE = {
    "unknown-requirement": (
        {"requirements": ["WRK-03", "WRK-99"]},
        "$.requirements[1]: expected a requirement of the catalogue",
    ),
    "of-another-subject": (
        {"requirements": ["WRK-03", "KRN-COR-01"]},
        "$.requirements[1]: expected a requirement of a worker",
    ),
    "judged-by-nothing": (
        {"requirements": ["WRK-03", "WRK-10"]},
        "$.requirements[1]: expected a step that judges WRK-10",
    ),
    "unread-vectors": ({"vectors": [{"name": "a", "x": 1}]}, "$.vectors[0].x: expected a step that reads row/x"),
    "not-valid": ({"title": 3}, "$.title: 3 is not of type 'string'"),
    "unknown-check": ({"steps": None, "check": "nobody"}, "$.check: expected a check: 'nobody' is not a check"),
}


@pytest.mark.parametrize(("changes", "told"), WHOLE.values(), ids=WHOLE)
def test_a_fault_of_the_whole_is_told(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    data = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    file = tmp_path / "case.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    assert any(f"{fault.path}: {fault.expected}".startswith(told) for fault in lint([file]))


ROW = {"steps": [{"client": "kit", "send": {"id": 1, "method": {"$from": "row/x"}}}, ANSWERED]}


@pytest.mark.parametrize(
    ("vectors", "told"),
    [
        ([{"name": "a", "x": 1}, {"name": "b"}], ["$.vectors[1]: expected 'x', which a step reads"]),
        (
            [{"name": "a", "x": 1}, {"name": "b", "x": 1}],
            ["$.vectors[1]: expected values of its own, they are those of 'a'"],
        ),
        ([{"name": "a", "x": 1}, {"name": "b", "x": "1"}], []),
        (
            [{"name": "a", "x": {"$schema": {"pattern": "("}}}],
            ["$.vectors[0].x.$schema: expected a JSON Schema: $.pattern: '(' is not a 'regex'"],
        ),
    ],
)
def test_vectors_differ_in_what_the_steps_read(tmp_path: Path, vectors: Any, told: list[str]) -> None:
    assert linted(tmp_path, vectors=vectors, **ROW) == told


def test_a_requirement_of_another_profile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pytest_stdiobus.kit.lint.profiles", lambda: {"any": Profile("any", "Another profile", frozenset(), {}, ())}
    )
    monkeypatch.setattr("pytest_stdiobus.kit.catalogue.Requirement.belongs_to", lambda *_: False)
    assert linted(tmp_path)[0].startswith("$.requirements[0]: expected a requirement of every profile it is played in")


def test_an_id_that_stands_twice_names_the_other_file(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        (tmp_path / name).write_text(json.dumps(GOOD), encoding="utf-8")
    (fault,) = lint([tmp_path])
    assert str(fault).startswith(f"{tmp_path / 'two.json'}: $.id: expected an id of its own")
    assert str(tmp_path / "one.json") in fault.expected


def test_a_case_made_by_a_program_is_named_by_its_id() -> None:
    (fault,) = lint([Case("worker/made", "A case that was made", ("WRK-03",), "worker", steps([ASK, NAMED], "WRK-03"))])
    assert str(fault).startswith("worker/made: $.steps[1].as: expected")


def test_the_steps_that_a_check_makes_are_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CHECKS", {"made": lambda _: [ASK, kit(next={"$schema": {}})]})
    (fault,) = lint([Case("worker/made", "A case that was made", ("WRK-03",), "worker", check="made")])
    assert str(fault).startswith("worker/made: $.check[1].next: expected something")


def test_the_opening_of_a_profile_says_what_it_judges() -> None:
    said = {**ANSWERED, "judges": "WRK-03"}
    assert lint_profile(Profile("any", "A profile", frozenset(), {}, (ASK, said))) == []
    (fault,) = lint_profile(Profile("any", "A profile", frozenset(), {}, (ASK, ANSWERED)))
    assert str(fault).startswith("profiles/any.json: $.prelude[1]: expected judges")


def test_an_expectation_with_more_than_a_reference_is_judged_by_the_rest(tmp_path: Path) -> None:
    assert linted(tmp_path, steps=[ASK, kit(next={"id": 1, "$schema": ANSWER})]) == []
