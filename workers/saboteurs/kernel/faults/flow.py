"""Faults in flow control, limits and the log (KRN-LIM)."""

from __future__ import annotations

import os

from errors import Log
from flow import Flow
from listeners import Listener
from settings import Settings
from stopping import Stopping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from peers import Client, Worker

_PAGE = 4096


class WaitsForeverForRoom(Flow):
    """Refuses nothing that is for a worker which stays full."""

    def refuse(self, worker: Worker) -> None:
        """Go on waiting."""


class KeepsBlockedClients(Flow):
    """Does not close a client that does not read."""

    def close(self, client: Client) -> None:
        """Keep it."""


class WaitsTooLong(Flow):
    """Waits four times as long as it should for a client that does not read."""

    def delay_of(self, client: Client) -> float:
        return super().delay_of(client) / 4.2


class TakesNoBufferBelowAPage(Settings):
    """Reads lines of a page, whatever is configured."""

    def read(self, text: bytes) -> None:
        super().read(text)
        self.limits["max_input_buffer"] = max(self.limits["max_input_buffer"], _PAGE)


class WaitsForTheLog(Log):
    """Waits until somebody reads its log."""

    def say(self, text: str) -> None:
        os.write(2, f"{text}\n".encode("utf-8", "replace"))


class BuffersWithoutEnd(Flow):
    """Knows no limit for all buffers together."""

    def is_overfull(self) -> bool:
        return False


class PollsAllTheTime(Stopping):
    """Never rests."""

    def look(self) -> None:
        super().look()
        self.bus.loop.later(0, lambda: None)


class SpinsWithoutDescriptors(Listener):
    """Goes on accepting when no descriptor is left."""

    def pause(self, error: OSError) -> None:
        """Go on."""


class ChangesFlags(Listener):
    """Makes the standard streams that it was given not to block."""

    def add(self, reading: int, writing: int, *, inherited: bool = False) -> None:
        if inherited:
            os.set_blocking(reading, False)
            os.set_blocking(writing, False)
        super().add(reading, writing, inherited=inherited)
