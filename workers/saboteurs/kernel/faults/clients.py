"""Faults with clients that come and go (KRN-NET)."""

from __future__ import annotations

import os

from bus import Bus
from listeners import Listener

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peers import Client, Peer

_SEATS = 7


class SeatsSeven(Listener):
    """Closes the connection of an eighth client."""

    def add(self, reading: int, writing: int, *, inherited: bool = False) -> None:
        if len(self.bus.clients) < _SEATS:
            super().add(reading, writing, inherited=inherited)
        else:
            os.close(reading)


class LeaversTakeTheOthers(Bus):
    """Closes every connection when a client leaves that waits for a response."""

    def leave(self, client: Client) -> None:
        waited = bool(client.asked) and not self.stopping.begun
        super().leave(client)
        for other in list(self.clients) if waited else ():
            super().leave(other)


class RemovesWhatIsInItsWay(Listener):
    """Takes the place of whatever lies at the path of its socket."""

    def make_room(self, path: str) -> None:
        os.unlink(path)


class ClosesAtHalfClose(Listener):
    """Closes a connection when the client ends its input."""

    def ended(self, client: Client) -> None:
        self.bus.leave(client)


class KeepsHalfClosed(Bus):
    """Never closes a connection itself."""

    def settle(self, peer: Peer | None) -> None:
        """Keep it."""


class FreesIdsOfLeavers(Bus):
    """Takes the ids of a client that has left for free."""

    def leave(self, client: Client) -> None:
        for call in list(client.asked):
            if call.callee:
                self.calls.close(call)
        self.routes.release()
        super().leave(client)
