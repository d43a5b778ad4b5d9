"""What a target asks of its client is answered, as little as lets it go on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.survey import Survey

from .conftest import ANSWER, ASK, UNSOLICITED, case

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.case import Case
    from pytest_stdiobus.kit.target import Target

ASKING = """
    for line in sys.stdin:
        message = json.loads(line)
        if "method" in message:
            asked = message["id"]
            send({"jsonrpc": "2.0", "id": 0, "method": METHOD, "params": PARAMS})
        else:
            send({"jsonrpc": "2.0", "id": asked, "result": message})
"""
OPTIONS = [
    {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]
ANSWERED = {"client": "kit", "until": {"id": 1, "$schema": ANSWER}, "before": UNSOLICITED}


def answer(target: Target, profile: str, played: Case) -> Any:
    """What the target was answered: it says it again as its result."""
    with Runner(target, Options(profile=profile, time_scale=0.5)) as runner:
        runner.survey = Survey()  # these targets answer no handshake
        history = runner.run_case(played).history
    assert history is not None
    results = [wire.parsed(event.data) for event in history.lines()]
    return next((line["result"] for line in results if "result" in line), None)


def asked(profile: str, method: str, params: Any, target: Callable[..., Target], *steps: Any) -> Any:
    code = f"\n    METHOD, PARAMS = {method!r}, {params!r}\n{ASKING}"
    return answer(target(code), profile, replace(case(*(steps or (ASK, ANSWERED))), prelude=False))


def test_a_permission_is_refused(target: Callable[..., Target]) -> None:
    told = asked("acp", "session/request_permission", {"options": OPTIONS}, target)
    assert told["result"] == {"outcome": {"outcome": "selected", "optionId": "no"}}
    assert told["id"] == 0


@pytest.mark.parametrize("params", [{}, {"options": []}, {"options": "all"}, []], ids=str)
def test_a_permission_that_offers_nothing_is_an_error(params: Any, target: Callable[..., Target]) -> None:
    assert asked("acp", "session/request_permission", params, target)["error"]["code"] == -32602


def test_a_ping_is_answered(target: Callable[..., Target]) -> None:
    assert asked("mcp", "ping", {}, target)["result"] == {}


@pytest.mark.parametrize(("profile", "method"), [("acp", "fs/read_text_file"), ("mcp", "roots/list")])
def test_what_the_client_has_not_declared_is_not_there(
    profile: str, method: str, target: Callable[..., Target]
) -> None:
    assert asked(profile, method, {}, target)["error"]["code"] == -32601


def test_a_worker_of_the_bus_is_left_to_its_case(target: Callable[..., Target]) -> None:
    assert asked("bus", "ping", {}, target) is None


def test_what_a_case_reads_itself_is_left_to_it(target: Callable[..., Target]) -> None:
    reads = {"client": "kit", "until": {"method": "ping", "id": 0, "params": {}}, "as": "asked"}
    reply = {"client": "kit", "send": {"jsonrpc": "2.0", "id": {"$from": "asked/id"}, "result": {"by": "case"}}}
    assert asked("mcp", "ping", {}, target, ASK, reads, reply, ANSWERED)["result"] == {"by": "case"}
