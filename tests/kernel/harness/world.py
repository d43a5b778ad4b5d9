# SPDX-License-Identifier: Apache-2.0
"""The one loop of a test: everything that is waited for is waited for here, with a deadline."""

import collections
import os
import select
import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")

#: Factor on every deadline, for slow machines and instrumented kernels.
TIME_SCALE = float(os.environ.get("STDIOBUS_TIME_SCALE", "1"))
#: Seconds that any single wait may take unless it says otherwise.
DEADLINE = 10.0
# A turn never sleeps longer than this, so that a process without a pidfd is noticed too.
_LONGEST_TURN = 0.1
_SHOWN_BYTES = 240

READ = select.POLLIN
WRITE = select.POLLOUT


class DeadlineExceededError(AssertionError):
    """What was waited for did not happen; the message tells what did."""


class Source(Protocol):
    """Something with descriptors that the loop serves while a test waits."""

    def interests(self) -> Iterable[tuple[int, int]]:
        """Give the descriptors to poll now, each with READ, WRITE or both."""

    def serve(self, descriptor: int, events: int) -> None:
        """Do what a ready descriptor calls for, without waiting."""


class World:
    """Sources, and the transcript of what they saw."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.reports: list[Callable[[], str]] = []
        self._transcript: collections.deque[str] = collections.deque(maxlen=400)
        self._start = time.monotonic()

    def add(self, source: Source) -> None:
        """Serve a source from now on."""
        self.sources.append(source)

    def remove(self, source: Source) -> None:
        """Serve it no longer."""
        if source in self.sources:
            self.sources.remove(source)

    def note(self, actor: str, what: str, data: bytes = b"") -> None:
        """Add a line to the transcript."""
        shown = data[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
        more = f"... ({len(data)} bytes)" if len(data) > _SHOWN_BYTES else ""
        self._transcript.append(f"+{time.monotonic() - self._start:.3f} {actor} {what} {shown}{more}")

    def transcript(self) -> str:
        """Return everything seen so far, oldest first, with what each target wrote to its log."""
        return "\n".join([*self._transcript, *(report() for report in self.reports)])

    def until(self, ready: Callable[[], T | None], what: str, seconds: float = DEADLINE) -> T:
        """Serve every source until ``ready`` gives something other than None, and return that."""
        deadline = time.monotonic() + seconds * TIME_SCALE
        while True:
            value = ready()
            if value is not None:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                msg = f"waited {seconds * TIME_SCALE:g} s for {what}\n{self.transcript()}"
                raise DeadlineExceededError(msg)
            self.turn(min(left, _LONGEST_TURN))

    def until_true(self, ready: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
        """Serve every source until ``ready`` is true."""
        self.until(lambda: True if ready() else None, what, seconds)

    def watch(self, seconds: float) -> None:
        """Serve every source for a while: only where the passing of time itself is the subject."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.turn(left)

    def turn(self, seconds: float) -> None:
        """Wait at most so long for the first ready descriptor and serve all that are."""
        poller = select.poll()
        owners: dict[int, list[Source]] = {}
        wanted: dict[int, int] = {}
        for source in self.sources:
            for descriptor, events in source.interests():
                owners.setdefault(descriptor, []).append(source)
                wanted[descriptor] = wanted.get(descriptor, 0) | events
        for descriptor, events in wanted.items():
            poller.register(descriptor, events)
        for descriptor, events in poller.poll(seconds * 1000):
            for source in owners[descriptor]:
                if source in self.sources:
                    source.serve(descriptor, events)
