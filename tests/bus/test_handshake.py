"""The handshake over a real kernel and scripted workers, on every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    DockerOptions,
    ExtensionInfo,
    HelloParams,
    HelloResult,
    NegotiationFailedError,
    RemoteError,
)

if TYPE_CHECKING:
    from tests.conftest import MakeBus, WorkerPool


def answering(result: Any) -> str:
    return f"for m in lines: answer(m, {result!r})"


@pytest.mark.req("SDK-WIR-04")
@pytest.mark.asyncio
async def test_connect_starts_and_agrees(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    code = """
    for m in lines:
        x = {"seen": {"selected": str(m["method"] == "stdio_bus/hello" and m["params"]), "active": True}, "off": {"version": "2"}}
        answer(m, {"negotiatedProtocolVersion": "1", "sessionId": "agent", "extensions": x})
    """
    bus = AsyncStdioBus(BusConfig(pools=[worker(code)]), backend=stdiobus_backend, docker=stdiobus_docker)
    try:
        assert bus.agent_session_id is None
        agreed = await bus.connect(HelloParams("0.9", {"seen": ExtensionInfo("1", required=True)}))
        sent = {"protocolVersion": "0.9", "extensions": {"seen": {"version": "1", "required": True}}}
        extensions = {"seen": ExtensionInfo(str(sent), active=True), "off": ExtensionInfo("2")}
        assert agreed == HelloResult("1", "agent", extensions)
        assert bus.agent_session_id == "agent"
    finally:
        await bus.stop()


@pytest.mark.req("SDK-WIR-04")
@pytest.mark.asyncio
async def test_connect_without_an_offer_only_starts(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    bus = AsyncStdioBus(BusConfig(pools=[worker(answering({}))]), backend=stdiobus_backend, docker=stdiobus_docker)
    try:
        assert await bus.connect() is None
        assert bus.is_running()
    finally:
        await bus.stop()


@pytest.mark.req("SDK-WIR-05")
@pytest.mark.parametrize(
    "result",
    [
        {},
        [],
        {"negotiatedProtocolVersion": 1},
        {"negotiatedProtocolVersion": "1"},
        {"negotiatedProtocolVersion": "1", "extensions": {"x": {"active": False}}},
        {"negotiatedProtocolVersion": "1", "extensions": {"x": 1}},
    ],
)
async def test_what_is_no_agreement_is_a_negotiation_failure(
    make_stdiobus: MakeBus, worker: WorkerPool, result: Any
) -> None:
    bus = await make_stdiobus([worker(answering(result))])
    with pytest.raises(NegotiationFailedError):
        await bus.hello(HelloParams(extensions={"x": ExtensionInfo("1", required=True)}))
    assert bus.agent_session_id is None


@pytest.mark.req("SDK-WIR-05")
@pytest.mark.parametrize(("code", "kind"), [(-32601, NegotiationFailedError), (5, RemoteError)])
async def test_a_peer_that_does_not_know_hello_is_a_negotiation_failure(
    make_stdiobus: MakeBus, worker: WorkerPool, code: int, kind: type[Exception]
) -> None:
    program = f"""
    for m in lines:
        send({{"jsonrpc": "2.0", "id": m["id"], "sessionId": m["sessionId"], "error": {{"code": {code}, "message": "?"}}}})
    """
    bus = await make_stdiobus([worker(program)])
    with pytest.raises(kind):
        await bus.hello()


@pytest.mark.req("SDK-WIR-05")
@pytest.mark.asyncio
async def test_a_failed_connect_leaves_no_bus_behind(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    bus = AsyncStdioBus(BusConfig(pools=[worker(answering({}))]), backend=stdiobus_backend, docker=stdiobus_docker)
    with pytest.raises(NegotiationFailedError):
        await bus.connect(HelloParams())
    assert bus.get_state().name == "STOPPED"


@pytest.mark.parametrize("active", [None, 1, "true", []])
def test_an_extension_is_active_only_where_the_peer_says_true(active: Any) -> None:
    agreed = HelloResult.from_dict({"extensions": {"a": {"version": "1", "active": active}}})
    assert agreed.extensions["a"] == ExtensionInfo(version="1", active=False)
