"""Sessions: which worker serves them, whose they are, which other names lead to them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from envelopes import Envelope
    from peers import Client, Worker
    from pools import Pool


class Session:
    """A conversation that stays with its worker."""

    def __init__(self, name: str, spelled: str, pool: Pool) -> None:
        """Begin without a worker."""
        self.name = name
        self.spelled = spelled
        self.pool = pool
        self.worker: Worker | None = None
        self.owner: Client | None = None
        self.clients: dict[Client, None] = {}  # that sent on it, the last one last


class Learned:
    """What a name in params leads to: a session, or a client that asked without one."""

    def __init__(self, session: Session | None, client: Client, *, by_result: bool) -> None:
        """Hold them."""
        self.session = session
        self.client = client
        self.by_result = by_result


class Sessions:
    """Finds sessions, binds them, ends them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.by_name: dict[str, Session] = {}

    def used(self, envelope: Envelope, pool: Pool, client: Client) -> Session | None:
        """The session of a client's message, from now on if there was none."""
        name = envelope.session
        if name is None:
            return None
        if name not in self.by_name:
            self.by_name[name] = Session(name, envelope.spelled("sessionId"), pool)
        session = self.by_name[name]
        session.owner = session.owner or client
        session.clients.pop(client, None)
        session.clients[client] = None
        client.sessions[session] = None
        return session

    def bind(self, session: Session, worker: Worker) -> None:
        """Serve it here."""
        session.worker = worker
        worker.sessions[session] = None

    def unbind(self, worker: Worker) -> None:
        """A worker's death ends its sessions; their pool is remembered."""
        for session in worker.sessions:
            session.worker = None
        worker.sessions.clear()
        worker.learned.clear()

    def leave(self, client: Client) -> None:
        """The last client that leaves ends a session; another one takes it over."""
        for session in client.sessions:
            session.clients.pop(client, None)
            if not session.clients:
                self.end(session)
            elif session.owner is client:
                session.owner = self.heir(session)
        for worker in client.taught:
            worker.learned = {name: what for name, what in worker.learned.items() if what.client is not client}
        client.sessions.clear()

    def heir(self, session: Session) -> Client:
        """Who owns a session when its owner leaves."""
        return next(reversed(session.clients))

    def end(self, session: Session) -> None:
        """Forget it, and what leads to it."""
        self.by_name.pop(session.name, None)
        if session.worker:
            worker = session.worker
            worker.sessions.pop(session, None)
            worker.learned = {name: what for name, what in worker.learned.items() if what.session is not session}

    def learn(self, worker: Worker, name: str | None, learned: Learned) -> None:
        """Remember what a name leads to; a worker's own word wins."""
        if name is None:
            return
        known = worker.learned.get(name)
        if known is None or learned.by_result or not known.by_result:
            worker.learned[name] = learned
            learned.client.taught[worker] = None

    def addressee(self, worker: Worker, envelope: Envelope) -> tuple[Session | None, Client | None]:
        """Whom a worker's own message is for."""
        if envelope.session is not None:
            return self.served(worker, self.by_name.get(envelope.session))
        learned = self.learned(worker, envelope)
        if learned and not learned.session:
            return None, learned.client
        session = learned.session if learned else None
        if not session and worker.pool.settings.strip and len(worker.sessions) == 1:
            session = next(iter(worker.sessions))
        return self.served(worker, session)

    def learned(self, worker: Worker, envelope: Envelope) -> Learned | None:
        """What the name in a worker's params leads to."""
        return worker.learned.get(envelope.inner_session or "")

    def served(self, worker: Worker, session: Session | None) -> tuple[Session | None, Client | None]:
        """A session and its owner, if this worker may speak for it."""
        if session and self.may_speak(worker, session):
            return session, session.owner
        return None, None

    def may_speak(self, worker: Worker, session: Session) -> bool:
        """Whether a worker serves a session."""
        return session.worker is worker
