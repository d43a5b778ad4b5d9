"""The kernel as a whole: its parts, and what concerns more than one of them."""

from __future__ import annotations

import signal
import time

from asks import Asks
from calls import Calls
from envelopes import PARSE_ERROR, Reader, Refusal
from errors import Errors, Log
from flow import Flow
from listeners import Listener
from loop import Loop
from peers import Client, Peer, Worker
from pools import Pool
from routes import Routes
from sessions import Learned, Sessions
from stopping import Stopping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from calls import Call
    from channels import Line
    from command_line import CommandLine
    from parts import Parts
    from sessions import Session
    from settings import Settings


class Bus:
    """Everything, put together."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        """Cast the parts."""
        self.parts = parts
        self.limits = settings.limits
        self.loop = Loop()
        self.errors = parts.of(Errors)()
        self.log = parts.of(Log)()
        self.reader = parts.of(Reader)()
        self.calls = parts.of(Calls)()
        self.sessions = parts.of(Sessions)()
        self.flow = parts.of(Flow)(self)
        self.stopping = parts.of(Stopping)(self)
        self.listener = parts.of(Listener)(self)
        self.routes = parts.of(Routes)(self)
        self.asks = parts.of(Asks)(self)
        self.pools = {pool.id: parts.of(Pool)(self, pool) for pool in settings.pools}
        self.clients: dict[Client, None] = {}
        self.leftovers: list[Worker] = []  # that were replaced and have not ended yet
        self.idle_since = 0.0

    def run(self, line: CommandLine) -> int:
        """Serve until the end.

        Raises:
            OSError: a command or an address is bad.
        """
        self.loop.on_signals(self.stopping.on_signal, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
        try:
            for pool in self.pools.values():
                for slot in pool.slots:
                    pool.start(slot)
            self.listener.open(line)
        except OSError:
            self.stopping.press(signal.SIGKILL)
            raise
        self.loop.run(self.stopping.look)
        return 0

    def workers(self) -> list[Worker]:
        """The workers that live."""
        return [worker for pool in self.pools.values() for worker in pool.workers]

    def has_processes(self) -> bool:
        """Whether a process that was started is still there."""
        self.idle_since = time.monotonic()
        return bool(self.workers() or self.leftovers)

    def look_after_workers(self) -> None:
        """See who has ended."""
        for worker in self.workers():
            worker.pool.look(worker)
        self.leftovers = [worker for worker in self.leftovers if not worker.pool.reap(worker)]

    def attach(self, peer: Peer) -> None:
        """Take what a peer sends from now on."""

        def on_lines(lines: list[Line]) -> None:
            peer.lines.extend(lines)
            if peer.waits_for is None:
                self.flow.pump(peer)

        peer.channel.on_lines = on_lines
        peer.channel.on_room = lambda: self.on_room(peer)

    def on_room(self, peer: Peer) -> None:
        """A peer has taken something: others may go on, and it may have been all that it waited for."""
        self.flow.room(peer)
        self.settle(peer)

    def take(self, peer: Peer, line: Line) -> Peer | None:
        """Take one line; the peer that has no room for it, if it cannot be taken now."""
        try:
            envelope = self.reader.read_line(line)
        except Refusal as refusal:
            self.refuse(peer, line, refusal)
            return None
        if isinstance(peer, Worker):
            return self.asks.take(peer, envelope)
        return self.routes.take(peer, envelope) if isinstance(peer, Client) else None

    def refuse(self, peer: Peer, line: Line, refusal: Refusal) -> None:
        """A line is no message; what the end of an input cut off is nobody's."""
        if isinstance(peer, Worker):
            self.asks.broken(peer, line)
        elif not (peer.channel.ended and refusal.code == PARSE_ERROR):
            peer.channel.send(self.errors.of_line(refusal))

    def after_lines(self, peer: Peer) -> None:
        """Everything that a peer had sent has been taken."""
        self.settle(peer)

    def learn(
        self, worker: Worker, name: str | None, session: Session | None, client: Peer, *, by_result: bool
    ) -> None:
        """Remember what a name in params or result leads to."""
        if isinstance(client, Client):
            self.sessions.learn(worker, name, Learned(session, client, by_result=by_result))

    def fail(self, call: Call, reason: str) -> None:
        """Answer a request in the kernel's name."""
        caller = call.caller
        self.calls.close(call)
        if caller and not caller.gone:
            caller.channel.send(self.errors.of(reason, call.id_text, call.session_text))
            self.settle(caller)

    def lose(self, worker: Worker) -> None:
        """A worker is gone: fail what it owes, route afresh what it never saw, end its sessions."""
        written = worker.channel.written
        worker.channel.close()
        self.sessions.unbind(worker)
        for call in list(worker.asked):
            call.caller = None
        self.asks.forget(worker)
        for call in self.calls.everyone(worker):
            if not call.session and call.mark >= written and isinstance(call.caller, Client):
                client = call.caller
                self.calls.close(call)
                self.routes.take(client, call.envelope)
            else:
                self.fail(call, "worker_exited")
        self.flow.forget(worker)
        self.routes.release()

    def unanswerable(self, client: Client) -> None:
        """A client will answer nothing any more."""
        for call in self.calls.everyone(client):
            self.fail(call, "client_gone")
        self.asks.forget(client)

    def settle(self, peer: Peer | None) -> None:
        """Close a client that has ended its input, when it has had its last answer."""
        if not isinstance(peer, Client) or not peer.channel.ended or peer.gone or peer.lines or self.stopping.begun:
            return
        waits = any(client is peer for pool in self.pools.values() for client, _ in pool.waiting)
        if not peer.asked and not waits and not peer.channel.queue:
            self.leave(peer)

    def leave(self, client: Client) -> None:
        """A client is gone."""
        if client.gone:
            return
        client.gone = True
        self.clients.pop(client, None)
        for call in list(client.asked):
            self.routes.drop(call)
            call.caller = None
        client.asked.clear()
        for pool in self.pools.values():
            pool.waiting = [(other, envelope) for other, envelope in pool.waiting if other is not client]
        self.unanswerable(client)
        self.sessions.leave(client)
        client.channel.close()
        self.flow.forget(client)

    def close_listener(self) -> None:
        """Let nobody in any more."""
        self.listener.close()
