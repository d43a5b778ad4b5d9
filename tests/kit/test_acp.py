"""Agents of the Agent Client Protocol: an honest one conforms, and nothing is asked that is not declared."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Outcome, by_requirement
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import from_file
from pytest_stdiobus.kit.verdict import Rules, Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.target import Target

pytest.importorskip("acp", reason="needs the extra acp")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the agent reads a pipe with asyncio")
PATIENT = 6.0  # a busy machine starts programs slowly


def judged(target: Target, select: str = "WRK-ACP") -> dict[str, CaseResult]:
    with Runner(target, Options(profile="acp", select=select, time_scale=PATIENT)) as runner:
        return {result.case.id: result for result in runner.run()}


def honest() -> Target:
    return from_file(data_dir() / "conformance" / "targets" / "acp-agent.json")


def test_the_bundled_agent_keeps_every_rule_of_the_profile() -> None:
    outcomes = by_requirement(judged(honest()).values())
    assert {name: result.reason for name, result in outcomes.items() if result.outcome is not Outcome.PASS} == {}
    assert verdict(outcomes, Rules(profile="acp")) is Verdict.CONFORMANT


AGENT = """
    def serve(**answers):
        for line in sys.stdin:
            message = json.loads(line)
            method = message.get("method")
            if "id" in message and method in answers:
                send({"jsonrpc": "2.0", "id": message["id"], **answers[method]})
            elif "id" in message and method:
                send({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "none"}})
    OPENED = {"result": {"protocolVersion": 1}}
"""


def test_what_an_agent_does_not_declare_is_not_asked(target: Callable[..., Target]) -> None:
    results = judged(target(AGENT + "    serve(initialize=OPENED)"), "WRK-ACP-16")
    assert {result.outcome for result in results.values()} == {Outcome.NOT_APPLICABLE}


def test_an_agent_that_wants_a_login_first_is_excused(target: Callable[..., Target]) -> None:
    code = (
        AGENT
        + """
    LOGIN = {"error": {"code": -32000, "message": "log in"}}
    serve(**{"initialize": OPENED, "session/new": LOGIN})
    """
    )
    results = judged(target(code), "acp/prompt-again")
    assert {result.outcome for result in results.values()} == {Outcome.UNTESTABLE}
    assert all("login" in finding.explanation for result in results.values() for finding in result.findings)


def test_an_agent_without_initialize_fails_one_rule_and_not_all(target: Callable[..., Target]) -> None:
    outcomes = by_requirement(judged(target(AGENT + "    serve()"), "WRK-ACP-05 or WRK-ACP-22").values())
    failed = {name for name, result in outcomes.items() if result.outcome is Outcome.FAIL}
    assert failed == {"WRK-ACP-01"}
