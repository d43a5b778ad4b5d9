"""What workers send: responses, and messages of their own with what clients answer to them."""

from __future__ import annotations

from calls import Call
from envelopes import REQUEST, RESPONSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bus import Bus
    from channels import Line
    from envelopes import Envelope
    from peers import Client, Peer, Worker
    from sessions import Session


class Asks:
    """Takes the messages of workers."""

    def __init__(self, bus: Bus) -> None:
        """Begin with nothing held."""
        self.bus = bus
        self.held: list[tuple[Client, Worker, Call]] = []

    def take(self, worker: Worker, envelope: Envelope) -> Peer | None:
        """Send a worker's message on; the peer that has no room for it, if that is why it cannot be."""
        if envelope.kind == RESPONSE:
            return self.respond(worker, envelope)
        session, client = self.bus.sessions.addressee(worker, envelope)
        if client is None or (envelope.kind == REQUEST and client.channel.ended):
            return self.refuse(worker, envelope, "client_gone" if client else "unknown_session")
        if self.bus.flow.is_full(client):
            return client
        if envelope.kind == REQUEST:
            self.ask(worker, envelope, session, client)
        else:
            self.deliver(worker, client, envelope, session.spelled if session else "null")
        return None

    def respond(self, worker: Worker, envelope: Envelope) -> Peer | None:
        """Deliver a response to the client that asked."""
        found = self.bus.calls.matches(worker, envelope)
        if len(found) != 1:
            self.mismatched(worker, found)
            return None
        call = found[0]
        client = call.caller
        if client and self.bus.flow.is_full(client):
            return client
        if client:
            self.bus.learn(worker, envelope.inner_session, call.session, client, by_result=True)
            self.deliver(worker, client, envelope, call.session_text)
        self.answered_once(call)
        if envelope.session is not None and call.session:
            worker.repeats_sessions = True
        self.bus.settle(client)
        return None

    def answered_once(self, call: Call) -> None:
        """A request has its response."""
        self.bus.calls.close(call)
        self.bus.routes.release()

    def mismatched(self, worker: Worker, found: list[Call]) -> None:
        """Discard what answers nothing, and fail all that it might answer."""
        self.bus.log.say(f"a response of {worker.name} fits {len(found)} requests: dropped")
        for call in found:
            self.bus.fail(call, "ambiguous_response")
        self.bus.routes.release()

    def deliver(self, worker: Worker, client: Peer, envelope: Envelope, session_text: str) -> None:
        """Write a worker's line to a client, with the session that it was not shown."""
        if worker.pool.settings.strip and envelope.session is None and session_text != "null":
            client.channel.send(self.with_session(envelope, session_text))
        else:
            client.channel.send(self.forwarded(envelope))

    def with_session(self, envelope: Envelope, session_text: str) -> bytes:
        """The line with its session in front."""
        head, _, rest = envelope.text.partition("{")
        return f'{head}{{"sessionId":{session_text},{rest}'.encode()

    def forwarded(self, envelope: Envelope) -> bytes:
        """The line as it came."""
        return envelope.line

    def ask(self, worker: Worker, envelope: Envelope, session: Session | None, client: Client) -> None:
        """Send a worker's request to a client, or hold it from one that could not tell it from another."""
        call = Call(worker, envelope, session)
        self.bus.calls.ask(call, worker)
        if client.omits_sessions and client.calls.get(call.key):
            self.held.append((client, worker, call))
            return
        self.put(client, worker, call)

    def put(self, client: Client, worker: Worker, call: Call) -> None:
        """Send a worker's request."""
        self.bus.calls.open(call, client)
        self.deliver(worker, client, call.envelope, call.session.spelled if call.session else "null")

    def answered(self, client: Client, envelope: Envelope) -> Peer | None:
        """Send a client's answer to the worker that asked."""
        found = self.bus.calls.matches(client, envelope)
        if envelope.session is None:
            client.omits_sessions = True
        if len(found) == 1:
            self.answer(found[0], envelope)
        else:
            self.bus.log.say(f"an answer of {client.name} fits {len(found)} requests: dropped")
            self.ambiguous(found, envelope)
        self.release()
        return None

    def answer(self, call: Call, envelope: Envelope) -> None:
        """Hand an answer over; beyond the mark of a queue too, for its worker waits for it."""
        if call.caller:
            strip = self.strips(call)
            call.caller.channel.send(envelope.stripped() if strip else self.forwarded(envelope))
        self.bus.calls.close(call)

    def strips(self, call: Call) -> bool:
        """Whether the worker that asked is shown no member of the bus."""
        pool = getattr(call.caller, "pool", None)
        return bool(pool and pool.settings.strip)

    def ambiguous(self, found: list[Call], _envelope: Envelope) -> None:
        """Tell all workers whose request it might answer."""
        for call in found:
            self.bus.fail(call, "ambiguous_answer")

    def release(self) -> None:
        """Send the held requests that can be told apart now."""
        for client, worker, call in list(self.held):
            if not client.calls.get(call.key):
                self.held.remove((client, worker, call))
                self.put(client, worker, call)

    def forget(self, peer: Peer) -> None:
        """Drop what is held from a client or of a worker that is gone."""
        gone = [entry for entry in self.held if peer in entry]
        self.held = [entry for entry in self.held if entry not in gone]
        for _, _, call in gone:
            self.bus.fail(call, "client_gone")

    def refuse(self, worker: Worker, envelope: Envelope, reason: str) -> Peer | None:
        """Answer a worker's request that cannot be delivered; drop what is no request."""
        if envelope.kind != REQUEST:
            self.bus.log.say(f"a notification of {worker.name} is for nobody: dropped")
            return None
        if self.bus.flow.is_full(worker):
            return worker
        line = self.bus.errors.of(reason, envelope.spelled("id"), envelope.spelled("sessionId"))
        worker.channel.send(line)
        return None

    def broken(self, worker: Worker, line: Line) -> None:
        """Drop a line that is no message; a request that it seems to answer fails."""
        self.bus.log.say(f"dropped a line of {worker.name}: {line.data[:100]!r}")
        shown = self.bus.reader.salvaged(line.data)
        if shown.id is None or "method" in shown.named:
            return
        found = self.bus.calls.matches(worker, shown)
        for call in found:
            self.bus.fail(call, "invalid_response" if len(found) == 1 else "ambiguous_response")
        self.bus.routes.release()
