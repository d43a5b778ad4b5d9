"""The fixtures: thin shells over `pytest_stdiobus.bus`."""

from __future__ import annotations

import functools
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BackendMode,
    BusConfig,
    DockerOptions,
    LimitsConfig,
    PoolConfig,
    StdioBus,
    SubprocessOptions,
)
from pytest_stdiobus.data import data_dir
from pytest_stdiobus.options import docker_options, selected_backends, subprocess_options

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

# A test is over when its fixtures end: nobody waits longer for a worker that does not.
_STOP_TIMEOUT_SEC = 2.0
_LOOP_SCOPES = ("function", "class", "module", "package", "session")  # of pytest-asyncio
_WORKERS_IN_CONTAINER = "/stdiobus-workers"
_MARKER_ARGUMENTS = ("pools", "limits")


class BusFactory:
    """Makes started buses for one test and stops them afterwards."""

    def __init__(self, backend: str, subprocess: SubprocessOptions, docker: DockerOptions) -> None:
        """Remember what every bus of the test shares."""
        self._backend = backend
        self._subprocess = subprocess
        workers = f"--volume={data_dir() / 'workers'}:{_WORKERS_IN_CONTAINER}:ro"
        self._docker = replace(docker, extra_args=[workers, *docker.extra_args])
        self._buses: list[AsyncStdioBus] = []

    async def __call__(
        self,
        pools: list[PoolConfig] | None = None,
        *,
        limits: LimitsConfig | None = None,
        config: BusConfig | None = None,
        config_path: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> AsyncStdioBus:
        """A started bus; without a configuration it has the bundled echo worker.

        Args:
            pools: its pools.
            limits: its limits; None leaves the kernel's.
            config: a whole configuration in place of both.
            config_path: a configuration file in their place.
            options: passed to `AsyncStdioBus`, such as ``timeout_ms`` or ``backend``.
        """
        if config is None and config_path is None:
            config = BusConfig(pools=pools if pools is not None else [echo_pool(self._backend)], limits=limits)
        options = {"backend": self._backend, "subprocess": self._subprocess, "docker": self._docker, **options}
        bus = AsyncStdioBus(config, config_path=config_path, **options)
        self._buses.append(bus)
        await bus.start()
        return bus

    async def stop(self) -> None:
        """Stop every bus that was made, the last one first."""
        for bus in reversed(self._buses):
            await bus.stop(_STOP_TIMEOUT_SEC)


def echo_pool(backend: str = BackendMode.AUTO.value) -> PoolConfig:
    """The default pool: a worker that echoes any method and streams on ``stream``.

    In a container it runs on the image's own ``python3``.
    """
    if backend == BackendMode.DOCKER.value:
        return PoolConfig(id="echo", command="python3", args=[f"{_WORKERS_IN_CONTAINER}/echo.py"])
    return PoolConfig(id="echo", command=sys.executable, args=[str(data_dir() / "workers" / "echo.py")])


@pytest.fixture
def stdiobus_backend(request: pytest.FixtureRequest) -> str:
    """The backend's name; the test is parametrised with it when several are selected."""
    backend: str = getattr(request, "param", None) or selected_backends(request.config)[0].name
    return backend


@pytest.fixture
def stdiobus_config(stdiobus_backend: str) -> BusConfig:
    """The configuration of the bus; override it to change the pools of a module or a whole suite."""
    return BusConfig(pools=[echo_pool(stdiobus_backend)])


@pytest.fixture
def stdiobus_docker(request: pytest.FixtureRequest) -> DockerOptions:
    """The options of the docker backend; override it to pass variables or mounts to the container."""
    return docker_options(request.config)


@pytest.fixture
def make_stdiobus(request: pytest.FixtureRequest, stdiobus_backend: str) -> Callable[..., Awaitable[AsyncStdioBus]]:  # noqa: ARG001 - parametrises
    """``await make_stdiobus(pools=[...], ...)``: started buses, all stopped after the test; see `BusFactory`."""
    factory: BusFactory = request.getfixturevalue(f"_stdiobus_factory_{_loop_of(request, 'make_stdiobus')}")
    return factory


@pytest.fixture
def stdiobus(request: pytest.FixtureRequest, stdiobus_backend: str, stdiobus_config: BusConfig) -> AsyncStdioBus:  # noqa: ARG001 - resolved by the fixture of the loop
    """A started bus on the selected backend, on the event loop of the test."""
    loop = _loop_of(request, "stdiobus")
    request.getfixturevalue(f"_stdiobus_factory_{loop}")
    bus: AsyncStdioBus = request.getfixturevalue(f"_stdiobus_started_{loop}")
    return bus


@pytest.fixture
def stdiobus_sync(
    request: pytest.FixtureRequest, stdiobus_backend: str, stdiobus_config: BusConfig, stdiobus_docker: DockerOptions
) -> Iterator[StdioBus]:
    """A started bus for a test that is no coroutine."""
    bus = StdioBus(
        _marked_config(request, stdiobus_config),
        backend=stdiobus_backend,
        subprocess=subprocess_options(request.config),
        docker=stdiobus_docker,
    )
    bus.start()
    try:
        yield bus
    finally:
        bus.stop(_STOP_TIMEOUT_SEC)


def _marked_config(request: pytest.FixtureRequest, config: BusConfig) -> BusConfig:
    marker = request.node.get_closest_marker("stdiobus")
    if marker is None:
        return config
    unknown = sorted(set(marker.kwargs) - set(_MARKER_ARGUMENTS))
    if marker.args or unknown:
        message = f"the stdiobus marker takes {', '.join(_MARKER_ARGUMENTS)} by name, got {[*marker.args, *unknown]}"
        raise pytest.UsageError(message)
    return BusConfig(pools=marker.kwargs.get("pools", config.pools), limits=marker.kwargs.get("limits", config.limits))


def _loop_of(request: pytest.FixtureRequest, fixture: str) -> str:
    """Which private fixture runs on the event loop of the test: a loop scope of pytest-asyncio, or anyio."""
    node = request.node
    marker = node.get_closest_marker("asyncio")
    if marker is not None:
        scope = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
        return str(scope or request.config.getini("asyncio_default_test_loop_scope") or "function")
    if node.get_closest_marker("anyio") is not None:
        backend = request.getfixturevalue("anyio_backend")
        name = backend if isinstance(backend, str) else backend[0]
        if name == "asyncio":
            return "anyio"
        pytest.fail(f"{fixture} runs on asyncio, this test runs on {name}", pytrace=False)
    pytest.fail(
        f"{fixture} is asynchronous: make the test a coroutine (async def), or ask for stdiobus_sync", pytrace=False
    )


def _fixtures_on(loop: str) -> dict[str, Any]:
    """The private asynchronous fixtures behind the public ones, on one kind of event loop.

    An asynchronous fixture is bound to a loop when it is defined, but only the test says which loop it
    runs on: so there is one pair for each.
    """
    factory_name, started_name = f"_stdiobus_factory_{loop}", f"_stdiobus_started_{loop}"

    async def factory(request: pytest.FixtureRequest) -> AsyncIterator[BusFactory]:
        maker = BusFactory(
            request.getfixturevalue("stdiobus_backend"),
            subprocess_options(request.config),
            request.getfixturevalue("stdiobus_docker"),
        )
        try:
            yield maker
        finally:
            await maker.stop()

    async def started(request: pytest.FixtureRequest) -> AsyncStdioBus:
        maker: BusFactory = request.getfixturevalue(factory_name)
        return await maker(config=_marked_config(request, request.getfixturevalue("stdiobus_config")))

    if loop == "anyio":
        define: Any = pytest.fixture
    else:
        define = functools.partial(pytest_asyncio.fixture, loop_scope=loop)
    return {
        factory_name: define(name=factory_name)(factory),
        started_name: define(name=started_name)(started),
    }


for _loop in (*_LOOP_SCOPES, "anyio"):
    globals().update(_fixtures_on(_loop))
