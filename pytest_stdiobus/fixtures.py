"""The fixtures: thin shells over the `Scene` of a test and what it gives."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from pytest_stdiobus.loops import ANYIO, LOOP_SCOPES, loop_of
from pytest_stdiobus.stash import KERNEL, SCENE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, DockerOptions, StdioBus
    from pytest_stdiobus.kit.stage import StagedKernel
    from pytest_stdiobus.scene import Scene
    from pytest_stdiobus.testing import BusFactory, DirectWorker, Faults, Wire
    from pytest_stdiobus.testing.factory import Workshop


@pytest.fixture
def _stdiobus_scene(request: pytest.FixtureRequest) -> Scene:
    """What the fixtures of the test share, and the one place where they import the client.

    A run in which no test asks for a bus does without it.
    """
    from pytest_stdiobus.scene import Scene  # noqa: PLC0415

    scene = request.node.stash[SCENE] = Scene(request.node)
    return scene


@pytest.fixture
def stdiobus_backend(request: pytest.FixtureRequest, _stdiobus_scene: Scene) -> str:
    """The backend's name; the test is parametrised with it when several are selected."""
    backend: str = getattr(request, "param", None) or _stdiobus_scene.backend
    return backend


@pytest.fixture
def stdiobus_config(_stdiobus_scene: Scene, stdiobus_backend: str) -> BusConfig:
    """The configuration of the bus; override it to change the pools of a module or a whole suite."""
    return _stdiobus_scene.default_config(stdiobus_backend)


@pytest.fixture
def stdiobus_docker(_stdiobus_scene: Scene) -> DockerOptions:
    """The options of the docker backend; override it to pass variables or mounts to the container."""
    return _stdiobus_scene.docker_options()


@pytest.fixture
def stdiobus_wire(_stdiobus_scene: Scene) -> Wire:
    """What crosses the wire of every bus that these fixtures make for the test, both ways; see `Wire`."""
    return _stdiobus_scene.wire()


@pytest.fixture
def stdiobus_faults(_stdiobus_scene: Scene, stdiobus_backend: str) -> Iterator[Faults]:
    """Toxics between bus and worker, see `Faults`; `stdiobus` and `stdiobus_sync` of the test go through them.

    The pools of `make_stdiobus` do so where they are wrapped: ``pools=[stdiobus_faults.wrap(pool)]``.
    """
    faults = _stdiobus_scene.faults(stdiobus_backend)
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
    _stdiobus_scene: Scene, _stdiobus_workshop: Workshop, stdiobus_config: BusConfig
) -> Iterator[StdioBus]:
    """A started bus for a test that is no coroutine."""
    with _stdiobus_workshop.started_sync("stdiobus_sync", _stdiobus_scene.marked(stdiobus_config)) as bus:
        yield bus


@pytest.fixture
def stdiobus_worker(request: pytest.FixtureRequest) -> DirectWorker:
    """A worker on its standard streams, without a bus: the judged one, or that of the first pool; see `DirectWorker`."""
    worker: DirectWorker = request.getfixturevalue(f"_stdiobus_worker_{loop_of(request, 'stdiobus_worker')}")
    return worker


@pytest.fixture
def stdiobus_kernel(request: pytest.FixtureRequest) -> Iterator[StagedKernel]:
    """A kernel with raw clients and scripted workers, exact bytes at both ends; see `StagedKernel`.

    It is the judged one, the one that `--stdiobus-binary` names, or the bundled one.
    """
    from pytest_stdiobus.staging import left_behind, staged  # noqa: PLC0415

    with staged(request.config) as kernel:
        request.node.stash[KERNEL] = kernel
        yield kernel
    if left := left_behind(kernel):
        pytest.fail(left, pytrace=False)


@pytest.fixture
def _stdiobus_direct(request: pytest.FixtureRequest, _stdiobus_scene: Scene) -> Iterator[DirectWorker]:
    """The worker before it is started; afterwards its processes are looked for."""
    playing = request.config.pluginmanager.get_plugin("stdiobus-playing")
    if playing is not None:
        target = playing.run.target
        command, env, cwd = target.command, target.env, target.cwd or None
    else:
        command, env, cwd = _stdiobus_scene.first_command(request.getfixturevalue("stdiobus_config")), {}, None
    with _stdiobus_scene.direct(command, env, cwd) as worker:
        yield worker


@pytest.fixture
def _stdiobus_workshop(
    request: pytest.FixtureRequest, _stdiobus_scene: Scene, stdiobus_backend: str, stdiobus_docker: DockerOptions
) -> Iterator[Workshop]:
    """Where the buses of the test are made; it ends after all of them have."""
    faults = request.getfixturevalue("stdiobus_faults") if "stdiobus_faults" in request.fixturenames else None
    with _stdiobus_scene.workshop(stdiobus_backend, stdiobus_docker, faults) as workshop:
        yield workshop


def _fixtures_on(loop: str) -> dict[str, Any]:
    """The private asynchronous fixtures behind the public ones, on one kind of event loop.

    An asynchronous fixture is bound to a loop when it is defined, but only the test says which loop it
    runs on: so there are as many for each.
    """
    factory_name, started_name, worker_name = (f"_stdiobus_{what}_{loop}" for what in ("factory", "started", "worker"))

    async def factory(_stdiobus_workshop: Workshop) -> AsyncIterator[BusFactory]:
        maker = _stdiobus_workshop.factory()
        try:
            yield maker
        finally:
            await maker.stop()

    async def started(
        request: pytest.FixtureRequest, _stdiobus_scene: Scene, _stdiobus_workshop: Workshop
    ) -> AsyncStdioBus:
        maker: BusFactory = request.getfixturevalue(factory_name)
        config = _stdiobus_scene.marked(request.getfixturevalue("stdiobus_config"))
        return await maker.start("stdiobus", _stdiobus_workshop.with_faults(config))

    async def worker(_stdiobus_direct: DirectWorker) -> AsyncIterator[DirectWorker]:
        try:
            await _stdiobus_direct.start()
            yield _stdiobus_direct
        finally:
            await _stdiobus_direct.stop()

    if loop == ANYIO:
        define: Any = pytest.fixture
    else:
        define = functools.partial(pytest_asyncio.fixture, loop_scope=loop)
    return {
        factory_name: define(name=factory_name)(factory),
        started_name: define(name=started_name)(started),
        worker_name: define(name=worker_name)(worker),
    }


for _loop in (*LOOP_SCOPES, ANYIO):
    globals().update(_fixtures_on(_loop))
