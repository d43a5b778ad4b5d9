"""Faults in starting, watching and replacing workers (KRN-WRK)."""

from __future__ import annotations

import os
import signal
import socket
import time

from pools import Pool, Slot
from processes import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peers import Worker
    from settings import PoolSettings

_KEPT_S = 30
_EXIT_S, _PAUSE_S = 0.2, 0.005


class UsesAShell(Start):
    """Lets a shell read command and arguments."""

    def execute(self, settings: PoolSettings) -> None:
        os.execvpe("sh", ["sh", "-c", " ".join((settings.command, *settings.args))], self.environment(settings))  # noqa: S606, S607


class StartsOneTooFew(Pool):
    """Starts one worker less than it should, where it should start several."""

    def size(self) -> int:
        return max(super().size() - 1, 1)


class ConnectsBySockets(Start):
    """Gives a worker sockets for stdin and stdout."""

    def pipe(self) -> tuple[int, int]:
        one, other = socket.socketpair()
        return one.detach(), other.detach()


class IgnoresFolders(Start):
    """Starts every worker in its own folder."""

    def process(self, settings: PoolSettings) -> tuple[int, int, int]:
        settings.cwd = None
        return super().process(settings)


class IgnoresTheEnvironment(Start):
    """Gives a worker its own variables and no others."""

    def environment(self, settings: PoolSettings) -> dict[str, str]:
        return dict(os.environ)


class NeverRestarts(Pool):
    """Replaces no worker."""

    def most_restarts(self) -> int:
        return 0


class RestartsForever(Pool):
    """Replaces a worker as often as it dies."""

    def most_restarts(self) -> int:
        return 1 << 30


class TakesZeroForTheEnd(Pool):
    """Does not replace a worker that exits with status 0."""

    well = False  # how the last one ended that was looked for

    def reap(self, worker: Worker) -> bool:
        pid, status = os.waitpid(worker.pid, os.WNOHANG) if worker.pid else (0, 1)
        if pid:
            self.end_group(worker.pid)
            worker.pid, self.well = 0, status == 0
        return not worker.pid

    def over(self, worker: Worker) -> None:
        until = time.monotonic() + _EXIT_S
        while not self.reap(worker) and time.monotonic() < until:
            time.sleep(_PAUSE_S)
        if not worker.pid and self.well:
            worker.slot.restarts.extend([time.monotonic()] * self.bus.limits["max_restarts"])
        super().over(worker)


class RequestsWaitForNobody(Pool):
    """Lets requests wait for a worker that will never come."""

    @property
    def waits_for_worker(self) -> bool:
        return True


class OnePoolStopsAll(Pool):
    """Ends the workers of all pools when it gives up those of one."""

    def retire(self, slot: Slot) -> None:
        super().retire(slot)
        for pool in self.bus.pools.values():
            for other in pool.slots:
                other.retired = True
            for worker in pool.workers:
                pool.signal(worker, signal.SIGKILL)
                pool.over(worker)


class StartsWithoutWorkers(Pool):
    """Goes on when a command cannot be executed."""

    def start(self, slot: Slot) -> None:
        try:
            super().start(slot)
        except OSError:
            self.retire(slot)


class LeavesAKeeper(Start):
    """Leaves a process behind that holds the pipes of its workers open."""

    def process(self, settings: PoolSettings) -> tuple[int, int, int]:
        started = super().process(settings)
        if not os.fork():
            time.sleep(_KEPT_S)
            os._exit(0)
        return started


class WaitsForTheProcess(Pool):
    """Replaces a worker only when its process has ended."""

    def over(self, worker: Worker) -> None:
        if self.reap(worker):
            super().over(worker)


class LeavesDescriptorsInheritable(Start):
    """Does not mark the pipes of its workers close-on-exec."""

    def process(self, settings: PoolSettings) -> tuple[int, int, int]:
        started = super().process(settings)
        os.set_inheritable(started[1], True)
        return started


class LeavesFilesOpen(Start):
    """Lets a worker inherit a descriptor that is the kernel's."""

    def leave_nothing_open(self) -> None:
        super().leave_nothing_open()
        os.set_inheritable(os.open(os.curdir, os.O_RDONLY), True)


class LeavesSignalsBlocked(Start):
    """Leaves the signals blocked in a worker that it blocks while it starts one."""

    def reset_signals(self) -> None:
        """Leave them."""


class KeepsASpare(Pool):
    """Starts two workers when one has died."""

    def restart(self, slot: Slot) -> None:
        super().restart(slot)
        if slot.worker:
            self.bus.leftovers.append(slot.worker)
        super().restart(slot)


class LeavesTheGroup(Pool):
    """Ends a worker, and not those that it has started."""

    def signal(self, worker: Worker, number: int) -> None:
        if worker.pid:
            os.kill(worker.pid, number)

    def end_group(self, leader: int) -> None:
        """Leave it."""
