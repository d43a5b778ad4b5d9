"""Faults in finding whose response a response is (KRN-COR)."""

from __future__ import annotations

from asks import Asks
from calls import Call, Calls
from peers import Client, Worker
from routes import Routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envelopes import Envelope
    from peers import Peer
    from pools import Pool


_DAWDLE_S = 0.02


class KeepsResponsesInOrder(Asks):
    """Delivers a response only when all earlier requests of its client have theirs."""

    def __init__(self, bus) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        super().__init__(bus)
        self.early: list[tuple[Worker, Envelope]] = []

    def respond(self, worker: Worker, envelope: Envelope) -> Peer | None:
        found = self.bus.calls.matches(worker, envelope)
        if len(found) == 1 and found[0].caller and next(iter(found[0].caller.asked)) is not found[0]:
            self.early.append((worker, envelope))
            return None
        full = super().respond(worker, envelope)
        early, self.early = self.early, []
        for each in early:
            self.respond(*each)
        return full


class BroadcastsResponses(Asks):
    """Hands a response to every client that is there."""

    def deliver(self, worker: Worker, client: Peer, envelope: Envelope, session_text: str) -> None:
        super().deliver(worker, client, envelope, session_text)
        for other in self.bus.clients:
            if other is not client and envelope.kind == "response":
                super().deliver(worker, other, envelope, session_text)


class FirstAskerGetsIt(Calls):
    """Takes a response for one to the oldest request with that id, at whichever worker."""

    def matches(self, callee: Peer, envelope: Envelope) -> list[Call]:
        if not isinstance(callee, Worker):
            return super().matches(callee, envelope)
        workers = callee.pool.workers
        return [call for worker in workers for call in worker.calls.get(envelope.id, ())][:1]


class LastAskerGetsIt(Asks):
    """Takes its time over a response, and hands it to whoever has used its id last."""

    def respond(self, worker: Worker, envelope: Envelope) -> Peer | None:
        self.bus.loop.later(_DAWDLE_S, lambda: self.respond_late(worker, envelope))
        return None

    def respond_late(self, worker: Worker, envelope: Envelope) -> None:
        """Hand it over."""
        held = [call for _, call in self.bus.routes.held if call.key == envelope.id]
        for call in [*worker.calls.get(envelope.id, ()), *held][-1:]:
            self.bus.routes.drop(call)
            if call.caller:
                self.deliver(worker, call.caller, envelope, call.session_text)
            self.answered_once(call)
            worker.repeats_sessions = True
            self.bus.settle(call.caller)


class IgnoresSessionsOfResponses(Calls):
    """Looks at the id of a response, and not at its session."""

    def matches(self, callee: Peer, envelope: Envelope) -> list[Call]:
        if isinstance(callee, Worker):
            return list(callee.calls.get(envelope.id, ()))
        return super().matches(callee, envelope)


class NeverHolds(Calls):
    """Sends a request at once, whatever is in flight."""

    def collides(self, callee: Peer, call: Call) -> bool:
        return False


class HoldsForever(Routes):
    """Holds a request as long as it takes."""

    def held_too_long(self, call: Call) -> None:
        """Go on."""


class GuessesResponses(Calls):
    """Takes the oldest of several requests for the one that is answered."""

    def matches(self, callee: Peer, envelope: Envelope) -> list[Call]:
        found = super().matches(callee, envelope)
        return found[:1] if isinstance(callee, Worker) else found


class TakesDuplicates(Calls):
    """Takes an id that its client still has open."""

    def is_duplicate(self, call: Call) -> bool:
        return False


class UsesOneInstance(Routes):
    """Sends every request without a session to the first worker."""

    def free_worker(self, call: Call, pool: Pool) -> Worker | None:
        return next(iter(pool.workers), None)


class DeliversUnaskedResponses(Asks):
    """Hands a response that nobody asked for to the client of its session."""

    def mismatched(self, worker: Worker, found: list[Call]) -> None:
        super().mismatched(worker, found)
        if not found:
            for session in worker.sessions:
                if session.owner and worker.lines:
                    session.owner.channel.send(worker.lines[0].data)


class SendsAnswersElsewhere(Asks):
    """Hands a client's answer to the first worker of the pool."""

    def answer(self, call: Call, envelope: Envelope) -> None:
        if isinstance(call.caller, Worker):
            call.caller = call.caller.pool.workers[0]
        super().answer(call, envelope)


class MixesDirections(Asks):
    """Drops an answer whose id is one that the client itself has open."""

    def answered(self, client: Client, envelope: Envelope) -> Peer | None:
        if any(call.key == envelope.id for call in client.asked):
            return None
        return super().answered(client, envelope)


class RefusesToAsk(Asks):
    """Lets no worker ask anything."""

    def ask(self, worker: Worker, envelope: Envelope, session, client: Client) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        self.refuse(worker, envelope, "unknown_session")


class NeedsSessionsOnAnswers(Asks):
    """Drops an answer without a session."""

    def answered(self, client: Client, envelope: Envelope) -> Peer | None:
        return super().answered(client, envelope) if envelope.session is not None else None


class GuessesAnswers(Calls):
    """Takes the oldest of several workers' requests for the one that is answered."""

    def matches(self, callee: Peer, envelope: Envelope) -> list[Call]:
        found = super().matches(callee, envelope)
        return found[:1] if isinstance(callee, Client) else found


class IgnoresSessionsOfAnswers(Calls):
    """Looks at the id of an answer, and not at its session."""

    def matches(self, callee: Peer, envelope: Envelope) -> list[Call]:
        if isinstance(callee, Client):
            return list(callee.calls.get(envelope.id, ()))
        return super().matches(callee, envelope)


class TakesAnswersOfAnybody(Asks):
    """Takes the answer of one client for that of another which was asked under the same id."""

    def answered(self, client: Client, envelope: Envelope) -> Peer | None:
        for other in self.bus.clients:
            if not client.calls.get(envelope.id) and other.calls.get(envelope.id):
                return super().answered(other, envelope)
        return super().answered(client, envelope)


class KeepsIdsForever(Calls):
    """Takes an id for open that was answered."""

    def close(self, call: Call) -> None:
        caller = call.caller
        super().close(call)
        if caller:
            caller.open_ids.add((call.key, call.session))
