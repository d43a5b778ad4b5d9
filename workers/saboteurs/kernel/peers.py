"""Whoever the kernel speaks with: clients and workers."""

from __future__ import annotations

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from calls import Call
    from channels import Channel, Line
    from loop import Timer
    from pools import Pool, Slot
    from sessions import Learned, Session


class Peer:
    """One end of a channel, and what is open with it."""

    def __init__(self, channel: Channel, name: str) -> None:
        """Begin with nothing open."""
        self.channel = channel
        self.name = name
        self.gone = False
        self.lines: deque[Line] = deque()
        self.calls: dict[Any, list[Call]] = {}  # that it has to answer, by id
        self.asked: dict[Call, None] = {}  # that it waits for
        self.open_ids: set[tuple[Any, Session | None]] = set()  # of these
        self.waits_for: Peer | None = None  # until this one takes more, it is not read
        self.waits_since = 0.0
        self.repeats_sessions = False


class Client(Peer):
    """A client."""

    def __init__(self, channel: Channel, name: str) -> None:
        """Begin without sessions."""
        super().__init__(channel, name)
        self.sessions: dict[Session, None] = {}
        self.latest: dict[Pool, Worker] = {}  # where its latest request without a session went
        self.taught: dict[Worker, None] = {}
        self.omits_sessions = False
        self.delay = 0.0  # how long it has kept workers waiting since it had taken everything
        self.last_taken = 0.0
        self.timer: Timer | None = None


class Worker(Peer):
    """A process that serves a pool."""

    def __init__(self, channel: Channel, name: str, pool: Pool, slot: Slot, pid: int) -> None:
        """Begin with no session."""
        super().__init__(channel, name)
        self.pool = pool
        self.slot = slot
        self.pid = pid
        self.sessions: dict[Session, None] = {}
        self.learned: dict[str, Learned] = {}
        self.refuses = False  # it has been full for too long
        self.timer: Timer | None = None
