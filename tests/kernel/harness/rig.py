# SPDX-License-Identifier: Apache-2.0
"""Everything one test needs: a world, workers, kernels, and an end to all of them."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .embedded import OK, Embedded
from .kernel import Kernel
from .messages import request
from .peer import Peer, StreamPeer, wait_any
from .worker import ScriptedWorkers, Worker
from .world import DEADLINE, World

Bus = Kernel | Embedded


class Rig:
    """Starts kernels with scripted workers on one transport and cleans up after them."""

    def __init__(self, transport: str = "unix") -> None:
        self.transport = transport
        self.world = World()
        # Unix socket paths are short: not below pytest's temporary folder.
        self.folder = Path(tempfile.mkdtemp(prefix="krn-"))
        self.workers = ScriptedWorkers(self.world, self.folder)
        self.buses: list[Bus] = []

    def __enter__(self) -> "Rig":  # noqa: PYI034
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def config(
        self,
        instances: int = 1,
        *,
        pools: Sequence[Mapping[str, Any]] | None = None,
        limits: Mapping[str, Any] | None = None,
        **members: Any,
    ) -> dict[str, Any]:
        """Return a configuration: one pool ``w`` of scripted workers unless pools are given."""
        config: dict[str, Any] = {"pools": pools or [self.workers.pool("w", instances, **members)]}
        if limits is not None:
            config["limits"] = dict(limits)
        return config

    def start(
        self,
        instances: int = 1,
        *,
        pools: Sequence[Mapping[str, Any]] | None = None,
        limits: Mapping[str, Any] | None = None,
        **members: Any,
    ) -> "Bus":
        """Start a bus on the rig's transport and wait until it serves; further members go into the pool."""
        config = self.config(instances, pools=pools, limits=limits, **members)
        if self.transport == "embedded":
            return self.embed(config)
        return self.launch(config)

    def launch(self, config: Mapping[str, Any] | bytes, *, ready: bool = True, **how: Any) -> Kernel:
        """Start the executable; see Kernel for what else can be said."""
        transport = how.pop("transport", self.transport)
        kernel = Kernel(self.world, config, transport, self.folder, **how)
        self.buses.append(kernel)
        if ready:
            kernel.wait_ready()
        return kernel

    def embed(self, config: Mapping[str, Any] | str, *, start: bool = True, **how: Any) -> Embedded:
        """Host the library in this process."""
        bus = Embedded(self.world, config, self.folder, **how)
        self.buses.append(bus)
        assert bus.bus, f"create returned NULL: {bus.errors}"
        if start:
            code = bus.start()
            assert code == OK, f"start returned {code}: {bus.errors} {bus.log}"
        return bus

    def worker(self, label: str = "w", seconds: float = DEADLINE) -> Worker:
        """Return the next worker of a pool."""
        return self.workers.next(label, seconds)

    def receiver(self, workers: Iterable[Worker]) -> Worker:
        """Return the first of several workers that has received something."""
        return wait_any(self.world, workers)

    def homes(self, client: Peer, workers: Iterable[Worker], *sessions: str) -> list[Worker]:
        """Open sessions with one answered request each and return the worker of each."""
        found = []
        for session in sessions:
            client.send(request(f"open-{session}", session=session, method="open"))
            worker = self.receiver(workers)
            worker.serve_one()
            client.recv()
            found.append(worker)
        return found

    def pair(self, bus: "Bus | None" = None, **how: Any) -> tuple[Peer, Worker]:
        """Return a client and the worker of a bus with one instance."""
        bus = bus or self.start(**how)
        return bus.client(), self.worker()

    def close(self) -> None:
        """End every process and remove every file; fails where a kernel had crashed."""
        faults: list[BaseException] = []
        for bus in self.buses:
            try:
                if isinstance(bus, Kernel):
                    bus.dispose(self._release_workers)
                else:
                    self._release_workers()
                    bus.dispose()
            except AssertionError as fault:
                faults.append(fault)
        self.workers.kill()
        self.workers.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if faults:
            raise faults[0]

    def _release_workers(self) -> None:
        for worker in self.workers.everyone:
            worker.control.say("exit 0")


__all__ = ["Bus", "Rig", "StreamPeer"]
