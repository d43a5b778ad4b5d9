"""What the client asks of a backend, and what a backend reports to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

from pytest_stdiobus.bus.types import BackendMode, BusState, BusStats

if TYPE_CHECKING:
    import asyncio

    from pytest_stdiobus.bus.errors import StdioBusError


class Sink(Protocol):
    """Where a backend delivers, always on the loop's thread."""

    def line_received(self, line: bytes) -> None:
        """Take a line from the kernel, without its LF."""

    def backend_lost(self, error: StdioBusError) -> None:
        """Learn that the bus ended without having been asked to."""


class Backend(ABC):
    """A kernel behind some boundary. Used from one event loop, never restarted."""

    mode: ClassVar[BackendMode]
    state: BusState = BusState.CREATED

    @abstractmethod
    async def start(self) -> None:
        """Start the kernel; return when it serves, raise when it cannot."""

    @abstractmethod
    async def stop(self, timeout_sec: float) -> None:
        """End in good order within the timeout plus one second; without effect when STOPPED."""

    @abstractmethod
    def destroy(self) -> None:
        """End at once; without effect when STOPPED."""

    @abstractmethod
    def send(self, line: bytes) -> None:
        """Hand over one line without LF; never blocks."""

    @abstractmethod
    def stats(self) -> BusStats:
        """The kernel's counters, -1 where unknown."""

    @abstractmethod
    def worker_count(self) -> int:
        """Live workers, -1 where unknown."""

    @abstractmethod
    def client_count(self) -> int:
        """Clients of the listener, -1 where unknown."""

    @abstractmethod
    def log(self) -> list[str]:
        """The last lines of the kernel's log; where the workers share its stderr, theirs too."""

    def listen_address(self) -> tuple[str, int] | str | None:
        """Where the bus listens, or None."""
        return None


def fail_start(ready: asyncio.Future[None] | None, error: StdioBusError) -> None:
    """Raise an error in `start`, where that still waits until the kernel is ready."""
    if ready is not None and not ready.done():
        ready.set_exception(error)
        ready.exception()  # counts as seen, also where `start` does not get as far as to wait
