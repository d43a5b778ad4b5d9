"""The end: work in flight may finish, then workers are ended, then clients are let go."""

from __future__ import annotations

import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bus import Bus
    from loop import Timer

_TERM_S, _KILL_S = 0.2, 1.0


class Stopping:
    """From running to ended."""

    def __init__(self, bus: Bus) -> None:
        """Begin running."""
        self.bus = bus
        self.begun = False
        self.ending = False
        self.forced = False
        self.deadline = 0.0
        self._timer: Timer | None = None

    @property
    def refuses_work(self) -> bool:
        """Whether new requests are refused."""
        return self.begun

    def on_signal(self, number: int) -> None:
        """Stop; a second signal ends everything at once."""
        if number in {signal.SIGTERM, signal.SIGINT}:
            if self.begun:
                self.force()
            else:
                self.begin(self.bus.limits["drain_timeout_sec"])
        elif number == signal.SIGCHLD:
            self.bus.look_after_workers()

    def begin(self, seconds: float) -> None:
        """Take no new work."""
        if self.begun:
            return
        self.begun = True
        self.deadline = time.monotonic() + seconds
        self.bus.close_listener()
        for pool in self.bus.pools.values():
            for slot in pool.slots:
                slot.retired = True
                if slot.timer:
                    slot.timer.cancel()
            pool.fail_waiting("shutting_down")
        self.refuse_held()
        self._timer = self.bus.loop.later(seconds, self.end_workers)

    def refuse_held(self) -> None:
        """Answer what is held."""
        for _, call in list(self.bus.routes.held):
            self.bus.routes.drop(call)
            self.bus.fail(call, "shutting_down")

    def look(self) -> None:
        """See whether the next step can be taken."""
        if self.begun and not self.ending and self.is_drained():
            self.end_workers()
        if self.ending and (not self.bus.has_processes() or self.forced):
            self.finish()

    def is_drained(self) -> bool:
        """Whether nothing is in flight and nothing is queued."""
        peers = [*self.bus.clients, *self.bus.workers()]
        return not any(client.asked for client in self.bus.clients) and not any(peer.channel.queue for peer in peers)

    def end_workers(self) -> None:
        """Answer what is still open, end the workers' input, and press them later."""
        if self.ending:
            return
        self.ending = True
        self.answer_the_rest()
        for worker in self.bus.workers():
            worker.channel.end_output()
        hurry = time.monotonic() >= self.deadline
        self.bus.loop.later(0 if hurry else _TERM_S, lambda: self.press(signal.SIGTERM))
        last = max(self.deadline - time.monotonic(), _KILL_S + (0 if hurry else _TERM_S))
        self.bus.loop.later(last, lambda: self.press(signal.SIGKILL))

    def answer_the_rest(self) -> None:
        """Fail what stays unanswered."""
        for worker in self.bus.workers():
            for call in self.bus.calls.everyone(worker):
                self.bus.fail(call, "shutting_down")

    def press(self, number: int) -> None:
        """Signal the workers that are still there."""
        for worker in [*self.bus.workers(), *self.bus.leftovers]:
            worker.pool.signal(worker, number)

    def force(self) -> None:
        """End everything now."""
        self.end_workers()
        self.press(signal.SIGKILL)
        self.forced = True

    def finish(self) -> None:
        """Let the clients go when they have everything, or when the time is over."""
        waits = any(client.channel.queue for client in self.bus.clients)
        if waits and not self.forced and time.monotonic() < max(self.deadline, self.bus.idle_since + _KILL_S):
            self.bus.loop.later(_TERM_S, lambda: None)
            return
        for client in list(self.bus.clients):
            self.bus.leave(client)
        self.bus.loop.over = True
