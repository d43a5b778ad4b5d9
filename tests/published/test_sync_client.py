"""The client without await."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.published.conftest import Client


def test_the_client_without_await_does_the_same(client: Client) -> None:
    lines: list[str] = []
    bus = client.bus.StdioBus(**client.arguments(client.pool("w", "hello")))
    try:
        assert bus.connect(client.bus.HelloParams()).session_id == "agent-1"
        assert (bus.agent_session_id, bus.is_running()) == ("agent-1", True)
        bus.on_notification(lines.append)
        say = {"chunks": ["one", " two"], "result": {}}
        assert bus.request("say", say, options=client.bus.RequestOptions(agent_id="a")) == {"text": "one two"}
        assert len(lines) == 2
        bus.notify("plain", {"a": 1}, options=client.bus.RequestOptions(session_id="s"))
        assert bus.send('{"jsonrpc":"2.0","method":"raw","sessionId":"s"}') is True
        assert [message["method"] for message in bus.request("notified")["wire"]] == ["plain", "raw"]
        with pytest.raises(client.bus.TimeoutError):
            bus.request("stay silent", timeout_ms=50)
        assert bus.get_stats().messages_in == 6
        assert (bus.get_backend_type(), bus.get_state()) == (client.backend, client.bus.BusState.RUNNING)
    finally:
        bus.destroy()
    assert not bus.is_running()


def test_the_client_without_await_is_a_context_manager(names: Client) -> None:
    with names.bus.StdioBus(**names.arguments()) as bus:
        assert bus.request("echo", [1]) == {"echo": [1]}
    assert not bus.is_running()
