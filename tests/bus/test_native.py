"""What only the native backend does: drive a library from the loop."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, InvalidArgumentError, LimitsConfig, NativeOptions, PoolConfig
from pytest_stdiobus.data import data_dir

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_stdiobus.bus.backends.native import NativeBackend

pytestmark = pytest.mark.asyncio
BOUND_SEC = 10


def echo() -> PoolConfig:
    return PoolConfig(id="echo", command=sys.executable, args=[str(data_dir() / "workers" / "echo.py")])


def native(bus: AsyncStdioBus) -> NativeBackend:
    backend: Any = bus._backend
    return backend  # type: ignore[no-any-return]


async def test_lines_the_kernel_has_no_room_for_are_sent_later_in_order() -> None:
    answer = """
import json, sys
for line in iter(sys.stdin.readline, ""):
    m = json.loads(line)
    print(json.dumps({"id": m["id"], "sessionId": m["sessionId"], "result": m["params"]["n"]}), flush=True)
"""
    pool = PoolConfig(id="w", command=sys.executable, args=["-c", answer])
    config = BusConfig(pools=[pool], limits=LimitsConfig(max_output_queue=20_000))
    async with AsyncStdioBus(config, backend="native") as bus:
        tasks = [asyncio.create_task(bus.request("m", {"n": n, "fill": "x" * 9_000})) for n in range(200)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert native(bus)._unsent
        assert await asyncio.wait_for(asyncio.gather(*tasks), BOUND_SEC) == list(range(200))


@pytest.mark.req("SDK-THR-02")
async def test_without_a_descriptor_the_bus_is_polled(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    def refuse(*_: object) -> None:
        raise NotImplementedError

    bus = AsyncStdioBus(BusConfig(pools=[echo()]), backend="native")
    monkeypatch.setattr(loop, "add_reader", refuse)
    async with bus:
        assert await bus.request("m", [1]) == {"echo": [1]}


@pytest.mark.req("SDK-THR-02")
async def test_an_idle_bus_asks_for_no_step() -> None:
    async with AsyncStdioBus(BusConfig(pools=[echo()]), backend="native") as bus:
        await bus.request("m")
        backend, steps = native(bus), []
        real = backend._lib

        class Counting:
            def __getattr__(self, name: str) -> Any:
                if name == "stdio_bus_step":
                    steps.append(name)
                return getattr(real, name)

        backend._lib = Counting()
        await asyncio.sleep(0.2)
        assert len(steps) < 5
        backend._lib = real


async def test_a_listener_serves_other_clients_and_says_where() -> None:
    options = NativeOptions(listen_mode="tcp", tcp_port=0)
    async with AsyncStdioBus(BusConfig(pools=[echo()]), native=options) as bus:
        assert bus.get_backend_type() == "native"
        address = bus.get_listen_address()
        assert isinstance(address, tuple)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b'{"jsonrpc":"2.0","id":1,"method":"m","params":[7]}\n')
        assert b'"echo":[7]' in await asyncio.wait_for(reader.readline(), BOUND_SEC)
        assert bus.get_client_count() == 1
        writer.close()
        await writer.wait_closed()


async def test_a_unix_listener_is_its_path(tmp_path: Path) -> None:
    options = NativeOptions(listen_mode="unix", unix_path=str(tmp_path / "s"))
    async with AsyncStdioBus(BusConfig(pools=[echo()]), native=options) as bus:
        assert bus.get_listen_address() == str(tmp_path / "s")
        assert (tmp_path / "s").is_socket()


@pytest.mark.parametrize(
    "options",
    [
        NativeOptions(listen_mode="tcp"),
        NativeOptions(listen_mode="tcp", tcp_port=70_000),
        NativeOptions(listen_mode="unix"),
        NativeOptions(listen_mode="smoke"),
    ],
)
async def test_a_listener_that_cannot_be_is_refused(options: NativeOptions) -> None:
    with pytest.raises(InvalidArgumentError):
        await AsyncStdioBus(BusConfig(pools=[echo()]), native=options).start()


async def test_counters_stay_readable_after_the_end() -> None:
    async with AsyncStdioBus(BusConfig(pools=[echo()]), backend="native") as bus:
        await bus.request("m")
    assert bus.get_stats().messages_in == 1
    assert bus.get_worker_count() == 0
