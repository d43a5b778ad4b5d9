"""The schema that a tool declares for its output is somebody else's: it decides about its own tool, and about nothing else."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import untrusted
from pytest_stdiobus.kit.checks.mcp import structured_content_fits_its_schema
from pytest_stdiobus.kit.judge import judge
from pytest_stdiobus.kit.result import Outcome

from .conftest import case
from .histories import came, decided, history, sent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_stdiobus.kit.history import History
    from pytest_stdiobus.kit.result import Finding

OLDER = "http://json-schema.org/draft-07/schema#"
DEEP: dict[str, Any] = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}


def conversation(schema: Any, content: Any, *listed: Any, called: Iterable[str] = ("t",)) -> History:
    """Tools are called and all answer with this content; one of this schema is listed after others."""
    tools = [*listed, {"name": "t", "outputSchema": schema}]
    calls = [{"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": {"name": name}} for name in called]
    answers = [
        {"jsonrpc": "2.0", "id": name, "result": {"content": [], "structuredContent": content}} for name in called
    ]
    head = {
        "profile": "mcp",
        "capabilities": ["mcp-tools"],
        "values": {"survey": {"tools": {"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}}},
    }
    return history(*map(sent, calls), *map(came, answers), decided(0), **head)


def found(schema: Any, content: Any, *listed: Any) -> list[Finding]:
    """What is found where a tool with this schema has this structured content, among others that are listed."""
    return list(structured_content_fits_its_schema(conversation(schema, content, *listed)))


@pytest.mark.parametrize("dialect", [{}, {"$schema": OLDER}], ids=["latest", "older"])
def test_content_is_held_against_patterns_and_references_within_the_schema(dialect: dict[str, str]) -> None:
    schema = {
        **dialect,
        "properties": {"day": {"$ref": "#/definitions/day"}},
        "definitions": {"day": {"type": "string", "pattern": "^[a-z]{3}$"}},
    }
    assert found(schema, {"day": "mon"}) == []
    (finding,) = found(schema, {"day": "Monday"})
    assert finding.outcome is Outcome.FAIL
    assert "$.day: 'Monday' does not match" in finding.explanation


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"$schema": "https://example.com/dialect"},
        {"$schema": []},
        {"pattern": "("},
    ],
    ids=json.dumps,
)
def test_a_schema_that_means_nothing_is_not_judged_by(schema: Any) -> None:
    (finding,) = found(schema, "text")
    assert finding.outcome is Outcome.UNTESTABLE
    assert "cannot be judged by the output schema of t" in finding.explanation


def test_what_a_schema_refers_to_is_not_fetched(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"type": "object"}', encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        for address in (f"http://127.0.0.1:{server.getsockname()[1]}/other", (tmp_path / "other.json").as_uri()):
            (finding,) = found({"$ref": address}, {})
            assert finding.outcome is Outcome.UNTESTABLE
            assert address in finding.explanation
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    ("schema", "content"),
    [({"pattern": "^(a+)+$"}, "a" * 60 + "!"), ({"$ref": "#/$defs/d0", "$defs": {**DEEP, "d60": {}}}, {})],
    ids=["pattern", "references"],
)
def test_a_schema_that_takes_for_ever_is_given_up(schema: Any, content: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untrusted, "DEADLINE_S", 0.5)
    (finding,) = found(schema, content)
    assert finding.outcome is Outcome.UNTESTABLE
    assert "that takes more than 0.5 s" in finding.explanation


def test_an_entry_that_is_no_tool_is_passed_over() -> None:
    (finding,) = found({"type": "object"}, "text", None, [], {}, {"name": []}, {"outputSchema": {}})
    assert finding.outcome is Outcome.FAIL


def test_a_tool_by_which_nothing_can_be_judged_does_not_hide_the_fault_of_another() -> None:
    called, listed = ("odd", "t"), {"name": "odd", "outputSchema": {"$ref": "#"}}
    told = conversation({"type": "object"}, "text", listed, called=called)
    steps = ({"client": "kit", "take": 2, "all": {"$schema": {}}},)
    played = case(*steps, requirements=("WRK-MCP-10",))
    outcomes = {finding.requirement: finding.outcome for finding in judge(played, played.steps, told, "worker")}
    assert outcomes["WRK-MCP-10"] is Outcome.FAIL


@pytest.mark.parametrize(
    "survey", [{}, {"tools": None}, {"tools": {"result": []}}, {"tools": {"result": {"tools": 1}}}]
)
def test_a_list_of_tools_that_is_none_accuses_nobody(survey: Any) -> None:
    assert list(structured_content_fits_its_schema(history(values={"survey": survey}, profile="mcp"))) == []
