"""Everything at once, for a while: seconds here, five minutes with ``make soak``.

On two buses, one native and one in a subprocess, clients make requests and streams, give some of them up, subscribe
and unsubscribe, while workers are killed. Each call has exactly one right outcome, and nothing is left at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    LimitsConfig,
    TimeoutError,  # noqa: A004 - ours
    TransportError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_stdiobus.bus import PoolConfig, Subscription
    from tests.conftest import WorkerPool

SECONDS = float(os.environ.get("STDIOBUS_SOAK_SECONDS", "2"))
INSTANCES, CLIENTS = 6, 8
KILL_EVERY_SEC = 0.5
BOUND_SEC = 30
# What a run must reach, far below what an idle machine does: a soak that hardly ran has shown nothing.
LEAST_CALLS_PER_SEC, LEAST_KILLS_PER_SEC = 50, 0.2
# Allocators keep some of what they were given; what leaks in every call would be far above this.
MOST_GROWTH = 24 * 1024 * 1024
# Keeps every fifth request back until others have come, so that some are given up long before their answer.
WORKER = """
held = []
for m in lines:
    token = m.get("params", [""])[0]
    if m["method"] == "hold": held.append(m)
    if m["method"] == "stream":
        for n in range(m["params"][1]): chunk(m["sessionId"], f"{token}:{n};")
    if m["method"] in ("echo", "stream"): answer(m, {"token": token, "pid": os.getpid()})
    if len(held) > 3 or m["method"] == "flush":
        for m in held: answer(m, {"token": m["params"][0], "pid": os.getpid()})
        held = []
"""


class Soak:
    """One bus, the clients that work on it and what became of their calls."""

    def __init__(self, bus: AsyncStdioBus, seed: int) -> None:
        self.bus = bus
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.calls = 0
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.pids: set[int] = set()
        self.kills = 0

    async def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        reader = self.bus.subscribe(max_queue=1_000_000)
        reading = asyncio.ensure_future(self._read(reader))
        killing = asyncio.ensure_future(self._kill())
        try:
            await asyncio.gather(*[self._client(f"c{number}", end) for number in range(CLIENTS)])
        finally:
            killing.cancel()
            await asyncio.wait([killing])
        await self._drain()
        self.bus.unsubscribe(reader)
        await reading
        self.expect(reader.dropped == 0, f"{reader.dropped} notifications were dropped")

    def expect(self, fact: bool, otherwise: str) -> None:
        if not fact:
            self.wrong.append(otherwise)

    async def _client(self, name: str, end: float) -> None:
        works: list[Callable[[str, str], Awaitable[str]]] = [
            self._echo,
            self._stream,
            self._broken_stream,
            self._cancelled,
            self._timed_out,
            self._subscriber,
        ]
        while time.monotonic() < end:
            self.calls += 1
            token = f"{name}-{self.calls}"
            try:
                outcome = await asyncio.wait_for(self.random.choice(works)(name, token), BOUND_SEC)
            except (TransportError, UnavailableError) as error:
                outcome = "died"
                self.expect("worker_exited" in str(error) or "no_worker" in str(error), f"{token}: {error!r}")
            except Exception as error:  # noqa: BLE001 - told at the end
                outcome = "wrong"
                self.wrong.append(f"{token}: {error!r}")
            self.outcomes[outcome] += 1

    async def _echo(self, name: str, token: str) -> str:
        self._check(token, await self.bus.request("echo", [token], session_id=f"{name}-echo"))
        return "answered"

    async def _stream(self, name: str, token: str) -> str:
        size = self.random.randrange(50)
        *chunks, result = [
            event.data async for event in self.bus.stream_request("stream", [token, size], session_id=f"{name}-stream")
        ]
        text = "".join(f"{token}:{n};" for n in range(size))
        self.expect(("".join(chunks), result.get("text", "")) == (text, text), f"{token}: {size} became {chunks}")
        self._check(token, result)
        return "streamed"

    async def _broken_stream(self, name: str, token: str) -> str:
        stream = self.bus.stream_request("stream", [token, 9], session_id=f"{name}-stream")
        first = await anext(stream)
        self.expect(first.text == f"{token}:0;", f"{token}: begins with {first}")
        await stream.aclose()
        return "broken off"

    async def _cancelled(self, name: str, token: str) -> str:
        task = asyncio.ensure_future(self.bus.request("hold", [token], session_id=f"{name}-hold"))
        for _ in range(self.random.randrange(20)):
            await asyncio.sleep(0)
        if not task.cancel():
            self._check(token, await task)
            return "answered"
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return "cancelled"

    async def _timed_out(self, name: str, token: str) -> str:
        try:
            result = await self.bus.request("hold", [token], session_id=f"{name}-hold", timeout_ms=5)
        except TimeoutError:
            return "timed out"
        self._check(token, result)
        return "answered"

    async def _subscriber(self, name: str, token: str) -> str:
        subscription = self.bus.subscribe("w", max_queue=3)
        try:
            return await self._stream(name, token)
        finally:
            subscription.close()
            left = [note async for note in subscription]
            self.expect(len(left) <= 3, f"{token}: {len(left)} in a queue for three")

    def _check(self, token: str, result: Any) -> None:
        self.expect(result["token"] == token, f"{token}: the answer of {result['token']}")
        self.pids.add(result["pid"])

    async def _read(self, reader: Subscription) -> None:
        """Every notification arrives: within a stream the numbers are 0, 1, 2 and so on."""
        last: dict[str, str] = {}
        async for note in reader:
            text, session = note["params"]["update"]["content"]["text"], note["sessionId"]
            token, number = text.rstrip(";").split(":")
            before = last.get(session, ":").split(":")
            expected = int(before[1]) + 1 if before[0] == token else 0
            self.expect(int(number) == expected, f"{session}: {text} after {last.get(session)}")
            last[session] = f"{token}:{number}"

    async def _kill(self) -> None:
        while True:
            await asyncio.sleep(KILL_EVERY_SEC * self.random.uniform(0.5, 1.5))
            if self.pids:
                pid = self.random.choice(sorted(self.pids))
                self.pids.clear()  # who has answered since then is alive
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1

    async def _drain(self) -> None:
        """Have everything answered that was given up."""
        end = time.monotonic() + BOUND_SEC
        while self.bus._calls._calls and time.monotonic() < end:
            for number in range(CLIENTS):
                await self.bus.notify("flush", session_id=f"c{number}-hold")
            await asyncio.sleep(0.01)


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def memory(pid: int | str = "self") -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def soak(pool: PoolConfig, seconds: float) -> list[Soak]:
    """Start a bus of each kind, work on both, and see that nothing is left."""
    config = BusConfig(pools=[pool], limits=LimitsConfig(max_restarts=1_000_000))
    async with AsyncStdioBus(config, backend="native") as native, AsyncStdioBus(config, backend="subprocess") as other:
        backends: tuple[Any, Any] = (native._backend, other._backend)
        kernel = backends[1]._child._process.pid
        for bus in (native, other):  # the workers have started
            await asyncio.gather(*[bus.request("echo", ["up"], session_id=f"up{n}") for n in range(INSTANCES)])
        kernel_memory = memory(kernel)
        soaks = [Soak(native, seed=1), Soak(other, seed=2)]
        await asyncio.gather(*[each.run(seconds) for each in soaks])
        for each in soaks:
            calls, bus = each.bus._calls, each.bus
            name = bus.get_backend_type()
            print(f"\n{name}: {each.calls} calls in {seconds:g} s, {each.kills} kills, {dict(each.outcomes)}", end="")
            assert each.wrong == [], f"{name}: {len(each.wrong)} wrong"
            assert sum(each.outcomes.values()) == each.calls
            assert (bus.get_pending_count(), calls._calls, calls._sessions) == (0, {}, {})
            assert (bus._inbound.subscriptions, [s for s in bus._streams.values() if not s.done()]) == ([], [])
            assert len(calls._deadlines) < 1000
        assert backends[0]._lib.stdio_bus_pending_count(backends[0]._bus) == 0
        grown = memory(kernel) - kernel_memory
        print(f"\nthe kernel's memory grew by {grown // 1024} KiB", end="")
        assert grown < MOST_GROWTH
    return soaks


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_each_call_has_its_one_right_outcome_and_nothing_is_left(worker: WorkerPool) -> None:
    pool = worker(WORKER, instances=INSTANCES)
    asyncio.run(soak(pool, min(SECONDS, 1)))  # what is made once is made now
    open_before, memory_before = descriptors(), memory()
    soaks = asyncio.run(soak(pool, SECONDS))
    grown = memory() - memory_before
    print(f"\nthis process's memory grew by {grown // 1024} KiB, descriptors by {descriptors() - open_before}")
    assert min(each.calls for each in soaks) >= LEAST_CALLS_PER_SEC * SECONDS
    assert min(each.kills for each in soaks) >= max(1, int(LEAST_KILLS_PER_SEC * SECONDS))
    assert descriptors() == open_before
    assert grown < MOST_GROWTH
