"""Faults at the end (KRN-SHD)."""

from __future__ import annotations

import os
import signal

from asks import Asks
from listeners import Listener
from stopping import Stopping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envelopes import Envelope
    from peers import Client, Peer, Worker

_DAWDLE_S = 0.3


class IgnoresSigint(Stopping):
    """Does not stop at SIGINT."""

    def on_signal(self, number: int) -> None:
        if number != signal.SIGINT:
            super().on_signal(number)


class AbortsOnSigterm(Stopping):
    """Aborts at SIGTERM."""

    def on_signal(self, number: int) -> None:
        if number == signal.SIGTERM:
            self.press(signal.SIGKILL)
            os.abort()
        super().on_signal(number)


class ExitsByTheSignal(Stopping):
    """Ends by the signal that stopped it, after everything is done."""

    last = 0

    def on_signal(self, number: int) -> None:
        if number in {signal.SIGTERM, signal.SIGINT}:
            self.last = number
        super().on_signal(number)

    def finish(self) -> None:
        super().finish()
        if self.bus.loop.over and self.last:
            signal.signal(self.last, signal.SIG_DFL)
            os.kill(os.getpid(), self.last)


class TakesNewWork(Stopping):
    """Takes new requests while it stops."""

    @property
    def refuses_work(self) -> bool:
        return False


class ForgetsTheHeld(Stopping):
    """Goes on holding requests while it stops."""

    def refuse_held(self) -> None:
        """Leave them."""


class DropsWorkInFlight(Asks):
    """Takes its time over responses, and delivers none when it is to stop."""

    def respond(self, worker: Worker, envelope: Envelope) -> Peer | None:
        self.bus.loop.later(_DAWDLE_S, lambda: self.respond_late(worker, envelope))
        return None

    def respond_late(self, worker: Worker, envelope: Envelope) -> None:
        """Deliver it, or refuse the request."""
        if not self.bus.stopping.begun:
            super().respond(worker, envelope)
            return
        for call in self.bus.calls.matches(worker, envelope):
            self.bus.fail(call, "shutting_down")


class LeavesTheRestOpen(Stopping):
    """Does not answer what stays unanswered."""

    def answer_the_rest(self) -> None:
        """Leave it."""


class OutlivesItsInput(Listener):
    """Does not stop at the end of its standard input."""

    def input_ended(self, client: Client) -> None:
        """Go on."""
