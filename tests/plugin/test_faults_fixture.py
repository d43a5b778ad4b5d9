"""Toxics between bus and worker, by the fixture stdiobus_faults."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    DockerOptions,
    InvalidArgumentError,
    PoolConfig,
    StdioBus,
    TimeoutError,  # noqa: A004 - ours
    TransportError,
    UnavailableError,
)
from pytest_stdiobus.testing import relays

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_stdiobus.testing.faults import Faults
    from pytest_stdiobus.testing.wire import Wire

    Stderr = Callable[[AsyncStdioBus, str], Awaitable[None]]
    MakeBus = Callable[..., Awaitable[AsyncStdioBus]]

SHORT_MS = 300
BOUND_SEC = 10
WAYS = ["to_worker", "from_worker"]
COUNTS = """
import json, os, sys
lines = 0
for line in iter(sys.stdin.readline, ""):
    lines += 1
    try:
        message = json.loads(line)
    except ValueError:
        sys.stderr.write("unreadable: " + line)
        sys.stderr.flush()
        continue
    answer = {"lines": lines, "pid": os.getpid(), "n": message.get("params")}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "sessionId": message["sessionId"], "result": answer}), flush=True)
"""
PYTHON = {"docker": "/usr/bin/python3"}


@pytest.fixture(params=["native", "subprocess", "docker"])
def stdiobus_backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "docker":
        request.getfixturevalue("docker")
    return name


@pytest.fixture
def stdiobus_docker(request: pytest.FixtureRequest, stdiobus_backend: str) -> DockerOptions:
    return request.getfixturevalue("docker") if stdiobus_backend == "docker" else DockerOptions()


@pytest.fixture
def counting(stdiobus_backend: str, stdiobus_faults: Faults) -> PoolConfig:
    """A pool whose worker says how many lines it has read."""
    command = PYTHON.get(stdiobus_backend, sys.executable)
    return stdiobus_faults.wrap(PoolConfig(id="w", command=command, args=["-c", COUNTS]))


async def logged(bus: AsyncStdioBus, text: str) -> None:
    await seen(text, lambda: "\n".join(bus.get_log()))


async def seen(text: str, read: Callable[[], str]) -> None:
    async def look() -> None:
        while text not in read():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(look(), BOUND_SEC)


@pytest.fixture
def stderr_of(capfd: pytest.CaptureFixture[str], stdiobus_backend: str) -> Stderr:
    """Wait for a text on the stderr of a bus's workers; on the native backend it is that of this process."""

    def captured() -> str:
        # Not readouterr(): it empties the file after it has read it, and loses what a worker wrote in between.
        return os.pread(2, os.fstat(2).st_size, 0).decode()

    async def wait(bus: AsyncStdioBus, text: str) -> None:
        await (seen(text, captured) if stdiobus_backend == "native" else logged(bus, text))

    return wait


async def test_without_toxics_everything_passes(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    text = "x" * 300_000
    assert await stdiobus.request("m", [text]) == {"echo": [text]}
    assert (await stdiobus.request("stream", {"prompt": "a b"}))["text"] == "a b"


def test_a_bus_without_await_is_wrapped_too(stdiobus_sync: StdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.drop(match='"m"')
    stdiobus_faults.drop("to_worker", match='"m"')
    with pytest.raises(TimeoutError):
        stdiobus_sync.request("m", timeout_ms=SHORT_MS)


@pytest.mark.parametrize("way", WAYS)
async def test_a_delay_holds_lines_back_in_their_order(
    stdiobus: AsyncStdioBus, stdiobus_faults: Faults, way: Any
) -> None:
    await stdiobus.request("m")
    stdiobus_faults.delay(0.2, way, match='"slow"')
    began = time.monotonic()
    answers = await asyncio.gather(stdiobus.request("m", ["slow"]), stdiobus.request("m", ["quick"]))
    assert list(answers) == [{"echo": ["slow"]}, {"echo": ["quick"]}]
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("way", WAYS)
async def test_a_slice_arrives_whole(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig, way: Any
) -> None:
    bus = await make_stdiobus(pools=[counting])
    stdiobus_faults.slice(7, way, seconds=0.001)
    answer = await bus.request("m", ["text ä" * 10])
    assert (answer["n"], answer["lines"]) == (["text ä" * 10], 1)


@pytest.mark.parametrize("way", WAYS)
async def test_a_stall_holds_everything_until_it_is_resumed(
    stdiobus: AsyncStdioBus, stdiobus_faults: Faults, way: Any
) -> None:
    await stdiobus.request("m")
    stdiobus_faults.stall(way)
    with pytest.raises(TimeoutError):
        await stdiobus.request("m", [1], timeout_ms=SHORT_MS)
    waiting = asyncio.create_task(stdiobus.request("m", [2]))
    stdiobus_faults.resume(way)
    assert await waiting == {"echo": [2]}


async def test_a_stall_begins_with_the_line_that_matches(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.stall(match="third")
    assert await stdiobus.request("m", ["first"])
    tasks = [asyncio.create_task(stdiobus.request("m", [word])) for word in ("second", "third", "fourth")]
    assert await tasks[0]
    _, waiting = await asyncio.wait(tasks, timeout=SHORT_MS / 1000)
    assert waiting == set(tasks[1:])
    stdiobus_faults.resume("to_worker")
    _, waiting = await asyncio.wait(tasks, timeout=SHORT_MS / 1000)
    assert waiting
    stdiobus_faults.resume()
    assert await asyncio.gather(*tasks[1:]) == [{"echo": ["third"]}, {"echo": ["fourth"]}]


async def test_a_drop_to_the_worker_is_never_read(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig
) -> None:
    bus = await make_stdiobus(pools=[counting])
    stdiobus_faults.drop("to_worker", match="lost")
    with pytest.raises(TimeoutError):
        await bus.request("m", ["lost"], timeout_ms=SHORT_MS)
    assert (await bus.request("m"))["lines"] == 1


async def test_a_drop_from_the_worker_was_answered_for_nothing(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig
) -> None:
    bus = await make_stdiobus(pools=[counting])
    stdiobus_faults.drop(match="lost")
    with pytest.raises(TimeoutError):
        await bus.request("m", ["lost"], timeout_ms=SHORT_MS)
    assert (await bus.request("m"))["lines"] == 2


async def test_a_garbled_request_is_unreadable_to_the_worker(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig, stderr_of: Stderr
) -> None:
    bus = await make_stdiobus(pools=[counting])
    stdiobus_faults.garble("to_worker", count=1)
    with pytest.raises(TimeoutError):
        await bus.request("m", timeout_ms=SHORT_MS)
    assert (await bus.request("m"))["lines"] == 2
    await stderr_of(bus, "unreadable: ")


async def test_a_garbled_answer_never_reaches_the_client(
    stdiobus: AsyncStdioBus, stdiobus_faults: Faults, stdiobus_wire: Wire
) -> None:
    stdiobus_faults.garble(count=1)
    with pytest.raises(TimeoutError):
        await stdiobus.request("m", ["lost"], timeout_ms=SHORT_MS)
    assert await stdiobus.request("m", ["found"]) == {"echo": ["found"]}
    assert "lost" not in "".join(entry.line for entry in stdiobus_wire.received)


async def test_a_kill_ends_the_worker_and_another_takes_its_place(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig
) -> None:
    bus = await make_stdiobus(pools=[counting])
    first = await bus.request("m")
    stdiobus_faults.kill()
    await logged(bus, "signal 9")
    second = await bus.request("m")
    assert second["lines"] == 1
    assert second["pid"] != first["pid"]


async def test_a_kill_by_match_spares_the_next_worker(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig
) -> None:
    bus = await make_stdiobus(pools=[counting])
    stdiobus_faults.kill(match="poison", signal=15)
    assert await bus.request("m", ["water"])
    with pytest.raises(TransportError, match=r"worker_exited.*signal 15"):
        await bus.request("m", ["poison"])
    assert (await bus.request("m", ["poison"]))["lines"] == 1


async def test_a_flood_on_stderr_blocks_nothing(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig, stderr_of: Stderr
) -> None:
    bus = await make_stdiobus(pools=[counting])
    stdiobus_faults.flood_stderr(3000, size=100)
    assert (await bus.request("m", [1]))["n"] == [1]
    await stderr_of(bus, "flood 2999 ....")


async def test_a_count_holds_for_all_workers_together(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig
) -> None:
    bus = await make_stdiobus(pools=[replace(counting, instances=2)])
    stdiobus_faults.drop(count=3)
    requests = [bus.request("m", session_id=f"s{n}", timeout_ms=1000) for n in range(8)]
    answers = await asyncio.gather(*requests, return_exceptions=True)
    assert sum(isinstance(answer, TimeoutError) for answer in answers) == 3
    assert len({answer["pid"] for answer in answers if isinstance(answer, dict)}) == 2


async def test_a_pool_can_be_named(make_stdiobus: MakeBus, stdiobus_faults: Faults, counting: PoolConfig) -> None:
    bus = await make_stdiobus(pools=[replace(stdiobus_faults.wrap(counting), id="one"), counting])
    stdiobus_faults.drop(pool="w")
    with pytest.raises(TimeoutError):
        await bus.request("m", pool="w", timeout_ms=SHORT_MS)
    assert stdiobus_faults.toxics[0].pool == "w"


async def test_reset_lets_pass_what_was_held(stdiobus: AsyncStdioBus, stdiobus_faults: Faults) -> None:
    stdiobus_faults.delay(60)
    stdiobus_faults.stall("to_worker")
    waiting = asyncio.create_task(stdiobus.request("m", [1]))
    await asyncio.sleep(0.05)
    stdiobus_faults.reset()
    assert await asyncio.wait_for(waiting, BOUND_SEC) == {"echo": [1]}
    assert stdiobus_faults.toxics == []


async def test_a_command_that_does_not_exist_is_named(
    make_stdiobus: MakeBus, stdiobus_faults: Faults, stderr_of: Stderr
) -> None:
    bus = await make_stdiobus(pools=[stdiobus_faults.wrap(PoolConfig(id="x", command="no-such-program"))])
    with pytest.raises((TransportError, UnavailableError)):
        await bus.request("m")
    await stderr_of(bus, "cannot run no-such-program: ")


def test_wrapping_twice_is_wrapping_once(counting: PoolConfig, stdiobus_faults: Faults) -> None:
    assert stdiobus_faults.wrap(counting) == counting


@pytest.mark.parametrize("stdiobus_backend", ["native"], indirect=True)
class TestWithoutABus:
    @pytest.mark.parametrize(
        ("words", "call"),
        [
            ("direction: expected to_worker or from_worker", lambda faults: faults.drop("sideways")),
            ("direction: expected", lambda faults: faults.resume("sideways")),
            ("count: expected 1 or more", lambda faults: faults.drop(count=0)),
            ("seconds: expected 0 or more", lambda faults: faults.delay(-1)),
            ("size: expected 1 byte or more", lambda faults: faults.slice(0)),
            ("not a regular expression", lambda faults: faults.drop(match="[")),
        ],
    )
    def test_a_toxic_that_cannot_be_is_refused(
        self, stdiobus_faults: Faults, words: str, call: Callable[[Faults], None]
    ) -> None:
        with pytest.raises(InvalidArgumentError, match=words):
            call(stdiobus_faults)
        assert stdiobus_faults.toxics == []

    def test_a_kill_without_a_worker_says_so(self, stdiobus_faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(relays, "_CONFIRM_SEC", 0.05)
        with pytest.raises(TimeoutError, match="no wrapped worker of the pool 'agent' runs"):
            stdiobus_faults.kill(pool="agent")

    def test_only_this_user_may_decide(self, stdiobus_faults: Faults) -> None:
        socket = stdiobus_faults._folder / "control"
        assert stat.S_IMODE(os.stat(socket).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(socket.parent).st_mode) == 0o700
