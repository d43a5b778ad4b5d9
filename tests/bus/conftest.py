"""Tests of the client run on every backend."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, BusState, DockerOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.bus import PoolConfig
    from tests.conftest import WorkerPool

_ENGINE_SEC = 20


@pytest.fixture(params=["native", "subprocess", "docker"])
def stdiobus_backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "docker":
        request.getfixturevalue("docker")
    return name


@pytest.fixture
def stdiobus_docker(request: pytest.FixtureRequest) -> DockerOptions:
    if "stdiobus_backend" in request.fixturenames and request.getfixturevalue("stdiobus_backend") != "docker":
        return DockerOptions()
    options: DockerOptions = request.getfixturevalue("docker")
    return options


@pytest.fixture
def make_bus(stdiobus_backend: str, stdiobus_docker: DockerOptions) -> Callable[..., AsyncStdioBus]:
    """``make_bus(pools, ...)``: a bus that is not started; the test sees to its end."""

    def make(pools: list[PoolConfig], **options: Any) -> AsyncStdioBus:
        config = BusConfig(pools=pools, limits=options.pop("limits", None))
        return AsyncStdioBus(config, backend=stdiobus_backend, docker=stdiobus_docker, **options)

    return make


@pytest.fixture
def puppet(worker: WorkerPool) -> PoolConfig:
    """A worker that writes what the notification ``write`` says, piece by piece, and nothing else.

    Its params are byte strings spelled in Latin-1. Where ``[SESSION]`` stands in them there is the session
    of the notification.
    """
    return worker("""
    for m in lines:
        if m["method"] != "write": continue
        for piece in m["params"]:
            os.write(1, piece.replace("[SESSION]", m["sessionId"]).encode("latin-1"))
    """)


@pytest.fixture
def take_time(stdiobus_backend: str) -> Callable[[AsyncStdioBus], None]:
    """Makes the start of a bus take some turns of the loop, as it does anyway where the kernel is another process."""

    def slow(bus: AsyncStdioBus) -> None:
        backend: Any = bus._backend
        if stdiobus_backend == "native":
            told, real = [BusState.STARTING], backend._kernel_state

            def state() -> BusState:
                if not told:
                    return real()  # type: ignore[no-any-return]
                asyncio.get_running_loop().call_later(0.01, backend._step)
                return told.pop()

            backend._kernel_state = state

    return slow


@pytest.fixture
def kill_kernel(stdiobus_backend: str) -> Callable[[AsyncStdioBus], None]:
    """Ends the kernel of a bus without the bus having been asked to."""

    def kill(bus: AsyncStdioBus) -> None:
        backend: Any = bus._backend
        if stdiobus_backend == "native":
            backend._lib.stdio_bus_stop(backend._bus, 0)
        elif stdiobus_backend == "subprocess":
            backend._child._process.kill()
        else:
            subprocess.run(["docker", "kill", backend._name], check=True, capture_output=True, timeout=_ENGINE_SEC)

    return kill
