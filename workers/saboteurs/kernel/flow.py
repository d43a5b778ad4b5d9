"""Flow control: lines are taken one by one, and whoever's next line has no room is not read."""

from __future__ import annotations

import time

from peers import Client, Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bus import Bus
    from peers import Peer


class Flow:
    """Decides who is read and who waits."""

    def __init__(self, bus: Bus) -> None:
        """Begin with nobody waiting."""
        self.bus = bus
        self.patience = bus.limits["backpressure_timeout_sec"]
        self.waiting: dict[Peer, None] = {}

    def is_full(self, peer: Peer) -> bool:
        """Whether no further message fits."""
        return peer.channel.queued >= self.bus.limits["max_output_queue"]

    def is_overfull(self) -> bool:
        """Whether all queues together hold as much as they may."""
        peers = (*self.bus.clients, *self.bus.workers())
        return sum(peer.channel.queued for peer in peers) >= self.bus.limits["max_total_buffer"]

    def pump(self, peer: Peer) -> None:
        """Take a peer's lines until one of them has no room."""
        while peer.lines and not peer.gone:
            full = self.bus.take(peer, peer.lines[0])
            if full is not None:
                self.wait(peer, full)
                return
            peer.lines.popleft()

    def wait(self, peer: Peer, full: Peer) -> None:
        """Do not read a peer until another takes more."""
        if peer.waits_for is None:
            peer.waits_since = time.monotonic()
        peer.waits_for = full
        self.waiting[peer] = None
        peer.channel.pause(paused=True)
        if isinstance(full, Worker) and full.timer is None and full is not peer:
            full.timer = self.bus.loop.later(self.patience, lambda: self.refuse(full))
        elif isinstance(full, Client) and full.timer is None:
            self.watch(full)

    def refuse(self, worker: Worker) -> None:
        """It has been full for so long that what is for it is refused from now on."""
        worker.timer = None
        if self.is_full(worker):
            worker.refuses = True
        self.resume(worker)

    def watch(self, client: Client) -> None:
        """See later whether a client takes anything."""
        client.timer = self.bus.loop.later(self.patience - self.delay_of(client), lambda: self.look_after(client))

    def look_after(self, client: Client) -> None:
        """Close a client that has kept others waiting too long."""
        client.timer = None
        if not any(peer.waits_for is client for peer in self.waiting):
            return
        if self.delay_of(client) >= self.patience - 0.01:
            self.bus.log.say(f"{client.name} does not read: closed")
            self.close(client)
        else:
            self.watch(client)

    def close(self, client: Client) -> None:
        """Give a client up."""
        self.bus.leave(client)

    def delay_of(self, client: Client) -> float:
        """How long it holds a worker up: one that serves others in total, another since it last took a byte."""
        now = time.monotonic()
        worst = 0.0
        for peer in self.waiting:
            if peer.waits_for is client and isinstance(peer, Worker):
                serves_others = any(session.owner is not client for session in peer.sessions)
                begun = peer.waits_since if serves_others else max(peer.waits_since, client.last_taken)
                worst = max(worst, now - begun + (client.delay if serves_others else 0))
        return worst

    def room(self, peer: Peer) -> None:
        """A peer has taken something."""
        if isinstance(peer, Client):
            peer.last_taken = time.monotonic()
            if not peer.channel.queue:
                peer.delay = 0.0
        elif isinstance(peer, Worker) and peer.channel.queued <= self.bus.limits["max_output_queue"] // 2:
            peer.refuses = False
        if not self.is_full(peer):
            self.resume(peer)

    def resume(self, peer: Peer) -> None:
        """Go on with those that wait for it."""
        if isinstance(peer, Worker) and peer.timer:
            peer.timer.cancel()
            peer.timer = None
        for other in [each for each in self.waiting if each.waits_for is peer]:
            if isinstance(peer, Client):
                peer.delay += time.monotonic() - other.waits_since
            del self.waiting[other]
            other.waits_for = None
            self.pump(other)
            if other.waits_for is None:
                other.channel.pause(paused=False)
                self.bus.after_lines(other)

    def forget(self, peer: Peer) -> None:
        """A peer is gone: it waits for nobody, and nobody for it."""
        self.waiting.pop(peer, None)
        peer.waits_for = None
        self.resume(peer)
