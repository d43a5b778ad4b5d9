"""The fixtures: thin shells over the objects of `pytest_stdiobus.testing`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, DockerOptions, StdioBus
from pytest_stdiobus.options import docker_options, native_options, selected_backends, subprocess_options
from pytest_stdiobus.sdk import selected_client
from pytest_stdiobus.testing.factory import BusFactory, Workshop, echo_pool
from pytest_stdiobus.testing.faults import Faults
from pytest_stdiobus.testing.loops import ANYIO, LOOP_SCOPES, loop_of
from pytest_stdiobus.testing.orphans import OrphanError
from pytest_stdiobus.testing.report import record_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from pytest_stdiobus.testing.wire import Wire

_MARKER_ARGUMENTS = ("pools", "limits", "orphans")


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
def stdiobus_wire(request: pytest.FixtureRequest) -> Wire:
    """What crosses the wire of every bus that these fixtures make for the test, both ways; see `Wire`."""
    if (client := selected_client(request.config)) is not None:
        pytest.skip(f"{client.name} does not show its wire")
    return record_of(request.node).wire


@pytest.fixture
def stdiobus_faults(stdiobus_backend: str) -> Iterator[Faults]:
    """Toxics between bus and worker, see `Faults`; `stdiobus` and `stdiobus_sync` of the test go through them.

    The pools of `make_stdiobus` do so where they are wrapped: ``pools=[stdiobus_faults.wrap(pool)]``.
    """
    faults = Faults(stdiobus_backend)
    try:
        yield faults
    finally:
        faults.close()


@pytest.fixture
def make_stdiobus(request: pytest.FixtureRequest, stdiobus_backend: str) -> Callable[..., Awaitable[AsyncStdioBus]]:  # noqa: ARG001 - parametrises
    """``await make_stdiobus(pools=[...], ...)``: started buses, all stopped after the test; see `BusFactory`."""
    factory: BusFactory = request.getfixturevalue(f"_stdiobus_factory_{loop_of(request, 'make_stdiobus')}")
    return factory


@pytest.fixture
def stdiobus(request: pytest.FixtureRequest, stdiobus_backend: str, stdiobus_config: BusConfig) -> AsyncStdioBus:  # noqa: ARG001 - resolved by the fixture of the loop
    """A started bus on the selected backend, on the event loop of the test."""
    loop = loop_of(request, "stdiobus")
    request.getfixturevalue(f"_stdiobus_factory_{loop}")
    bus: AsyncStdioBus = request.getfixturevalue(f"_stdiobus_started_{loop}")
    return bus


@pytest.fixture
def stdiobus_sync(
    request: pytest.FixtureRequest, _stdiobus_workshop: Workshop, stdiobus_config: BusConfig
) -> Iterator[StdioBus]:
    """A started bus for a test that is no coroutine."""
    config = _stdiobus_workshop.with_faults(_marked_config(request, stdiobus_config))
    bus = _stdiobus_workshop.make(StdioBus, "stdiobus_sync", config)
    try:
        bus.start()
        yield bus
    finally:
        _stdiobus_workshop.end_faults()
        bus.stop(_stdiobus_workshop.stop_timeout_sec)
        bus.destroy()


@pytest.fixture
def _stdiobus_workshop(
    request: pytest.FixtureRequest, stdiobus_backend: str, stdiobus_docker: DockerOptions
) -> Iterator[Workshop]:
    """Where the buses of the test are made; it ends after all of them have."""
    workshop = Workshop(
        record_of(request.node),
        stdiobus_backend,
        native_options(request.config),
        subprocess_options(request.config),
        stdiobus_docker,
        orphans=_marker_arguments(request).get("orphans", True),
        faults=request.getfixturevalue("stdiobus_faults") if "stdiobus_faults" in request.fixturenames else None,
        client=selected_client(request.config),
    )
    yield workshop
    try:
        workshop.check()
    except OrphanError as error:
        pytest.fail(str(error), pytrace=False)


def _marker_arguments(request: pytest.FixtureRequest) -> dict[str, Any]:
    marker = request.node.get_closest_marker("stdiobus")
    if marker is None:
        return {}
    unknown = sorted(set(marker.kwargs) - set(_MARKER_ARGUMENTS))
    if marker.args or unknown:
        message = f"the stdiobus marker takes {', '.join(_MARKER_ARGUMENTS)} by name, got {[*marker.args, *unknown]}"
        raise pytest.UsageError(message)
    return dict(marker.kwargs)


def _marked_config(request: pytest.FixtureRequest, config: BusConfig) -> BusConfig:
    given = _marker_arguments(request)
    return BusConfig(pools=given.get("pools", config.pools), limits=given.get("limits", config.limits))


def _fixtures_on(loop: str) -> dict[str, Any]:
    """The private asynchronous fixtures behind the public ones, on one kind of event loop.

    An asynchronous fixture is bound to a loop when it is defined, but only the test says which loop it
    runs on: so there is one pair for each.
    """
    factory_name, started_name = f"_stdiobus_factory_{loop}", f"_stdiobus_started_{loop}"

    async def factory(_stdiobus_workshop: Workshop) -> AsyncIterator[BusFactory]:
        maker = BusFactory(_stdiobus_workshop)
        try:
            yield maker
        finally:
            await maker.stop()

    async def started(request: pytest.FixtureRequest, _stdiobus_workshop: Workshop) -> AsyncStdioBus:
        maker: BusFactory = request.getfixturevalue(factory_name)
        config = _marked_config(request, request.getfixturevalue("stdiobus_config"))
        return await maker.start("stdiobus", _stdiobus_workshop.with_faults(config))

    if loop == ANYIO:
        define: Any = pytest.fixture
    else:
        define = functools.partial(pytest_asyncio.fixture, loop_scope=loop)
    return {
        factory_name: define(name=factory_name)(factory),
        started_name: define(name=started_name)(started),
    }


for _loop in (*LOOP_SCOPES, ANYIO):
    globals().update(_fixtures_on(_loop))
