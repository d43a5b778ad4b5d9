"""What both clients do with messages."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.published.conftest import Client

pytestmark = pytest.mark.asyncio

CHUNKS = {"chunks": ["one", " two"], "result": {"stop": True}}


async def test_a_request_is_answered(client: Client) -> None:
    async with client.running() as bus:
        assert await bus.request("echo", {"message": "hi"}) == {"echo": {"message": "hi"}}
        assert await bus.request("say", {"chunks": [], "result": 7}) == 7


async def test_a_request_is_written_as_documented(client: Client) -> None:
    async with client.running() as bus:
        wire = (await bus.request("wire", {"a": 1}))["wire"]
        assert isinstance(wire.pop("id"), str)
        assert wire == {"jsonrpc": "2.0", "method": "wire", "params": {"a": 1}, "sessionId": bus.client_session_id}
        assert "params" not in (await bus.request("wire"))["wire"]


async def test_the_session_of_a_call_is_the_options_the_arguments_or_the_clients_own(client: Client) -> None:
    options = client.bus.RequestOptions(session_id="of the options")
    async with client.running() as bus:
        answers = [
            await bus.request("wire"),
            await bus.request("wire", session_id="named"),
            await bus.request("wire", session_id="named", options=options),
        ]
    sessions = [answer["wire"]["sessionId"] for answer in answers]
    assert sessions == [bus.client_session_id, "named", "of the options"]


async def test_agent_identity_and_audit_are_written_as_documented(client: Client) -> None:
    identity, audit = client.bus.Identity("user-1", "operator"), client.bus.AuditEvent("evt-1", "read")
    options = client.bus.RequestOptions(agent_id="agent-42", identity=identity, audit=audit)
    async with client.running() as bus:
        wire = (await bus.request("wire", {"a": 1}, options=options))["wire"]
    assert wire["agentId"] == "agent-42"
    assert wire["_ext"] == {"identity": identity.to_dict(), "audit": audit.to_dict()}


async def test_concurrent_requests_get_their_own_answers(client: Client) -> None:
    async with client.running() as bus:
        answers = await asyncio.gather(*[bus.request("echo", {"n": n}) for n in range(20)])
    assert [answer["echo"]["n"] for answer in answers] == list(range(20))


async def test_answers_in_another_order_find_their_requests(client: Client) -> None:
    async with client.running() as bus:
        first, second = await asyncio.gather(bus.request("hold", {"n": 1}), bus.request("echo", {"n": 2}))
    assert (first, second) == ({"held": {"n": 1}}, {"echo": {"n": 2}})


async def test_a_timeout_raises(client: Client) -> None:
    options = client.bus.RequestOptions(timeout_ms=50)
    async with client.running() as bus:
        for arguments in ({"timeout_ms": 50}, {"options": options}, {"timeout_ms": 60_000, "options": options}):
            with pytest.raises(client.bus.TimeoutError):
                await bus.request("stay silent", **arguments)
        assert await bus.request("echo", [1]) == {"echo": [1]}


async def test_a_workers_error_is_an_internal_error(client: Client) -> None:
    async with client.running() as bus:
        with pytest.raises(client.bus.InternalError) as caught:
            await bus.request("fail", {"code": -32601, "message": "no such tool", "data": {"tool": "x"}})
    assert (caught.value.message, caught.value.details) == ("no such tool", {"tool": "x"})


@pytest.mark.parametrize(
    ("given", "result"),
    [({"stop": True}, {"stop": True, "text": "one two"}), ({"text": "own"}, {"text": "one two"}), (7, 7)],
)
async def test_chunks_are_aggregated_into_a_result_that_is_an_object(client: Client, given: Any, result: Any) -> None:
    async with client.running() as bus:
        assert await bus.request("say", {"chunks": ["one", " two"], "result": given}) == result


async def test_a_stream_gives_its_chunks_then_its_result(client: Client) -> None:
    async with client.running() as bus:
        events = [(event.type, event.text, event.result) async for event in bus.stream_request("say", CHUNKS)]
    result = {"stop": True, "text": "one two"}
    assert events == [("chunk", "one", None), ("chunk", " two", None), ("result", None, result)]


async def test_streams_run_one_after_the_other(client: Client) -> None:
    async with client.running() as bus:
        for _ in range(2):
            assert [event.type async for event in bus.stream_request("say", CHUNKS)] == ["chunk", "chunk", "result"]


async def test_a_stream_has_a_total_timeout(client: Client) -> None:
    async with client.running() as bus:
        with pytest.raises(client.bus.TimeoutError):
            _ = [event async for event in bus.stream_request("stay silent", timeout_ms=50)]


async def test_a_stream_raises_the_workers_error(client: Client) -> None:
    async with client.running() as bus:
        with pytest.raises(client.bus.StdioBusError, match="broken"):
            _ = [event async for event in bus.stream_request("fail", {"code": 42, "message": "broken"})]


async def test_a_notification_reaches_the_worker(client: Client) -> None:
    options = client.bus.RequestOptions(agent_id="agent-42")
    async with client.running() as bus:
        await bus.notify("plain")
        await bus.notify("full", {"a": 1}, options=options)
        plain, full = (await bus.request("notified"))["wire"]
    assert plain == {"jsonrpc": "2.0", "method": "plain", "sessionId": bus.client_session_id}
    assert full == plain | {"method": "full", "params": {"a": 1}, "agentId": "agent-42"}


async def test_a_raw_line_is_sent_as_it_is(client: Client) -> None:
    async with client.running() as bus:
        assert bus.send('{"jsonrpc":"2.0","method":"raw","sessionId":"s9"}') is True
        assert (await bus.request("notified"))["wire"] == [{"jsonrpc": "2.0", "method": "raw", "sessionId": "s9"}]


async def test_handlers_get_lines(client: Client) -> None:
    messages: list[str] = []
    notifications: list[str] = []
    async with client.running() as bus:
        bus.on_message(messages.append)
        bus.on_notification(notifications.append)
        await bus.request("note", {"count": 2})
    assert [json.loads(line)["params"]["number"] for line in notifications] == [0, 1]
    assert [("id" in json.loads(line)) for line in messages] == [False, False, True]


async def test_a_handler_that_raises_harms_nobody(client: Client) -> None:
    def broken(line: str) -> None:
        raise RuntimeError(line)

    async with client.running() as bus:
        bus.on_message(broken)
        assert await bus.request("echo", [1]) == {"echo": [1]}


async def test_every_subscription_gets_every_notification(client: Client) -> None:
    async with client.running() as bus:
        subscriptions = [bus.subscribe_notifications() for _ in range(2)]
        await bus.request("note", {"count": 2})
        for subscription in subscriptions:
            assert isinstance(subscription, client.bus.NotificationSubscription)
            assert [(await anext_of(subscription))["params"] for _ in range(2)] == [{"number": 0}, {"number": 1}]


@pytest.mark.parametrize("overflow", ["drop", "close"])
async def test_a_full_subscription_drops_the_newest_or_closes(client: Client, overflow: str) -> None:
    async with client.running() as bus:
        subscription = bus.subscribe_notifications(max_queue=2, overflow=overflow)
        await bus.request("note", {"count": 4})
        if overflow == "drop":
            subscription.close()
        assert [item["params"]["number"] async for item in subscription] == [0, 1]


async def test_a_closed_subscription_ends_after_what_is_buffered(client: Client) -> None:
    async with client.running() as bus:
        subscription = bus.subscribe_notifications()
        await bus.request("note", {"count": 1})
        subscription.close()
        subscription.close()
        await bus.request("note", {"count": 1})
        assert [item["params"]["number"] async for item in subscription] == [0]


async def test_the_end_of_the_bus_ends_a_subscription(client: Client) -> None:
    async with client.running() as bus:
        subscription = bus.subscribe_notifications()
        await bus.stop(0)
        assert [item async for item in subscription] == []


async def test_hello_agrees_on_version_session_and_extensions(client: Client) -> None:
    info = client.public("ExtensionInfo")
    params = client.bus.HelloParams(extensions={"identity": info(version="1.0", required=True)})
    bus = client.make(client.pool("w", "hello"))
    try:
        result = await bus.connect(params)
        assert (result.negotiated_protocol_version, result.session_id) == ("0.1.0", "agent-1")
        assert (result.extensions["identity"].version, result.extensions["identity"].active) == ("1.0", True)
        assert bus.agent_session_id == "agent-1"
        assert (await bus.request("wire"))["wire"]["sessionId"] == bus.client_session_id
        assert (await bus.hello()).session_id == "agent-1"
    finally:
        bus.destroy()


async def test_connect_without_parameters_only_starts(client: Client) -> None:
    bus = client.make()
    try:
        assert await bus.connect() is None
        assert bus.is_running()
        assert bus.agent_session_id is None
    finally:
        bus.destroy()


async def anext_of(subscription: Any) -> Any:
    return await asyncio.wait_for(subscription.__anext__(), 3)
