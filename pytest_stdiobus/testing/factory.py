"""How the fixtures make buses: recorded, on the selected backend, and looked at when they have ended."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BackendMode,
    BusConfig,
    DockerOptions,
    LimitsConfig,
    NativeOptions,
    PoolConfig,
    StdioBus,
    SubprocessOptions,
)
from pytest_stdiobus.data import data_dir
from pytest_stdiobus.testing.orphans import Mark
from pytest_stdiobus.testing.wire import Wire

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from pytest_stdiobus.testing.clients import Client
    from pytest_stdiobus.testing.direct import DirectWorker
    from pytest_stdiobus.testing.faults import Faults

Bus = TypeVar("Bus", AsyncStdioBus, StdioBus)

# A test is over when its fixtures end: nobody waits longer for a worker that does not.
STOP_TIMEOUT_SEC = 2.0
WORKERS_IN_CONTAINER = "/stdiobus-workers"


@dataclass
class Record:
    """What is kept of a test's buses, for its report.

    Attributes:
        wire: what crossed their wires.
        buses: each bus by its name.
        pools: the pools of each bus, by the same name.
        worker: the worker that the test talks to without a bus.
    """

    wire: Wire = field(default_factory=Wire)
    buses: dict[str, AsyncStdioBus | StdioBus] = field(default_factory=dict)
    pools: dict[str, list[PoolConfig]] = field(default_factory=dict)
    worker: DirectWorker | None = None


class Workshop:
    """Makes the buses of one test, none of them started."""

    def __init__(
        self,
        record: Record,
        backend: str,
        native: NativeOptions,
        subprocess: SubprocessOptions,
        docker: DockerOptions,
        *,
        orphans: bool,
        faults: Faults | None,
        client: Client | None,
    ) -> None:
        """Remember what every bus of the test shares.

        Args:
            record: where its buses are noted.
            backend: the backend they run on.
            native: their options on the native backend.
            subprocess: their options on the subprocess backend.
            docker: their options on the docker backend.
            orphans: whether left-over processes are looked for; they are not with another client.
            faults: where the test's toxics come from, if it has any.
            client: the client in place of the reference.
        """
        self._record = record
        self._client = client
        self._mark = Mark() if orphans and client is None else None
        self.stop_timeout_sec = client.stop_timeout_sec if client is not None else STOP_TIMEOUT_SEC
        self.backend = backend
        self._native = native
        environment = self._mark.environment if self._mark is not None else {}
        self._subprocess = replace(subprocess, env={**subprocess.env, **environment})
        workers = f"--volume={data_dir() / 'workers'}:{WORKERS_IN_CONTAINER}:ro"
        control = faults.docker_arguments if faults is not None else []
        self._docker = replace(docker, extra_args=[workers, *control, *docker.extra_args])
        self._faults = faults

    def make(
        self,
        kind: type[Bus],
        name: str,
        config: BusConfig | None,
        *,
        config_path: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> Bus:
        """A bus of this kind, its wire recorded under the name of the fixture that asked for it."""
        if config is not None:
            config = self._marked(config)
        own = {"backend": self.backend, "native": self._native, "subprocess": self._subprocess, "docker": self._docker}
        if (given := options.get("native")) is not None and not given.library_path:
            options["native"] = replace(given, library_path=self._native.library_path)
        options = {**own, **options}
        if self._client is not None:
            foreign: Bus = self._client.make(kind, config=config, config_path=config_path, **options)
            return foreign
        bus = kind(config, config_path=config_path, **options)
        number = sum(known.split()[0] == name for known in self._record.buses) + 1
        name = f"{name} {number}" if number > 1 else name
        pools = config.pools if config is not None else []
        self._record.buses[name], self._record.pools[name] = bus, pools
        wire = self._record.wire.add_bus(name, tuple(pool.id for pool in pools), bus.client_session_id)
        bus.on_wire(wire.record)
        return bus

    def factory(self) -> BusFactory:
        """What makes asynchronous buses on demand."""
        return BusFactory(self)

    @contextlib.contextmanager
    def started_sync(self, name: str, config: BusConfig) -> Iterator[StdioBus]:
        """A started synchronous bus, stopped afterwards."""
        bus = self.make(StdioBus, name, self.with_faults(config))
        try:
            bus.start()
            yield bus
        finally:
            self.end_faults()
            bus.stop(self.stop_timeout_sec)
            bus.destroy()

    def with_faults(self, config: BusConfig) -> BusConfig:
        """The configuration with a relay before each worker, where the test asked for faults."""
        if self._faults is None:
            return config
        return replace(config, pools=[self._faults.wrap(pool) for pool in config.pools])

    def end_faults(self) -> None:
        """Take the toxics away: what a test did to its workers must not keep them from ending."""
        if self._faults is not None:
            self._faults.reset()

    def check(self) -> None:
        """See that no process of the buses is left; they have ended.

        Raises:
            OrphanError: one was, it has been ended.
        """
        if self._mark is not None:
            self._mark.check()

    def _marked(self, config: BusConfig) -> BusConfig:
        if self._mark is None:
            return config
        mark = self._mark.environment
        return replace(config, pools=[replace(pool, env={**(pool.env or {}), **mark}) for pool in config.pools])


class BusFactory:
    """Makes started buses for one test and stops them afterwards."""

    def __init__(self, workshop: Workshop) -> None:
        """Begin with none."""
        self._workshop = workshop
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
            config = BusConfig(pools=pools if pools is not None else [echo_pool(self._workshop.backend)], limits=limits)
        return await self.start("make_stdiobus", config, config_path=config_path, **options)

    async def start(self, name: str, config: BusConfig | None, **options: Any) -> AsyncStdioBus:
        """A started bus for the fixture of this name."""
        bus = self._workshop.make(AsyncStdioBus, name, config, **options)
        self._buses.append(bus)
        await bus.start()
        return bus

    async def stop(self) -> None:
        """Stop every bus that was made, the last one first."""
        self._workshop.end_faults()
        for bus in reversed(self._buses):
            await bus.stop(self._workshop.stop_timeout_sec)
            bus.destroy()


def echo_pool(backend: str = BackendMode.AUTO.value) -> PoolConfig:
    """The default pool: a worker that echoes any method and streams on ``stream``.

    In a container it runs on the image's own ``python3``.
    """
    if backend == BackendMode.DOCKER.value:
        return PoolConfig(id="echo", command="python3", args=[f"{WORKERS_IN_CONTAINER}/echo.py"])
    return PoolConfig(id="echo", command=sys.executable, args=[str(data_dir() / "workers" / "echo.py")])
