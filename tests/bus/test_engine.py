"""The docker backend before engines that misbehave: each is a script."""

from __future__ import annotations

import asyncio
import time
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

BOUND_SEC = 20
CAT = BusConfig(pools=[PoolConfig(id="w", command="cat")])


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + BOUND_SEC
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)  # a shell of the engine is waited for, it tells nobody


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
    options = script(run, address, f"touch '{tmp_path}/begun'; {until.format(tmp_path / 'go')}")
    bus = AsyncStdioBus(CAT, backend="docker", docker=options)
    await bus.start()
    backend: Any = bus._backend
    with pytest.raises(TransportError, match="ended with status 3"):
        await bus.request("m", timeout_ms=BOUND_SEC * 1000)
    assert backend._guard._process.poll() is None
    wait_until((tmp_path / "begun").exists)
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
