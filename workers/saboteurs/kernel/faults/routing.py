"""Faults in choosing pools, workers and clients (KRN-RTE)."""

from __future__ import annotations

from asks import Asks
from envelopes import NOTIFICATION, REQUEST, is_text
from pools import Pool
from routes import NoRouteError, Routes
from sessions import Learned, Session, Sessions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from calls import Call
    from envelopes import Envelope
    from peers import Client, Peer, Worker

_DAWDLE_S, _SEATS = 0.02, 1000


class NotificationsWander(Routes):
    """Sends each notification of a session to the next worker."""

    def notify(self, client: Client, envelope: Envelope, pool: Pool, session: Session | None) -> Peer | None:
        worker = pool.next_worker()
        if not worker:
            return super().notify(client, envelope, pool, session)
        self.send(worker, client, envelope, session)
        return None


class FillsOneWorker(Pool):
    """Gives every new session to the first worker."""

    def least_busy(self) -> Worker | None:
        return next(iter(self.workers), None)


class NotificationsFollowNobody(Routes):
    """Sends a notification without a session to the next worker in turn."""

    def followed(self, client: Client, pool: Pool) -> Worker | None:
        return pool.next_worker()


class DawdlesWithNotifications(Routes):
    """Lets requests overtake notifications."""

    def notify(self, client: Client, envelope: Envelope, pool: Pool, session: Session | None) -> Peer | None:
        def send() -> None:
            if not client.gone:
                super(DawdlesWithNotifications, self).notify(client, envelope, pool, session)

        self.bus.loop.later(_DAWDLE_S, send)
        return None


class AlwaysNeedsPools(Routes):
    """Wants a pool to be named for a session that has one."""

    def pool_of(self, envelope: Envelope) -> Pool:
        if len(self.bus.pools) > 1 and envelope.text_of("pool") is None:
            return self.unnamed(envelope) or self.no_pool_named()
        return super().pool_of(envelope)


class IgnoresPools(Routes):
    """Sends everything to the first pool."""

    def pool_of(self, envelope: Envelope) -> Pool:
        super().pool_of(envelope)
        return next(iter(self.bus.pools.values()))


class KnowsTheOnlyPool(Routes):
    """Refuses to be told the only pool."""

    def pool_of(self, envelope: Envelope) -> Pool:
        if len(self.bus.pools) == 1 and envelope.text_of("pool") is not None:
            return self.unknown_pool()
        return super().pool_of(envelope)


class FollowsThePool(Routes):
    """Moves a session to the pool that a message names."""

    def contradicted(self, named: Pool, session: Session) -> Pool:
        session.pool, session.worker = named, None
        return named


class IgnoresMethods(Routes):
    """Does not look for a pool of the method's name."""

    def unnamed(self, envelope: Envelope) -> Pool | None:
        return next(iter(self.bus.pools.values())) if len(self.bus.pools) == 1 else None


class SendsAnywhere(Routes):
    """Sends what has no route to the first pool."""

    def unknown_pool(self) -> Pool:
        return next(iter(self.bus.pools.values()))

    def no_pool_named(self) -> Pool:
        return next(iter(self.bus.pools.values()))


class AnswersUnroutableNotifications(Routes):
    """Answers a notification for which no pool is named."""

    def take(self, client: Client, envelope: Envelope) -> Peer | None:
        if envelope.kind == NOTIFICATION:
            try:
                self.pool_of(envelope)
            except NoRouteError as error:
                if str(error) == "pool_required":
                    self.refuse(client, envelope, str(error))
        return super().take(client, envelope)


class AnyoneMaySpeak(Sessions):
    """Lets a worker speak for sessions that another one serves."""

    def may_speak(self, worker: Worker, session: Session) -> bool:
        return session.worker is not None


class LastSenderOwns(Sessions):
    """Gives a session to whoever sent on it last."""

    def used(self, envelope: Envelope, pool: Pool, client: Client) -> Session | None:
        session = super().used(envelope, pool, client)
        if session:
            session.owner = client
        return session


class GuessesUnknownSessions(Sessions):
    """Takes a session that nobody has for the worker's only one."""

    def addressee(self, worker: Worker, envelope: Envelope) -> tuple[Session | None, Client | None]:
        session, client = super().addressee(worker, envelope)
        if client is None and envelope.kind == NOTIFICATION and envelope.session not in {None, *self.by_name}:
            return self.served(worker, next(iter(worker.sessions), None))
        return session, client


class LearnsNothing(Sessions):
    """Does not look for sessions in params and results."""

    def learn(self, worker: Worker, name: str | None, learned: Learned) -> None:
        """Forget it."""


class BelievesClientsFirst(Sessions):
    """Lets a client's params say whose a session is that a worker's result has named."""

    def learn(self, worker: Worker, name: str | None, learned: Learned) -> None:
        if name is not None:
            worker.learned[name] = learned


class GuessesTheAddressee(Sessions):
    """Hands what nobody has taught to the worker's first session."""

    def learned(self, worker: Worker, envelope: Envelope) -> Learned | None:
        known = super().learned(worker, envelope)
        session = next(iter(worker.sessions), None)
        if known or not (session and session.owner):
            return known
        return Learned(session, session.owner, by_result=False)


class ForgetsThePool(Sessions):
    """Binds a session whose worker has died to any pool."""

    def unbind(self, worker: Worker) -> None:
        for session in worker.sessions:
            session.pool = next(iter(worker.pool.bus.pools.values()))
        super().unbind(worker)


class SuccessorsInherit(Pool):
    """Lets a restarted worker speak for the sessions of its predecessor."""

    def start(self, slot) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        super().start(slot)
        for session in self.bus.sessions.by_name.values():
            if session.worker is None and session.pool is self and slot.worker:
                self.bus.sessions.bind(session, slot.worker)


class FirstSenderInherits(Sessions):
    """Gives the session of an owner who leaves to the client that did not send for the longest time."""

    def heir(self, session: Session) -> Client:
        return next(iter(session.clients))


class NeverEndsSessions(Sessions):
    """Keeps sessions whose clients have all left."""

    def end(self, session: Session) -> None:
        """Keep it."""


class StripsNothing(Routes):
    """Shows a worker the members of the bus, whatever its pool says."""

    def stripped(self, envelope: Envelope) -> bytes:
        return envelope.line


class ForgetsStrippedSessions(Asks):
    """Gives a response without the session that its worker was not shown."""

    def with_session(self, envelope: Envelope, session_text: str) -> bytes:
        return envelope.line


class AgentsChoosePools(Routes):
    """Takes an agentId for a pool."""

    def pool_of(self, envelope: Envelope) -> Pool:
        agent = envelope.named.get("agentId")
        name = agent.value if agent and is_text(agent.value) else ""
        return self.bus.pools.get(name) or super().pool_of(envelope)


class ForgetsSessions(Routes):
    """Sends each request of a session to the next worker."""

    def worker_of(self, session: Session, pool: Pool) -> Worker | None:
        worker = pool.next_worker()
        if worker:
            self.bus.sessions.bind(session, worker)
        return worker


class RefusesInSilence(Routes):
    """Does not answer a request that cannot be routed."""

    def refuse(self, client: Client, envelope: Envelope, reason: str) -> None:
        if reason not in {"unknown_pool", "pool_required"} or envelope.kind != REQUEST:
            super().refuse(client, envelope, reason)


class HasATable(Routes):
    """Drops what a client asks beyond a thousand requests."""

    def place(self, client: Client, call: Call, pool: Pool) -> Peer | None:
        return super().place(client, call, pool) if len(client.asked) < _SEATS else None
