"""Faults in saying why not (KRN-ERR)."""

from __future__ import annotations

import re

from asks import Asks
from bus import Bus
from errors import Errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from calls import Call
    from channels import Line
    from envelopes import Envelope
    from peers import Client, Peer, Worker

_DAWDLE_S = 0.02


class ErrorsWithoutSessions(Errors):
    """Leaves the session out of its errors."""

    def of(self, reason: str, id_text: str, session_text: str = "null") -> bytes:
        return super().of(reason, id_text)


class RoundsIdsOfErrors(Errors):
    """Writes the number of an id as a double, in its errors."""

    def of(self, reason: str, id_text: str, session_text: str = "null") -> bytes:
        if re.fullmatch("-?[0-9.]{5,}", id_text):
            id_text = repr(float(id_text))
        return super().of(reason, id_text, session_text)


class CallsExitsOtherwise(Errors):
    """Has a code of its own for a worker that has exited."""

    def line(self, code: int, reason: str, id_text: str, session_text: str = "null") -> bytes:
        return super().line(-32000 if reason == "worker_exited" else code, reason, id_text, session_text)


class ErrorsWithoutReasons(Errors):
    """Does not say in its errors who says so and why."""

    def data(self, reason: str) -> str:
        return "null"


class LeavesRequestsOfTheDead(Bus):
    """Leaves the requests at a worker that died unanswered."""

    def fail(self, call: Call, reason: str) -> None:
        if reason == "worker_exited":
            self.calls.close(call)
        else:
            super().fail(call, reason)


class OneDeathFailsAll(Bus):
    """Fails the requests at every worker of a pool when one of them dies."""

    def lose(self, worker: Worker) -> None:
        super().lose(worker)
        for other in worker.pool.workers:
            for call in self.calls.everyone(other):
                self.fail(call, "worker_exited")


class LosesLastWords(Asks):
    """Takes its time over what a worker has written, and drops it when the worker has ended meanwhile."""

    def take(self, worker: Worker, envelope: Envelope) -> Peer | None:
        def take() -> None:
            if not worker.gone:
                super(LosesLastWords, self).take(worker, envelope)

        self.bus.loop.later(_DAWDLE_S, take)
        return None


class LeavesWorkersWaiting(Bus):
    """Does not tell a worker that the client it asks has left."""

    def unanswerable(self, client: Client) -> None:
        for call in self.calls.everyone(client):
            self.calls.close(call)


class IgnoresLostRequests(Asks):
    """Does not tell a worker that what it asks is for nobody."""

    def refuse(self, worker: Worker, envelope: Envelope, reason: str) -> Peer | None:
        return None if reason == "unknown_session" else super().refuse(worker, envelope, reason)


class AnswersTwice(Bus):
    """Says twice that a worker has exited."""

    def fail(self, call: Call, reason: str) -> None:
        caller = call.caller
        super().fail(call, reason)
        if reason == "worker_exited" and caller:
            caller.channel.send(self.errors.of(reason, call.id_text, call.session_text))


class ForwardsBrokenLines(Asks):
    """Hands a worker's line that is no message to the client that it serves."""

    def broken(self, worker: Worker, line: Line) -> None:
        for session in worker.sessions:
            if session.owner:
                session.owner.channel.send(line.data)
        super().broken(worker, line)


class ForgetsBrokenResponses(Asks):
    """Does not look whom a worker's broken line was for."""

    def broken(self, worker: Worker, line: Line) -> None:
        """Drop it."""


class LooksForIdsAnywhere(Asks):
    """Takes an id that stands anywhere in a broken line for that of a request."""

    def broken(self, worker: Worker, line: Line) -> None:
        for call in self.bus.calls.everyone(worker):
            if f'"id":{call.id_text}'.encode() in line.data:
                self.bus.fail(call, "invalid_response")
