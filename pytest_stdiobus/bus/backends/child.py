"""A child process on an event loop, without a thread (SDK-THR-04).

asyncio's own subprocess support waits for children in a thread before Python 3.12 and limits the length
of a line; this does neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections import deque
from typing import TYPE_CHECKING, Protocol

from pytest_stdiobus.bus.backends.lines import LineReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_READ_SIZE = 256 * 1024
_EXIT_POLL_SEC = 0.01
# What a process left in its pipes is read after its exit, but a grandchild could write for ever.
_LAST_READS = 4096


class ChildEvents(Protocol):
    """What the owner of a child learns, on the loop's thread."""

    def child_line(self, line: bytes) -> None:
        """Take a line of its stdout."""

    def child_stderr(self, line: bytes) -> None:
        """Take a line of its stderr."""

    def child_exited(self, status: int) -> None:
        """Learn its exit status, after its last line; negative for a signal."""


class ChildProcess:
    """A running program, its three pipes and its exit."""

    def __init__(
        self, argv: Sequence[str], events: ChildEvents, *, pass_fds: Sequence[int] = (), env: Mapping[str, str]
    ) -> None:
        """Spawn it, in a session of its own so that a terminal's Ctrl-C is the client's to handle.

        Raises:
            OSError: it cannot be executed.
        """
        self._loop = asyncio.get_running_loop()
        self._events = events
        self._queue: deque[bytes | memoryview] = deque()
        self._flush_due = False
        self._closing_input = False
        self._process = subprocess.Popen(  # noqa: S603 - running the user's command is the purpose
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=dict(env),
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin: int | None = self._process.stdin.fileno()
        self._stderr = self._process.stderr.fileno()
        self._readers = {
            self._process.stdout.fileno(): (LineReader(), events.child_line),
            self._stderr: (LineReader(), events.child_stderr),
        }
        for fd in (self._stdin, *self._readers):
            os.set_blocking(fd, False)
        for fd in self._readers:
            self._loop.add_reader(fd, self._read, fd)
        self._pidfd: int | None = None
        self._exit_poll: asyncio.TimerHandle | None = None
        self._watch_exit()

    @property
    def running(self) -> bool:
        """Whether its exit has not been reported yet."""
        return self._process.returncode is None

    def write(self, line: bytes) -> None:
        """Queue a line and its LF; one write carries all lines of a loop iteration."""
        self._queue.append(line)
        self._queue.append(b"\n")
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def close_input(self) -> None:
        """Close its stdin once everything queued has been written."""
        self._closing_input = True
        if not self._flush_due:
            self._flush()

    def read_stderr(self) -> None:
        """Take what its stderr holds already, also while the loop does not run."""
        if self._stderr in self._readers and not self._loop.is_closed():
            for _ in range(_LAST_READS):
                if self._stderr not in self._readers or not self._read(self._stderr):
                    break

    def send_signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        if self.running:
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it, wait for that and report nothing."""
        if self.running:
            self._process.kill()
            self._process.wait()
        self._release()

    def _flush(self) -> None:
        self._flush_due = False
        if self._stdin is None:
            self._queue.clear()
            return
        while self._queue:
            batch = self._next_batch()
            try:
                written = os.write(self._stdin, batch)
            except BlockingIOError:
                written = 0
            except BrokenPipeError:
                self._queue.clear()
                self._close_stdin()
                return
            if written < len(batch):
                self._queue.appendleft(memoryview(batch)[written:])
                self._flush_due = True
                self._loop.add_writer(self._stdin, self._flush)
                return
        self._loop.remove_writer(self._stdin)
        if self._closing_input:
            self._close_stdin()

    def _next_batch(self) -> bytes | memoryview:
        first = self._queue.popleft()
        size, parts = len(first), [first]
        while self._queue and size + len(self._queue[0]) <= _READ_SIZE:
            parts.append(self._queue.popleft())
            size += len(parts[-1])
        return first if len(parts) == 1 else b"".join(parts)

    def _read(self, fd: int) -> bool:
        try:
            data = os.read(fd, _READ_SIZE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        reader, deliver = self._readers[fd]
        if not data:
            self._loop.remove_reader(fd)
            if rest := reader.rest():
                deliver(rest)
            return False
        for line in reader.feed(data):
            deliver(line)
        return True

    def _watch_exit(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            self._pidfd = os.pidfd_open(self._process.pid)
        if self._pidfd is not None:
            self._loop.add_reader(self._pidfd, self._look_for_exit)
        else:
            self._look_for_exit()

    def _look_for_exit(self) -> None:
        status = self._process.poll()
        if status is None:
            if self._pidfd is None:
                self._exit_poll = self._loop.call_later(_EXIT_POLL_SEC, self._look_for_exit)
            return
        for fd in tuple(self._readers):
            for _ in range(_LAST_READS):
                if fd not in self._readers or not self._read(fd):
                    break
        self._release()
        self._events.child_exited(status)

    def _close_stdin(self) -> None:
        if self._stdin is not None:
            assert self._process.stdin is not None
            self._loop.remove_writer(self._stdin)
            self._stdin = None
            self._process.stdin.close()

    def _release(self) -> None:
        if self._loop.is_closed():
            self._stdin, self._readers = None, {}
        else:
            self._close_stdin()
            for fd in self._readers:
                self._loop.remove_reader(fd)
            self._readers = {}
            if self._pidfd is not None:
                self._loop.remove_reader(self._pidfd)
            if self._exit_poll is not None:
                self._exit_poll.cancel()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
