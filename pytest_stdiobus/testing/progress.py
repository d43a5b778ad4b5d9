"""What a test waits for, shown on a terminal while it does."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from pytest_stdiobus.bus import BusState

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus, StdioBus
    from pytest_stdiobus.testing.factory import Record

# Nobody needs to know of what is over sooner.
PATIENCE_SEC = 1.0
_LOOK_SEC = 0.25
# The cursor stays where the next result is written, and what does not fit the line does not begin another.
_SAVE, _RESTORE, _CLEAR = "\x1b7\x1b[?7l", "\x1b[?7h\x1b8", "\x1b[K"


class Waiting:
    """What the buses of one test wait for, and since when."""

    def __init__(self, record: Record) -> None:
        """Begin with nothing."""
        self._record = record
        self._since: dict[tuple[str, bool], float] = {}

    def text(self, now: float) -> str:
        """What has lasted for more than a second, or an empty string; `now` in seconds on any clock."""
        said: dict[tuple[str, bool], str] = {}
        for name, bus in tuple(self._record.buses.items()):
            starting = bus.get_state() is BusState.STARTING
            if starting:
                said[name, starting] = f"{name} starts on {bus.get_backend_type()}"
            elif pending := _pending(bus):
                said[name, starting] = f"{name} waits for {pending} answer{'s' * (pending > 1)}"
        self._since = {key: self._since.get(key, now) for key in said}
        lasting = ((what, now - self._since[key]) for key, what in said.items())
        return ", ".join(f"{what} ({seconds:.0f} s)" for what, seconds in lasting if seconds >= PATIENCE_SEC)


class Progress:
    """Writes behind the cursor of a terminal what the present test waits for."""

    def __init__(self, terminal: int) -> None:
        """Begin to look, on a thread of its own; `terminal` is a descriptor, which is closed at the end."""
        self._terminal = terminal
        self._waiting: Waiting | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, name="stdiobus-progress", daemon=True)
        self._thread.start()

    def follow(self, record: Record) -> None:
        """Show what the buses of this test wait for, and no more what another's did."""
        self._waiting = Waiting(record)

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()
        os.close(self._terminal)

    def _look(self) -> None:
        shown = ""
        while not self._ended.wait(_LOOK_SEC):
            text = self._waiting.text(time.monotonic()) if self._waiting is not None else ""
            if text != shown:
                self._write(f"{_SAVE}  {text}{_CLEAR}{_RESTORE}" if text else _CLEAR)
                shown = text
        if shown:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal has gone
            os.write(self._terminal, text.encode())


def _pending(bus: AsyncStdioBus | StdioBus) -> int:
    try:
        return bus.get_pending_count()
    except RuntimeError:  # its thread changed the table meanwhile; there will be another look
        return 0
