"""The relays of a test, which stand before its workers, and the toxics that each of them has."""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pytest_stdiobus.bus import TimeoutError  # noqa: A004 - ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A relay that runs answers within a millisecond; one that has just been spawned still has to start Python.
_CONFIRM_SEC = 10.0
_POLL_SEC = 0.05


@dataclass(frozen=True)
class Toxic:
    """What happens to the lines of one direction, in the words that the relay reads.

    Attributes:
        id: what tells it from others.
        pool: only workers of this pool; None for all.
        kind: ``delay``, ``slice``, ``stall``, ``drop``, ``garble`` or ``kill``.
        direction: ``to_worker`` or ``from_worker``.
        match: a regular expression that is searched in the line; None for every line.
        count: how many lines it is for, over all workers; None for all.
        parameters: those of its kind.
    """

    id: int
    pool: str | None
    kind: str
    direction: str
    match: str | None
    count: int | None
    parameters: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The toxic as the relay reads it."""
        own = {"id": self.id, "kind": self.kind, "direction": self.direction, "match": self.match, "count": self.count}
        return {**own, **self.parameters}


class Relays:
    """Listens for relays, and sees to it that each has the toxics of its pool."""

    def __init__(self, path: Path) -> None:
        """Listen on a socket that only this user may open."""
        self._changed = threading.Condition()
        self._connected: list[_Connection] = []
        self._toxics: list[Toxic] = []
        self._used: dict[int, int] = {}
        self._server = _Server(path, self)
        path.chmod(0o600)
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(_POLL_SEC,), name="stdiobus-faults", daemon=True).start()

    @property
    def toxics(self) -> list[Toxic]:
        """Those that hold."""
        return self._toxics

    def change(self, edit: Callable[[list[Toxic]], list[Toxic]]) -> None:
        """Replace the toxics, and wait until every relay has the new ones."""
        with self._changed:
            self._toxics = edit(self._toxics)
            for relay in self._connected:
                relay.tell({"toxics": self._toxics_of(relay)})
            self._await_confirmation(self._connected)

    def command(self, message: dict[str, Any], pool: str | None) -> None:
        """Have something done by every relay of a pool, or of all; wait for the first one, and until it is done.

        Raises:
            TimeoutError: there is none.
        """

        def concerned() -> list[_Connection]:
            return [relay for relay in self._connected if pool in {None, relay.pool}]

        with self._changed:
            if not self._changed.wait_for(concerned, _CONFIRM_SEC):
                which = f"the pool {pool!r}" if pool is not None else "any pool"
                reason = f"no wrapped worker of {which} runs, or started within {_CONFIRM_SEC:g} s"
                raise TimeoutError(reason)
            relays = concerned()
            for relay in relays:
                relay.tell(message)
            self._await_confirmation(relays)

    def close(self) -> None:
        """Listen no more; relays that still run pass everything."""
        self._server.shutdown()
        self._server.server_close()
        with self._changed:
            for relay in self._connected:
                relay.disconnect()

    def joined(self, relay: _Connection) -> None:
        """Tell a new relay what holds."""
        with self._changed:
            self._connected.append(relay)
            relay.tell({"toxics": self._toxics_of(relay)})
            self._changed.notify_all()

    def heard(self, relay: _Connection, message: dict[str, Any]) -> None:
        """Note what a relay has done, or grant what it asks for."""
        with self._changed:
            if "take" in message:
                relay.grant(self._take(message["take"]))
            else:
                relay.done = message["done"]
                self._changed.notify_all()

    def left(self, relay: _Connection) -> None:
        """Forget a relay that ended."""
        with self._changed:
            self._connected.remove(relay)
            relay.done = relay.asked
            self._changed.notify_all()

    def _take(self, toxic_id: int) -> bool:
        toxic = next((toxic for toxic in self._toxics if toxic.id == toxic_id), None)
        used = self._used.get(toxic_id, 0)
        if toxic is None or toxic.count is None or used >= toxic.count:
            return False
        self._used[toxic_id] = used + 1
        return True

    def _toxics_of(self, relay: _Connection) -> list[dict[str, Any]]:
        return [toxic.to_dict() for toxic in self._toxics if toxic.pool in {None, relay.pool}]

    def _await_confirmation(self, relays: list[_Connection]) -> None:
        asked = list(relays)
        if not self._changed.wait_for(lambda: all(relay.done == relay.asked for relay in asked), _CONFIRM_SEC):
            reason = f"a relay did not confirm within {_CONFIRM_SEC:g} s"
            raise TimeoutError(reason)


class _Connection(socketserver.StreamRequestHandler):
    """The connection of one relay, on a thread of its own; `asked` and `done` number what it was told."""

    pool = ""
    asked = 0
    done = 0

    def handle(self) -> None:
        """Take its introduction, then whatever it says."""
        relays = cast("_Server", self.server).relays
        hello = self.rfile.readline()
        if not hello:
            return
        self.pool = json.loads(hello)["pool"]
        relays.joined(self)
        try:
            for line in self.rfile:
                relays.heard(self, json.loads(line))
        except OSError:
            pass  # it was killed
        finally:
            relays.left(self)

    def tell(self, message: dict[str, Any]) -> None:
        """Have something done."""
        self.asked += 1
        self._write({**message, "n": self.asked})

    def grant(self, granted: bool) -> None:
        """Answer whether a counted toxic may be used."""
        self._write({"granted": granted})

    def disconnect(self) -> None:
        """End the connection."""
        with contextlib.suppress(OSError):
            self.request.shutdown(socket.SHUT_RDWR)

    def _write(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it ended; its thread will notice
            self.wfile.write(json.dumps(message).encode() + b"\n")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, relays: Relays) -> None:
        self.relays = relays
        super().__init__(str(path), _Connection)
