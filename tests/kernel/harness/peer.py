# SPDX-License-Identifier: Apache-2.0
"""One end of a conversation: lines in, lines out, nothing read that was not asked for."""

import collections
import contextlib
import json
import os
import select
import socket
import struct
from collections.abc import Callable, Iterable
from typing import TypeVar

from .messages import Message, encode, request
from .world import DEADLINE, READ, WRITE, World

_CHUNK = 1 << 16
P = TypeVar("P", bound="StreamPeer")


class Peer:
    """What clients, workers and an embedding host have in common for a test."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.lines: collections.deque[bytes] = collections.deque()
        #: Read even while nobody waits for this peer. Off: what is not asked for stays in the pipe.
        self.absorbs = False
        self._wanted = False
        self._fences = 0

    @property
    def at_end(self) -> bool:
        """True when nothing more can arrive."""
        raise NotImplementedError

    def queue(self, message: Message | bytes) -> None:
        """Send a message as soon as there is room, while the test goes on."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave; allowed twice."""
        raise NotImplementedError

    @property
    def flushed(self) -> bool:
        """True when everything queued has been handed over."""
        raise NotImplementedError

    def send(self, message: Message | bytes, seconds: float = DEADLINE) -> None:
        """Send a message (bytes: a line without its LF) and wait until it was taken whole."""
        self.queue(message)
        self.flush(seconds)

    def flush(self, seconds: float = DEADLINE) -> None:
        """Wait until everything queued was taken."""
        self.world.until_true(lambda: self.flushed, f"{self.name} to be rid of what it has queued", seconds)

    def recv_line(self, seconds: float = DEADLINE) -> bytes:
        """Return the next line without its LF."""
        return self.recv_lines(1, seconds)[0]

    def recv_lines(self, count: int, seconds: float = DEADLINE) -> list[bytes]:
        """Return the next so many lines."""
        self._want(lambda: len(self.lines) >= count, f"{self.name} to receive {count} line(s)", seconds)
        if len(self.lines) < count:
            msg = f"{self.name}: the connection ended after {list(self.lines)} of {count}\n{self.world.transcript()}"
            raise AssertionError(msg)
        return [self.lines.popleft() for _ in range(count)]

    def recv(self, seconds: float = DEADLINE) -> Message:
        """Return the next message."""
        message = json.loads(self.recv_line(seconds))
        assert isinstance(message, dict), message
        return message

    def recv_many(self, count: int, seconds: float = DEADLINE) -> list[Message]:
        """Return the next so many messages."""
        return [json.loads(line) for line in self.recv_lines(count, seconds)]

    def has_line(self) -> bool:
        """Tell whether a line has arrived; used with the world's waits over several peers."""
        return bool(self.lines)

    def wait_end(self, seconds: float = DEADLINE) -> list[Message]:
        """Wait for the end of input and return what came before it."""
        self._want(lambda: False, f"{self.name} to see the end", seconds)
        rest = [json.loads(line) for line in self.lines]
        self.lines.clear()
        return rest

    def expect_end(self, seconds: float = DEADLINE) -> None:
        """Wait for the end of input; a line before it is a failure."""
        rest = self.wait_end(seconds)
        assert not rest, f"{self.name}: unexpected before the end: {rest}\n{self.world.transcript()}"

    def fence(self, worker: "Peer", session: str | None = None) -> None:
        """Prove silence: exchange one request and its answer, and receive nothing else on either side."""
        self._fences += 1
        id_ = f"fence-{self.name}-{self._fences}"
        self.send(request(id_, session=session, method="fence"))
        seen = worker.recv()
        assert seen.get("id") == id_, f"{worker.name} received {seen} before the fence\n{self.world.transcript()}"
        worker.send(
            {"jsonrpc": "2.0", "id": id_, "result": None, **({} if session is None else {"sessionId": session})}
        )
        back = self.recv()
        assert back.get("id") == id_, f"{self.name} received {back} before the fence\n{self.world.transcript()}"

    def _want(self, enough: Callable[[], bool], what: str, seconds: float) -> None:
        self._wanted = True
        try:
            self.world.until_true(lambda: enough() or self.at_end, what, seconds)
        finally:
            self._wanted = False


class StreamPeer(Peer):
    """A peer on descriptors: one for both ways (a socket) or one each (pipes)."""

    def __init__(self, world: World, name: str, fd_in: int, fd_out: int) -> None:
        super().__init__(world, name)
        self.fd_in: int | None = fd_in
        self.fd_out: int | None = fd_out
        self._sock = socket.socket(fileno=os.dup(fd_in)) if fd_in == fd_out else None
        self._inbox = bytearray()
        self._searched = 0
        self._outbox = bytearray()
        self._ended = False
        #: True when a write failed because nobody reads any more.
        self.broken = False
        for descriptor in {fd_in, fd_out}:
            os.set_blocking(descriptor, False)
        world.add(self)

    @property
    def at_end(self) -> bool:
        return self._ended or self.fd_in is None

    @property
    def flushed(self) -> bool:
        return not self._outbox

    def queue(self, message: Message | bytes) -> None:
        self.queue_bytes(encode(message) + b"\n")

    def queue_bytes(self, data: bytes) -> None:
        """Send exactly these bytes as soon as there is room."""
        assert self.fd_out is not None, f"{self.name} has closed its output"
        self.world.note(self.name, "->", data)
        self._outbox += data
        self._write()

    def send_bytes(self, data: bytes, seconds: float = DEADLINE) -> None:
        """Send exactly these bytes and wait until they were taken."""
        self.queue_bytes(data)
        self.flush(seconds)

    def wait_readable(self) -> None:
        """Wait until something has arrived, without reading it."""
        assert self.fd_in is not None
        fd_in = self.fd_in
        self.world.until_true(lambda: bool(select.select([fd_in], [], [], 0.01)[0]), f"input for {self.name}")

    def interests(self) -> Iterable[tuple[int, int]]:
        """Poll for input where somebody wants it, for room where something is queued."""
        if self.fd_in is not None and not self._ended and (self._wanted or self.absorbs):
            yield self.fd_in, READ
        if self.fd_out is not None and self._outbox:
            yield self.fd_out, WRITE

    def serve(self, descriptor: int, _events: int) -> None:
        """Read one chunk, write what fits."""
        if descriptor == self.fd_out and self._outbox:
            self._write()
        if descriptor == self.fd_in and (self._wanted or self.absorbs):
            self._read()

    def read_some(self, count: int) -> bytes:
        """Read at most so many bytes at once, wherever lines end: a reader that takes parts."""
        assert self.fd_in is not None
        with contextlib.suppress(BlockingIOError):
            return os.read(self.fd_in, count)
        return b""

    def half_close(self) -> None:
        """End the sending side; answers can still arrive."""
        assert self.fd_out is not None
        self.world.note(self.name, "half-closes")
        if self._sock is not None:
            self._sock.shutdown(socket.SHUT_WR)
        else:
            os.close(self.fd_out)
        self.fd_out = None

    def close_input(self) -> None:
        """Close the receiving side of a pair of pipes."""
        assert self.fd_in is not None
        self.world.note(self.name, "closes its input")
        os.close(self.fd_in)
        self.fd_in = None

    def reset(self) -> None:
        """Close a TCP connection so that the other side sees a reset."""
        assert self._sock is not None
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        """Close everything; allowed twice."""
        self.world.remove(self)
        if self.fd_in is not None or self.fd_out is not None:
            self.world.note(self.name, "closes")
        for descriptor in {self.fd_in, self.fd_out} - {None}:
            assert descriptor is not None
            os.close(descriptor)
        if self._sock is not None:
            self._sock.close()
        self.fd_in = self.fd_out = None
        self._outbox.clear()

    def _read(self) -> None:
        assert self.fd_in is not None
        try:
            data = os.read(self.fd_in, _CHUNK)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if not data:
            self._ended = True
            self.world.note(self.name, "<- end")
            if self._inbox:
                self.world.note(self.name, "<- unfinished", bytes(self._inbox))
            return
        self._inbox += data
        while (end := self._inbox.find(b"\n", self._searched)) >= 0:
            line = bytes(self._inbox[:end])
            del self._inbox[: end + 1]
            self._searched = 0
            self.lines.append(line)
            self.world.note(self.name, "<-", line)
        self._searched = len(self._inbox)

    def _write(self) -> None:
        assert self.fd_out is not None
        while self._outbox:
            try:
                with memoryview(self._outbox) as view, view[: 1 << 20] as part:
                    count = os.write(self.fd_out, part)
            except BlockingIOError:
                return
            except ConnectionError:
                self.broken = True
                self.world.note(self.name, "-> broken pipe")
                self._outbox.clear()
                return
            del self._outbox[:count]


def wait_any(world: World, peers: Iterable[P], what: str = "a line at any of them") -> P:
    """Return the first of several peers that has a line to read."""
    peers = list(peers)
    before = [peer.absorbs for peer in peers]
    for peer in peers:
        peer.absorbs = True
    try:
        return world.until(lambda: next((p for p in peers if p.has_line()), None), what)
    finally:
        for peer, absorbs in zip(peers, before, strict=True):
            peer.absorbs = absorbs
