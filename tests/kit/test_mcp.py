"""Servers of the Model Context Protocol: an honest one conforms, and nothing is asked that is not declared."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import history as histories
from pytest_stdiobus.kit.offline import rejudge
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Outcome, by_requirement
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import from_file
from pytest_stdiobus.kit.verdict import Rules, Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.kit.target import Target

pytest.importorskip("mcp", reason="needs the extra mcp")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the server reads a pipe with asyncio")
PATIENT = 6.0  # a busy machine starts programs slowly


def judged(target: Target, select: str = "WRK-MCP") -> dict[str, CaseResult]:
    with Runner(target, Options(profile="mcp", select=select, time_scale=PATIENT)) as runner:
        return {result.case.id: result for result in runner.run()}


def test_the_bundled_server_keeps_every_rule_of_the_profile() -> None:
    target = from_file(data_dir() / "conformance" / "targets" / "mcp-server.json")
    outcomes = by_requirement(judged(target).values())
    assert {name: result.reason for name, result in outcomes.items() if result.outcome is not Outcome.PASS} == {}
    assert verdict(outcomes, Rules(profile="mcp")) is Verdict.CONFORMANT


SERVER = """
    def serve(**answers):
        for line in sys.stdin:
            message = json.loads(line)
            if "id" not in message:
                continue
            method = message["method"]
            known = answers.get(method.replace("/", "_"), {"error": {"code": -32601, "message": "none"}})
            send({"jsonrpc": "2.0", "id": message["id"], **known})
    def opened(**capabilities):
        about = {"protocolVersion": "2025-11-25", "serverInfo": {"name": "s", "version": "1"}}
        return {"result": {**about, "capabilities": capabilities}}
    def tools(**annotations):
        tool = {"name": "t", "inputSchema": {"type": "object"}, "annotations": annotations}
        return {"result": {"tools": [tool]}}
"""


def test_what_a_server_does_not_declare_is_not_asked(target: Callable[..., Target]) -> None:
    results = judged(target(SERVER + "    serve(initialize=opened())"), "tools-list or resources-list or prompts-list")
    assert {result.outcome for result in results.values()} == {Outcome.NOT_APPLICABLE}


def test_what_a_server_declares_must_work(target: Callable[..., Target]) -> None:
    results = judged(target(SERVER + "    serve(initialize=opened(prompts={}))"), "prompts-list")
    assert {result.outcome for result in results.values()} == {Outcome.FAIL}


@pytest.mark.parametrize(
    ("hint", "outcome"), [("readOnlyHint=True", Outcome.FAIL), ("readOnlyHint=False", Outcome.NOT_APPLICABLE)]
)
def test_only_a_tool_that_says_it_reads_is_called_unasked(
    target: Callable[..., Target], hint: str, outcome: Outcome
) -> None:
    code = SERVER + f"    serve(initialize=opened(tools={{}}), tools_list=tools({hint}))"
    results = judged(target(code), "mcp/call")
    assert {result.outcome for result in results.values()} == {outcome}


def test_structured_content_is_held_against_the_schema_of_its_tool(target: Callable[..., Target]) -> None:
    code = (
        SERVER
        + """
    listed = tools(readOnlyHint=True)
    listed["result"]["tools"][0]["outputSchema"] = {"type": "object", "required": ["sum"]}
    answer = {"result": {"content": [], "structuredContent": {"total": 1}}}
    serve(initialize=opened(tools={}), tools_list=listed, tools_call=answer)
    """
    )
    (result,) = judged(target(code), "mcp/call").values()
    assert [finding.requirement for finding in result.failures] == ["WRK-MCP-10"]
    assert "'sum' is a required property" in result.failures[0].explanation


def test_an_answer_that_no_file_can_hold_leaves_the_history_readable(
    target: Callable[..., Target], tmp_path: Path
) -> None:
    code = (
        SERVER
        + """
    def send(message):
        print(json.dumps(message).replace('"HUGE"', "1e999"), flush=True)
    serve(initialize=opened(experimental={"odd": {"n": "HUGE"}}))
    """
    )
    (result,) = judged(target(code), "id-comes-back[one]").values()
    assert result.history is not None
    result.history.write(tmp_path / "h.ndjson")
    assert rejudge(histories.read(tmp_path / "h.ndjson")).findings == result.findings


def test_what_a_server_makes_of_garbage_is_not_held_against_the_protocol(target: Callable[..., Target]) -> None:
    code = """
    for line in sys.stdin:
        try:
            message = json.loads(line)
        except ValueError:
            message = {"id": "garbage", "method": ""}
        about = {"protocolVersion": "2025-11-25", "serverInfo": {"name": "s", "version": "1"}, "capabilities": {}}
        if "id" in message:
            send({"jsonrpc": "2.0", "id": message["id"], "result": about if message["method"] == "initialize" else {}})
    """
    results = judged(target(code), "bad-line and words")
    failed = {finding.requirement for result in results.values() for finding in result.failures}
    assert failed
    assert not {name for name in failed if name.startswith("WRK-MCP")}
