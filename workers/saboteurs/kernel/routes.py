"""Where a message goes: pool, session, worker; or back to its sender with the reason why not."""

from __future__ import annotations

from calls import Call
from envelopes import NOTIFICATION, REQUEST, RESPONSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bus import Bus
    from envelopes import Envelope
    from peers import Client, Peer, Worker
    from pools import Pool
    from sessions import Session


class NoRouteError(Exception):
    """A message that goes nowhere."""


class Routes:
    """Takes the messages of clients."""

    def __init__(self, bus: Bus) -> None:
        """Begin with nothing held."""
        self.bus = bus
        self.held: list[tuple[Client, Call]] = []

    def take(self, client: Client, envelope: Envelope) -> Peer | None:
        """Send a client's message on; the peer that has no room for it, if that is why it cannot be."""
        if envelope.kind == RESPONSE:
            return self.bus.asks.answered(client, envelope)
        try:
            return self.route(client, envelope)
        except NoRouteError as error:
            reason = str(error)
        if envelope.kind == REQUEST:
            self.refuse(client, envelope, reason)
        else:
            self.bus.log.say(f"a notification of {client.name} is dropped: {reason}")
        return None

    def refuse(self, client: Client, envelope: Envelope, reason: str) -> None:
        """Answer a request with an error."""
        line = self.bus.errors.of(reason, envelope.spelled("id"), envelope.spelled("sessionId"))
        client.channel.send(line)

    def route(self, client: Client, envelope: Envelope) -> Peer | None:
        """Find the pool, the session and the worker."""
        if self.bus.stopping.refuses_work and envelope.kind == REQUEST:
            reason = "shutting_down"
            raise NoRouteError(reason)
        pool = self.pool_of(envelope)
        session = self.bus.sessions.used(envelope, pool, client)
        if envelope.kind == NOTIFICATION:
            return self.notify(client, envelope, pool, session)
        call = Call(client, envelope, session)
        if self.bus.calls.is_duplicate(call):
            reason = "duplicate_id"
            raise NoRouteError(reason)
        return self.place(client, call, pool)

    def pool_of(self, envelope: Envelope) -> Pool:
        """The pool: the one that is named, the session's, the one the method names, the only one."""
        pools = self.bus.pools
        name = envelope.text_of("pool")
        if name is not None and name not in pools:
            return self.unknown_pool()
        named = pools[name] if name is not None else None
        session = self.bus.sessions.by_name.get(envelope.session) if envelope.session is not None else None
        if session and named and named is not session.pool:
            return self.contradicted(named, session)
        found = named or (session.pool if session else self.unnamed(envelope))
        return found or self.no_pool_named()

    def unnamed(self, envelope: Envelope) -> Pool | None:
        """The pool that the method names, or the only one."""
        pools = self.bus.pools
        only = next(iter(pools.values())) if len(pools) == 1 else None
        return pools.get(envelope.text_of("method") or "") or only

    def unknown_pool(self) -> Pool:
        """There is no pool of that name."""
        reason = "unknown_pool"
        raise NoRouteError(reason)

    def no_pool_named(self) -> Pool:
        """There are several pools and no name."""
        reason = "pool_required"
        raise NoRouteError(reason)

    def contradicted(self, _named: Pool, _session: Session) -> Pool:
        """Pool and session do not agree."""
        reason = "pool_mismatch"
        raise NoRouteError(reason)

    def notify(self, client: Client, envelope: Envelope, pool: Pool, session: Session | None) -> Peer | None:
        """Send a notification where its session lives, or where its client's latest request went."""
        worker = self.worker_of(session, pool) if session else self.followed(client, pool)
        if worker is None:
            if not pool.waits_for_worker:
                reason = "no_worker"
                raise NoRouteError(reason)
            pool.waiting.append((client, envelope))
            return None
        self.check_room(worker)
        if self.bus.flow.is_full(worker):
            return worker
        self.send(worker, client, envelope, session)
        return None

    def check_room(self, worker: Worker) -> None:
        """Refuse what is for a worker that has been full for too long, or while all buffers together are."""
        if worker.refuses or self.bus.flow.is_overfull():
            reason = "overloaded"
            raise NoRouteError(reason)

    def followed(self, client: Client, pool: Pool) -> Worker | None:
        """Where the client's latest request without a session went."""
        latest = client.latest.get(pool)
        return latest if latest and not latest.gone else pool.next_worker()

    def worker_of(self, session: Session, pool: Pool) -> Worker | None:
        """The worker that serves a session, from now on if none did."""
        if session.worker is None and (chosen := pool.least_busy()):
            self.bus.sessions.bind(session, chosen)
        return session.worker

    def place(self, client: Client, call: Call, pool: Pool) -> Peer | None:
        """Send a request to a worker, hold it, or let it wait for one."""
        worker = self.worker_of(call.session, pool) if call.session else self.free_worker(call, pool)
        if worker is None:
            if not pool.waits_for_worker:
                reason = "no_worker"
                raise NoRouteError(reason)
            pool.waiting.append((client, call.envelope))
            return None
        if self.bus.calls.collides(worker, call):
            self.hold(client, call)
            return None
        self.check_room(worker)
        if self.bus.flow.is_full(worker):
            return worker
        self.ask(client, call, worker)
        return None

    def free_worker(self, call: Call, pool: Pool) -> Worker | None:
        """The next worker in turn at which no other request has this id; any if there is none."""
        chosen = pool.next_worker(lambda worker: not self.bus.calls.collides(worker, call))
        return chosen or pool.next_worker()

    def ask(self, client: Client, call: Call, worker: Worker) -> None:
        """Send a request."""
        self.bus.calls.ask(call, client)
        self.bus.calls.open(call, worker)
        if not call.session:
            client.latest[worker.pool] = worker
        self.send(worker, client, call.envelope, call.session)

    def send(self, worker: Worker, client: Client, envelope: Envelope, session: Session | None) -> None:
        """Write a client's line to a worker, and learn from it."""
        self.bus.learn(worker, envelope.inner_session, session, client, by_result=False)
        strip = worker.pool.settings.strip
        worker.channel.send(self.stripped(envelope) if strip else self.forwarded(envelope))

    def forwarded(self, envelope: Envelope) -> bytes:
        """The line as it came."""
        return envelope.line

    def stripped(self, envelope: Envelope) -> bytes:
        """The line without what only the bus knows."""
        return envelope.stripped()

    def hold(self, client: Client, call: Call) -> None:
        """Keep a request until the one that it looks like is answered."""
        self.bus.calls.ask(call, client)
        self.held.append((client, call))
        call.timer = self.bus.loop.later(self.bus.flow.patience, lambda: self.held_too_long(call))

    def held_too_long(self, call: Call) -> None:
        """Refuse a held request."""
        self.drop(call)
        self.bus.fail(call, "id_in_use")

    def drop(self, call: Call) -> None:
        """Hold it no longer."""
        self.held = [(client, other) for client, other in self.held if other is not call]
        if call.timer:
            call.timer.cancel()

    def release(self) -> None:
        """Send the held requests that nothing stands in the way of any more."""
        for client, call in list(self.held):
            pool = self.pool_of(call.envelope)
            worker = self.worker_of(call.session, pool) if call.session else self.free_worker(call, pool)
            if worker and not self.bus.calls.collides(worker, call):
                self.drop(call)
                self.ask(client, call, worker)
