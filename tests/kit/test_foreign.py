"""Models of installed packages: what they do not know is not held against anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import foreign, wire
from pytest_stdiobus.kit.checks.conversation import misfits
from pytest_stdiobus.kit.history import TARGET, History
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.target import Target

TEXT = {"type": "text", "text": "hello"}


def faults(protocol: str, method: str, result: Any) -> list[str]:
    """What is wrong with the result of a method."""
    history = History({"profile": protocol})
    history.add(TARGET, "line", dir="in", data=wire.encode({"jsonrpc": "2.0", "id": 1, "method": method}))
    history.add(TARGET, "line", dir="out", data=wire.encode({"jsonrpc": "2.0", "id": 1, "result": result}))
    return [why for _, why in misfits(history, protocol)]


def faults_of_update(update: dict[str, Any]) -> list[str]:
    history = History({"profile": "acp"})
    params = {"sessionId": "s", "update": update}
    message = {"jsonrpc": "2.0", "method": "session/update", "params": params}
    history.add(TARGET, "line", dir="out", data=wire.encode(message))
    return [why for _, why in misfits(history, "acp")]


@pytest.mark.parametrize(
    "update",
    [
        {"sessionUpdate": "agent_message_chunk", "content": TEXT},
        {"sessionUpdate": "agent_message_chunk", "content": TEXT, "later": 1, "_meta": {"own": True}},
        {"sessionUpdate": "agent_message_chunk", "content": {"type": "hologram", "data": "..."}},
        {"sessionUpdate": "of_a_newer_version", "anything": []},
    ],
    ids=["plain", "more-members", "unknown-content", "unknown-update"],
)
def test_what_a_newer_schema_may_have_is_no_fault(update: dict[str, Any]) -> None:
    pytest.importorskip("acp", reason="needs the extra acp")
    assert faults_of_update(update) == []


@pytest.mark.parametrize(
    ("update", "told"),
    [
        ({"sessionUpdate": "agent_message_chunk", "content": "hello"}, "$.update.content"),
        ({"sessionUpdate": "agent_message_chunk", "content": {"type": "text"}}, "'text' is a required property"),
        ({"content": TEXT}, "$.update"),
    ],
    ids=["bare-text", "text-missing", "kind-missing"],
)
def test_what_contradicts_the_schema_is_told_with_its_place(update: dict[str, Any], told: str) -> None:
    pytest.importorskip("acp", reason="needs the extra acp")
    (why,) = faults_of_update(update)
    assert told in why
    assert f"agent-client-protocol {getattr(foreign.models('acp'), 'version', '')}" in why


def test_a_loaded_session_may_be_answered_with_null_and_a_new_one_may_not() -> None:
    pytest.importorskip("acp", reason="needs the extra acp")
    assert faults("acp", "session/load", None) == []
    assert faults("acp", "session/new", None) != []


def test_a_result_of_mcp_may_have_more_members_and_must_have_its_own() -> None:
    pytest.importorskip("mcp", reason="needs the extra mcp")
    assert faults("mcp", "tools/list", {"tools": [], "_meta": {"own": 1}, "later": True}) == []
    assert "'tools' is a required property" in faults("mcp", "tools/list", {})[0]


def test_methods_that_the_package_does_not_know_are_not_judged() -> None:
    pytest.importorskip("mcp", reason="needs the extra mcp")
    assert faults("mcp", "example/none", {"anything": 1}) == []


def test_without_the_package_its_rule_is_skipped_with_what_to_install(
    target: Callable[..., Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "models", lambda _: None)
    code = """
    for line in sys.stdin:
        send({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {"protocolVersion": 1, "sessionId": "s"}})
    """
    with Runner(target(code), Options(profile="acp")) as runner:
        (case,) = [case for case in runner.cases if case.requirements[0] == "WRK-ACP-19"]
        result = runner.run_case(case)
    assert {finding.outcome for finding in result.findings} == {Outcome.SKIPPED}
    assert "pip install 'pytest-stdiobus[acp]'" in result.findings[0].explanation
