"""What only the docker backend does: keep a container in bounds, and see it off."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    BusState,
    DockerOptions,
    PoolConfig,
    TransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import WorkerPool

BOUND_SEC = 20
CAT = BusConfig(pools=[PoolConfig(id="w", command="cat")])
SILENT = "for m in lines: pass"
RIGHTS = """
status = dict(line.rstrip().split(":\\t", 1) for line in open("/proc/self/status"))
def refused(path):
    try: open(path, "w")
    except OSError: return True
config = os.stat("/stdiobus.json")
mounts = [line.split() for line in open("/proc/self/mounts")]
root = [options.split(",")[0] for _, place, _, options, *_ in mounts if place == "/"]
for m in lines:
    answer(m, {"uid": status["Uid"].split()[0], "capabilities": int(status["CapBnd"], 16), "no_new": status["NoNewPrivs"],
               "root": root, "config": refused("/stdiobus.json"), "mode": config.st_mode & 0o777,
               "owner": config.st_uid})
"""


@pytest.fixture
def options(docker: DockerOptions) -> DockerOptions:
    """Options whose containers can be told from those of other tests."""
    return replace(docker, container_name_prefix=f"test-{uuid.uuid4().hex}")


def engine(*arguments: str) -> str:
    answer = subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=BOUND_SEC)
    return answer.stdout.strip()


def containers(options: DockerOptions) -> list[str]:
    return engine("ps", "--all", "--quiet", "--filter", f"name={options.container_name_prefix}").split()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + BOUND_SEC
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)  # the engine is asked, it tells nobody


@pytest.mark.asyncio
async def test_the_container_has_no_rights_and_the_configuration_no_other_reader(
    options: DockerOptions, worker: WorkerPool
) -> None:
    async with AsyncStdioBus(BusConfig(pools=[worker(RIGHTS)]), backend="docker", docker=options) as bus:
        seen = await bus.request("m")
    assert seen["owner"] != 0
    assert seen.pop("uid") == str(seen.pop("owner"))
    assert seen == {"capabilities": 0, "no_new": "1", "root": ["ro"], "config": True, "mode": 0o600}


@pytest.mark.asyncio
async def test_each_bus_has_its_own_container_and_port_on_loopback_only(
    options: DockerOptions, worker: WorkerPool
) -> None:
    config = BusConfig(pools=[worker("for m in lines: answer(m, m)")])
    async with (
        AsyncStdioBus(config, backend="docker", docker=options) as one,
        AsyncStdioBus(config, backend="docker", docker=options) as other,
    ):
        await asyncio.gather(one.request("m"), other.request("m"))
        found = json.loads(engine("inspect", *containers(options)))
        bindings = [b for c in found for port in c["NetworkSettings"]["Ports"].values() for b in port or []]
        assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}
        assert len({binding["HostPort"] for binding in bindings}) == len(found) == 2
    assert containers(options) == []


@pytest.mark.asyncio
async def test_destroy_removes_the_container(options: DockerOptions, worker: WorkerPool) -> None:
    bus = AsyncStdioBus(BusConfig(pools=[worker(SILENT)]), backend="docker", docker=options)
    await bus.start()
    assert len(containers(options)) == 1
    bus.destroy()
    wait_until(lambda: not containers(options))


@pytest.mark.asyncio
@pytest.mark.parametrize("after_sec", [0.01, 0.05, 0.1, 0.15])
async def test_a_start_that_is_given_up_leaves_no_container(
    options: DockerOptions, worker: WorkerPool, after_sec: float
) -> None:
    bus = AsyncStdioBus(BusConfig(pools=[worker(SILENT)]), backend="docker", docker=options)
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(bus.start(), after_sec)
    await bus.stop()
    assert bus.get_state() is BusState.STOPPED
    wait_until(lambda: not containers(options))


@pytest.mark.asyncio
async def test_workers_that_obey_nothing_are_gone_after_the_timeout(options: DockerOptions, worker: WorkerPool) -> None:
    stubborn = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answer(next(lines), {})
    while True: time.sleep(1)
    """
    bus = AsyncStdioBus(BusConfig(pools=[worker(stubborn)]), backend="docker", docker=options)
    await bus.start()
    await bus.request("m")
    began = time.monotonic()
    await bus.stop(0.2)
    assert time.monotonic() - began < 1.2
    wait_until(lambda: not containers(options))


@pytest.mark.asyncio
async def test_the_end_of_the_container_fails_what_is_in_flight_with_its_log(
    options: DockerOptions, worker: WorkerPool
) -> None:
    code = "sys.stderr.write('last words\\n'); sys.stderr.flush(); answer(next(lines), {}); next(lines); next(lines)"
    bus = AsyncStdioBus(BusConfig(pools=[worker(code)]), backend="docker", docker=options)
    await bus.start()
    await bus.request("m")
    task = asyncio.create_task(bus.request("m", timeout_ms=BOUND_SEC * 1000))
    await asyncio.sleep(0)
    engine("kill", *containers(options))
    with pytest.raises(TransportError, match=r"ended with status 137(.|\n)*last words"):
        await task
    assert (bus.get_state(), bus.get_pending_count()) == (BusState.STOPPED, 0)
    with pytest.raises(TransportError):
        await bus.request("m")
    await bus.stop()
    wait_until(lambda: not containers(options))


def test_the_container_goes_when_the_client_is_killed(options: DockerOptions) -> None:
    code = """
        import asyncio, sys
        from pytest_stdiobus.bus import *

        async def main():
            options = DockerOptions(image=sys.argv[1], container_name_prefix=sys.argv[2], extra_args=sys.argv[3:])
            async with AsyncStdioBus(BusConfig([PoolConfig("w", "cat")]), backend="docker", docker=options):
                print("up", flush=True)
                await asyncio.sleep(1000)

        asyncio.run(main())
    """
    arguments = [options.image, options.container_name_prefix, *options.extra_args]
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), *arguments], stdout=subprocess.PIPE) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"up\n"
        assert len(containers(options)) == 1
        os.kill(client.pid, signal.SIGKILL)
    wait_until(lambda: not containers(options))


@pytest.mark.asyncio
async def test_an_image_that_is_not_there_fails_the_start_with_its_name(docker: DockerOptions) -> None:
    bus = AsyncStdioBus(CAT, backend="docker", docker=replace(docker, image="stdiobus-no-such-image"))
    with pytest.raises(TransportError, match="stdiobus-no-such-image"):
        await bus.start()
    assert bus.get_state() is BusState.STOPPED


@pytest.mark.asyncio
async def test_a_variable_reaches_the_workers_and_the_configuration_file_goes_once_it_was_read(
    options: DockerOptions, worker: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    options = replace(options, env={"ADDED": "an addition"})
    pool = worker("for m in lines: answer(m, {'added': os.environ['ADDED']})")
    async with AsyncStdioBus(BusConfig(pools=[pool]), backend="docker", docker=options) as bus:
        assert await bus.request("m") == {"added": "an addition"}
        assert os.listdir(tmp_path) == []
