"""Workers: how they are started, chosen, watched, replaced."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from contextlib import suppress

from channels import Channel, Lines
from peers import Worker
from processes import Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from bus import Bus
    from envelopes import Envelope
    from loop import Timer
    from peers import Client
    from settings import PoolSettings

_FIRST_DELAY_S, _LONGEST_DELAY_S, _STEADY_S = 0.1, 5.0, 10.0
_KILL_S = 5.0


class Slot:
    """The place of one worker: its life, or the time until the next."""

    def __init__(self, number: int) -> None:
        """Begin empty."""
        self.number = number
        self.life = 0
        self.worker: Worker | None = None
        self.retired = False
        self.restarts: deque[float] = deque()
        self.delay = 0.0
        self.begun = 0.0
        self.timer: Timer | None = None


class Pool:
    """The workers of one command."""

    def __init__(self, bus: Bus, settings: PoolSettings) -> None:
        """Begin with nobody."""
        self.bus = bus
        self.settings = settings
        self.slots = [Slot(number) for number in range(self.size())]
        self.waiting: list[tuple[Client, Envelope]] = []
        self._turn = 0

    def size(self) -> int:
        """How many workers there are to be."""
        return self.settings.instances

    @property
    def workers(self) -> list[Worker]:
        """Those that live."""
        return [slot.worker for slot in self.slots if slot.worker]

    @property
    def waits_for_worker(self) -> bool:
        """Whether there will be one."""
        return not all(slot.retired for slot in self.slots)

    def least_busy(self) -> Worker | None:
        """The worker with the fewest sessions."""
        return min(self.workers, key=lambda worker: len(worker.sessions), default=None)

    def next_worker(self, suits: Callable[[Worker], bool] = lambda _: True) -> Worker | None:
        """The next worker in turn that suits."""
        for _ in self.slots:
            self._turn = (self._turn + 1) % len(self.slots)
            worker = self.slots[self._turn].worker
            if worker and suits(worker):
                return worker
        return None

    def start(self, slot: Slot) -> None:
        """Start a worker.

        Raises:
            OSError: its command cannot be executed.
        """
        slot.timer = None
        start = self.bus.parts.of(Start)()
        pid, stdin, stdout = start.process(self.settings)
        lines = self.bus.parts.of(Lines)(self.bus.limits["max_input_buffer"])
        channel = self.bus.parts.of(Channel)(self.bus.loop, lines, stdout, stdin)
        worker = Worker(channel, f"worker {self.settings.id}/{slot.number}#{slot.life}", self, slot, pid)
        slot.worker, slot.begun, slot.life = worker, time.monotonic(), slot.life + 1
        self.bus.attach(worker)
        channel.on_end = channel.on_broken = lambda: self.over(worker)
        waiting, self.waiting = self.waiting, []
        for client, envelope in waiting:
            self.bus.routes.take(client, envelope)

    def over(self, worker: Worker) -> None:
        """A worker that has ended, or has closed a pipe, is replaced at once, and ended if it lives."""
        worker.channel.on_end = worker.channel.on_broken = lambda: None
        self.last_words(worker)
        self.lost(worker)
        if not self.reap(worker):
            self.signal(worker, signal.SIGTERM)
            self.bus.leftovers.append(worker)
            self.bus.loop.later(_KILL_S, lambda: self.signal(worker, signal.SIGKILL))

    def reap(self, worker: Worker) -> bool:
        """Whether its process has ended."""
        if worker.pid and os.waitpid(worker.pid, os.WNOHANG)[0]:
            self.end_group(worker.pid)
            worker.pid = 0
        return not worker.pid

    def end_group(self, leader: int) -> None:
        """Whoever is in a worker's process group ends with it."""
        with suppress(OSError):
            os.killpg(leader, signal.SIGKILL)

    def look(self, worker: Worker) -> None:
        """See whether a worker has died."""
        if self.reap(worker):
            self.over(worker)

    def last_words(self, worker: Worker) -> None:
        """What a worker wrote before its end is delivered first."""
        worker.channel.finish_input()

    def signal(self, worker: Worker, number: int) -> None:
        """Signal a worker and whoever is in its process group."""
        if worker.pid:
            with suppress(ProcessLookupError):
                os.killpg(worker.pid, number)

    def lost(self, worker: Worker) -> None:
        """A worker is no more: its sessions end, its requests fail, another one takes its place."""
        worker.gone = True
        worker.slot.worker = None
        self.bus.lose(worker)
        if not self.bus.stopping.begun:
            self.replace(worker.slot)

    def replace(self, slot: Slot) -> None:
        """Start another worker, now or in a while, unless too many were started."""
        now = time.monotonic()
        limits = self.bus.limits
        while slot.restarts and now - slot.restarts[0] >= limits["restart_window_sec"]:
            slot.restarts.popleft()
        if len(slot.restarts) >= self.most_restarts():
            self.retire(slot)
            return
        slot.restarts.append(now)
        if now - slot.begun > _STEADY_S:
            slot.delay = 0.0
        slot.timer = self.bus.loop.later(slot.delay, lambda: self.restart(slot))
        slot.delay = min(max(slot.delay * 2, _FIRST_DELAY_S), _LONGEST_DELAY_S)

    def most_restarts(self) -> int:
        """How often one worker is replaced within the window."""
        return self.bus.limits["max_restarts"]

    def restart(self, slot: Slot) -> None:
        """Start another worker; where that cannot be, try once more later."""
        try:
            self.start(slot)
        except OSError as error:
            self.bus.log.say(f"{self.settings.command}: {error}")
            self.replace(slot)

    def retire(self, slot: Slot) -> None:
        """Start none any more; when it was the last, nothing waits any longer."""
        slot.retired = True
        if not self.waits_for_worker:
            self.fail_waiting("no_worker")

    def fail_waiting(self, reason: str) -> None:
        """Answer everything that waits for a worker."""
        waiting, self.waiting = self.waiting, []
        for client, envelope in waiting:
            if envelope.kind == "request":
                self.bus.routes.refuse(client, envelope, reason)
            self.bus.settle(client)
