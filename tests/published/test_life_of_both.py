"""States and introspection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.published.conftest import Client

pytestmark = pytest.mark.asyncio


async def test_a_started_bus_runs_and_a_destroyed_one_is_stopped(client: Client) -> None:
    bus = client.make()
    assert not bus.is_running()
    try:
        await bus.start()
        assert (bus.get_state(), bus.is_running()) == (client.bus.BusState.RUNNING, True)
    finally:
        bus.destroy()
    assert (bus.get_state(), bus.is_running()) == (client.bus.BusState.STOPPED, False)


async def test_a_request_before_start_is_refused(client: Client) -> None:
    with pytest.raises(client.bus.InvalidStateError):
        await client.make().request("echo")


async def test_a_bus_starts_once(client: Client) -> None:
    async with client.running() as bus:
        with pytest.raises(client.bus.InvalidStateError):
            await bus.start()
        await bus.stop(0)
        with pytest.raises(client.bus.InvalidStateError):
            await bus.start()


async def test_stop_fails_what_is_in_flight(client: Client) -> None:
    async with client.running() as bus:
        pending = asyncio.ensure_future(bus.request("stay silent"))
        await bus.request("echo")
        await bus.stop(0)
        with pytest.raises(client.bus.TransportError):
            await pending


async def test_stop_and_destroy_may_be_repeated(client: Client) -> None:
    bus = client.make()
    await bus.stop(0)
    await bus.start()
    await bus.request("echo")
    await bus.stop(0)
    await bus.stop(0)
    bus.destroy()
    bus.destroy()


async def test_the_bus_tells_what_it_is(client: Client) -> None:
    async with client.running(client.pool(instances=2)) as bus:
        assert bus.get_backend_type() == client.backend
        assert bus.get_listen_mode() is client.bus.ListenMode.NONE
        assert bus.get_worker_count() == (2 if client.backend == "native" else -1)
        assert bus.client_session_id.startswith("client-")
        await bus.request("echo")
        stats = bus.get_stats()
        assert (stats.messages_in, stats.messages_out) == (1, 1)
        assert min(stats.bytes_in, stats.bytes_out) > 50


async def test_every_bus_has_a_session_of_its_own(names: Client) -> None:
    assert names.make().client_session_id != names.make().client_session_id
