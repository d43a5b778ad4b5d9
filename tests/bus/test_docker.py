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
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    BusState,
    DockerOptions,
    InvalidArgumentError,
    PoolConfig,
    TransportError,
    UnavailableError,
)
from pytest_stdiobus.bus.backends import docker as docker_module

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
for m in lines:
    answer(m, {"uid": status["Uid"].split()[0], "capabilities": int(status["CapBnd"], 16), "no_new": status["NoNewPrivs"],
               "root": refused("/file"), "config": refused("/stdiobus.json"), "mode": config.st_mode & 0o777,
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
    assert seen == {"capabilities": 0, "no_new": "1", "root": True, "config": True, "mode": 0o600}


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


# With an engine that is a script of ours


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., DockerOptions]:
    """``script(run=..., port=...)``: an engine of which each command is a line of shell."""

    def write(run: str, port: str = "exit 1", rm: str = "") -> DockerOptions:
        path = tmp_path / "engine"
        commands = {"version": "", "run": run, "port": port, "rm": f'{rm}\ntouch "{tmp_path}/removed"'}
        text = "\n".join(
            ["#!/bin/sh", 'case "$1" in', *(f"{name}) {line};;" for name, line in commands.items()), "esac\n"]
        )
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return DockerOptions(engine_path=str(path), startup_timeout_sec=BOUND_SEC)

    return write


@pytest.mark.asyncio
async def test_one_that_is_never_ready_fails_the_start_in_time_and_is_removed(
    script: Callable[..., DockerOptions], tmp_path: Path
) -> None:
    options = replace(script(run="echo hm >&2; exec sleep 100"), startup_timeout_sec=0.5)
    bus = AsyncStdioBus(CAT, backend="docker", docker=options)
    with pytest.raises(TransportError, match=r"not ready within 0\.5 s(.|\n)*hm"):
        await bus.start()
    assert (tmp_path / "removed").exists()


@pytest.mark.asyncio
async def test_the_value_of_a_variable_is_not_in_the_command(script: Callable[..., DockerOptions]) -> None:
    options = replace(script(run='echo "$@" "<$SECRET>" >&2; exit 3'), env={"SECRET": "s3"}, extra_args=["--more"])
    with pytest.raises(TransportError, match=r"status 3(.|\n)*--env=SECRET --more stdiobus-kernel .* <s3>"):
        await AsyncStdioBus(CAT, backend="docker", docker=options).start()


@pytest.mark.asyncio
async def test_an_engine_that_cannot_run_the_default_image_says_how_to_build_it(
    script: Callable[..., DockerOptions],
) -> None:
    with pytest.raises(TransportError, match=r"make image(.|\n)*no such image"):
        await AsyncStdioBus(CAT, backend="docker", docker=script(run="echo no such image >&2; exit 125")).start()


@pytest.mark.asyncio
async def test_a_container_that_cannot_be_reached_fails_the_start(script: Callable[..., DockerOptions]) -> None:
    ready = "echo 'stdio_bus: info: ready' >&2; exec sleep 100"
    options = script(run=ready, port="echo nothing is published >&2; exit 1")
    with pytest.raises(TransportError, match="has no port: nothing is published"):
        await AsyncStdioBus(CAT, backend="docker", docker=options).start()
    with pytest.raises(TransportError, match="cannot connect"):
        await AsyncStdioBus(CAT, backend="docker", docker=script(run=ready, port="echo 127.0.0.1:1")).start()


@pytest.mark.asyncio
async def test_a_connection_that_breaks_ends_the_bus(
    script: Callable[..., DockerOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.close()

    monkeypatch.setattr(docker_module, "_LAST_WORDS_SEC", 0.1)
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = script(run="echo 'stdio_bus: info: ready' >&2; exec sleep 100", port=f"echo 127.0.0.1:{port}")
    bus = AsyncStdioBus(CAT, backend="docker", docker=options)
    await bus.start()
    with pytest.raises(TransportError, match=r"connection to the container .* was lost"):
        await bus.request("m", timeout_ms=BOUND_SEC * 1000)
    assert bus.get_state() is BusState.STOPPED
    await bus.stop()
    server.close()
    await server.wait_closed()


@pytest.mark.asyncio
async def test_the_loop_does_not_wait_until_the_engine_has_removed_what_died(
    script: Callable[..., DockerOptions], tmp_path: Path
) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        (tmp_path / "die").touch()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    until = 'until [ -e "{}" ]; do sleep 0.01; done'
    run = f"echo 'stdio_bus: info: ready' >&2; {until.format(tmp_path / 'die')}; exit 3"
    address = f"echo 127.0.0.1:{server.sockets[0].getsockname()[1]}"
    options = script(run, address, until.format(tmp_path / "go"))
    bus = AsyncStdioBus(CAT, backend="docker", docker=options)
    await bus.start()
    backend: Any = bus._backend
    with pytest.raises(TransportError, match="ended with status 3"):
        await bus.request("m", timeout_ms=BOUND_SEC * 1000)
    assert backend._guard._process.poll() is None
    (tmp_path / "go").touch()
    await bus.stop()
    wait_until((tmp_path / "removed").exists)
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("image", ""),
        ("image", "--privileged"),
        ("pull_policy", "sometimes"),
        ("container_name_prefix", "a b"),
        ("startup_timeout_sec", 0),
    ],
)
def test_an_option_that_can_never_work_is_named(script: Callable[..., DockerOptions], option: str, value: Any) -> None:
    options = replace(script(run="exit 1"), **{option: value})
    with pytest.raises(InvalidArgumentError, match=option):
        AsyncStdioBus(CAT, backend="docker", docker=options)


def test_without_an_engine_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no-such-engine is not an executable on PATH; install"):
        AsyncStdioBus(CAT, backend="docker", docker=DockerOptions(engine_path="no-such-engine"))
    dead = tmp_path / "dead"
    dead.write_text("#!/bin/sh\necho nobody is there >&2; exit 1\n", encoding="utf-8")
    dead.chmod(0o755)
    with pytest.raises(UnavailableError, match=r"does not answer: nobody is there .*DOCKER_HOST"):
        AsyncStdioBus(CAT, backend="docker", docker=DockerOptions(engine_path=str(dead)))
