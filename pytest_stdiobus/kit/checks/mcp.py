"""What is true of every history of an MCP server, whatever the case was about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import untrusted, wire
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.checks.conversation import conversation, misfits, params_of
from pytest_stdiobus.kit.checks.worker import at_most_one_response_to_a_request, only_json_objects_on_stdout
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.history import Event, History

_BEFORE_INITIALIZED = frozenset({"ping", "logging/setLevel"})


@invariant("WRK-MCP-03", subject="worker", profile="mcp")
def only_messages_on_stdout(history: History) -> Iterator[Finding]:
    """Every line is one message of JSON-RPC 2.0."""
    for finding in only_json_objects_on_stdout(history):
        yield Finding("WRK-MCP-03", Outcome.FAIL, finding.explanation, finding.events)
    for event in history.lines():
        message = wire.parsed(event.data)
        if message is not None and not _is_message(message):
            yield _fail("WRK-MCP-03", event, f"{wire.preview(event.data)} is not a message of JSON-RPC 2.0")


@invariant("WRK-MCP-04", subject="worker", profile="mcp")
def one_response_to_a_request(history: History) -> Iterator[Finding]:
    """No request is answered twice, and nothing is answered that was not asked."""
    for finding in at_most_one_response_to_a_request(history):
        yield Finding("WRK-MCP-04", Outcome.FAIL, finding.explanation, finding.events)


@invariant("WRK-MCP-10", subject="worker", profile="mcp")
def structured_content_fits_its_schema(history: History) -> Iterator[Finding]:
    """A tool that declares the schema of its output keeps it."""
    schemas = _output_schemas(history)
    for said in conversation(history):
        result, name = said.message.get("result"), params_of(said.request).get("name")
        if said.method != "tools/call" or not isinstance(result, dict) or result.get("isError"):
            continue
        if isinstance(name, str) and name in schemas:
            try:
                if fault := untrusted.checked(result.get("structuredContent"), schemas[name]):
                    why = f"the structured content of {name} does not fit its output schema: {fault}"
                    yield _fail("WRK-MCP-10", said.event, why)
            except untrusted.UnjudgedError as error:
                why = f"it cannot be judged by the output schema of {name}: {error}"
                yield Finding("WRK-MCP-10", Outcome.UNTESTABLE, why, (said.event.n,))


def _output_schemas(history: History) -> dict[str, dict[str, Any]]:
    """The schemas that tools declare for their outputs, by the name of the tool; what is no tool declares none."""
    try:
        listed = wire.at(history.head.get("values", {}), "survey/tools/result/tools")
    except LookupError:
        return {}
    tools = [tool for tool in listed if isinstance(tool, dict)] if isinstance(listed, list) else []
    declared = {tool["name"]: tool.get("outputSchema") for tool in tools if isinstance(tool.get("name"), str)}
    return {name: schema for name, schema in declared.items() if isinstance(schema, dict)}


@invariant("WRK-MCP-14", subject="worker", profile="mcp")
def progress_is_of_an_open_request_and_increases(history: History) -> Iterator[Finding]:
    """Progress names a token that an open request gave, grows, and stops with the response."""
    latest: dict[bytes, float] = {}
    for said in conversation(history):
        token = _token(said.request or said.message)
        if not said.by_target and said.kind is Kind.REQUEST and token is not None:
            latest[wire.encode(token)] = float("-inf")
        elif said.by_target and said.kind is Kind.RESPONSE and token is not None:
            latest.pop(wire.encode(token), None)
        elif said.by_target and said.method == "notifications/progress":
            params = params_of(said.message)
            key, progress = wire.encode(params.get("progressToken")), params.get("progress")
            if key not in latest:
                yield _fail("WRK-MCP-14", said.event, f"no open request has given the token {key.decode()}")
            elif isinstance(progress, (int, float)):
                if progress <= latest[key]:
                    yield _fail("WRK-MCP-14", said.event, f"{progress} is not more than {latest[key]} before it")
                latest[key] = progress


@invariant("WRK-MCP-18", subject="worker", profile="mcp")
def messages_fit_the_models(history: History) -> Iterator[Finding]:
    """Results and parameters are valid against the models of the protocol."""
    for event, why in misfits(history, "mcp"):
        yield _fail("WRK-MCP-18", event, why)


@invariant("WRK-MCP-21", subject="worker", profile="mcp")
def nothing_is_asked_before_initialized(history: History) -> Iterator[Finding]:
    """Before the client has said that it is ready, a server asks nothing but whether it is there."""
    for said in conversation(history):
        if said.method == "notifications/initialized":
            return
        if said.by_target and said.kind is Kind.REQUEST and said.method not in _BEFORE_INITIALIZED:
            yield _fail("WRK-MCP-21", said.event, f"{said.method} was asked before notifications/initialized")


def _is_message(message: dict[str, Any]) -> bool:
    """An error whose request could not be read has no id in MCP, or null as in JSON-RPC."""
    known = wire.kind_of(message) is not Kind.OTHER or isinstance(message.get("error"), dict)
    return known and message.get("jsonrpc") == "2.0"


def _token(message: dict[str, Any]) -> Any:
    meta = params_of(message).get("_meta")
    return meta.get("progressToken") if isinstance(meta, dict) else None


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
