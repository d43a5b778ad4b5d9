"""What only the native backend does: drive a library from the loop."""

from __future__ import annotations

import asyncio
import select
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, InvalidArgumentError, LimitsConfig, NativeOptions, PoolConfig
from pytest_stdiobus.data import data_dir

if TYPE_CHECKING:
    from collections.abc import Callable
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


class Gate:
    """The library of a backend, of which a test sees or changes some functions."""

    def __init__(self, real: Any, **functions: Callable[..., Any]) -> None:
        self._real, self._functions = real, functions

    def __getattr__(self, name: str) -> Any:
        return self._functions[name] if name in self._functions else getattr(self._real, name)


def loop_that_refuses(monkeypatch: pytest.MonkeyPatch, _bus: AsyncStdioBus) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)


def library_without_a_descriptor(_monkeypatch: pytest.MonkeyPatch, bus: AsyncStdioBus) -> None:
    native(bus)._lib = Gate(native(bus)._lib, stdio_bus_get_poll_fd=lambda _bus: -1)


async def test_no_line_overtakes_one_that_waits_for_room() -> None:
    async with AsyncStdioBus(BusConfig(pools=[echo()]), backend="native") as bus:
        real, taken = native(bus)._lib, []
        refusals = [real.STDIO_BUS_EFULL]

        def ingest(kernel: Any, line: bytes, length: int) -> Any:
            if refusals:
                return refusals.pop()
            taken.append(line)
            return real.stdio_bus_ingest(kernel, line, length)

        native(bus)._lib = Gate(real, stdio_bus_ingest=ingest)
        bus.send('{"method":"first"}')
        bus.send('{"method":"second"}')
        native(bus)._step()
        assert taken == [b'{"method":"first"}', b'{"method":"second"}']


@pytest.mark.req("SDK-THR-02")
@pytest.mark.parametrize("obstacle", [loop_that_refuses, library_without_a_descriptor])
async def test_without_a_descriptor_to_watch_a_timer_drives_the_bus(
    monkeypatch: pytest.MonkeyPatch, obstacle: Callable[[pytest.MonkeyPatch, AsyncStdioBus], None]
) -> None:
    bus = AsyncStdioBus(BusConfig(pools=[echo()]), backend="native", native=NativeOptions(poll_interval_ms=2))
    obstacle(monkeypatch, bus)
    async with bus:
        assert (native(bus)._poll_fd, bus.is_running()) == (-1, True)
        timer = native(bus)._poll_timer
        assert timer is not None
        assert timer.when() - asyncio.get_running_loop().time() <= 0.002
        assert await bus.request("m", [1]) == {"echo": [1]}
        assert [event.type async for event in bus.stream_request("stream", {"prompt": "a b"})][:2] == ["chunk"] * 2
        assert native(bus)._poll_timer is not timer
    last = native(bus)._poll_timer
    assert last is not None
    assert last.cancelled()


@pytest.mark.req("SDK-THR-02")
async def test_a_descriptor_drives_the_bus_and_an_idle_one_asks_for_no_step() -> None:
    loop = asyncio.get_running_loop()
    async with AsyncStdioBus(BusConfig(pools=[echo()]), backend="native") as bus:
        await bus.request("m")
        descriptor = native(bus)._poll_fd
        assert native(bus)._poll_timer is None
        assert loop.remove_reader(descriptor)
        # What may still be on its way when an answer has come; then, for a while, nothing.
        while select.select([descriptor], [], [], 0)[0]:
            native(bus)._step()
        assert select.select([descriptor], [], [], 0.2)[0] == []
        loop.add_reader(descriptor, native(bus)._step)
        assert await bus.request("m", [1]) == {"echo": [1]}


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
