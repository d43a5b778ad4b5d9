"""The kernel as a child process that speaks over its stdin and stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

from pytest_stdiobus.bus.arguments import SHORTEST_START_SEC, seconds, variables, whole_number
from pytest_stdiobus.bus.backends.base import Backend, Sink, fail_start
from pytest_stdiobus.bus.backends.binary import resolve_binary
from pytest_stdiobus.bus.backends.child import ChildProcess
from pytest_stdiobus.bus.backends.kernel_log import KernelLog
from pytest_stdiobus.bus.backends.traffic import Traffic
from pytest_stdiobus.bus.errors import InternalError, InvalidArgumentError, TransportError, UnavailableError
from pytest_stdiobus.bus.types import BackendMode, BusState, BusStats, SubprocessOptions

if TYPE_CHECKING:
    from pytest_stdiobus.bus.config import KernelConfig

# Between the first SIGTERM and the second, which forces the end, and from there to SIGKILL: together less
# than the second that stop() may exceed its timeout by (SDK-CAN-04).
_FORCE_AFTER_SEC = 0.2
_KILL_AFTER_SEC = 0.5
# How long a kernel that is not ours may keep the descriptor of its configuration until it is taken for ready.
_FOREIGN_START_SEC = 0.5
# A kernel that is not ours may not take the end of its stdin for the end; it is asked by signal soon.
_FOREIGN_PATIENCE_SEC = 0.2


def subprocess_obstacle(options: SubprocessOptions) -> str | None:
    """Why the subprocess backend cannot be used here, or None."""
    if sys.platform == "win32":
        return "the subprocess backend needs a Unix system"
    try:
        resolve_binary(options.binary_path)
    except UnavailableError as error:
        return error.message
    return None


class SubprocessBackend(Backend):
    """Runs ``KERNEL --config-fd N --stdio``."""

    mode = BackendMode.SUBPROCESS

    def __init__(self, config: KernelConfig, sink: Sink, options: SubprocessOptions) -> None:
        """Check the options and find the executable; nothing runs before `start`.

        Raises:
            InvalidArgumentError: an option can never work.
            UnavailableError: there is no executable.
        """
        seconds("start_timeout_sec", options.start_timeout_sec, least=SHORTEST_START_SEC)
        seconds("drain_timeout_sec", options.drain_timeout_sec)
        whole_number("stderr_buffer_lines", options.stderr_buffer_lines, least=1)
        variables("env", options.env)
        self._config = config
        self._sink = sink
        self._options = options
        self._binary = resolve_binary(options.binary_path)
        self._child: ChildProcess | None = None
        self._log = KernelLog(options.stderr_buffer_lines)
        self._ready: asyncio.Future[None] | None = None
        self._exited = asyncio.Event()
        self._traffic = Traffic()

    async def start(self) -> None:
        """Spawn the kernel and wait until it serves.

        The bundled kernel says when it is ready. Another one is ready when it has read its configuration and
        closed that descriptor, or keeps it and lives half a second later.

        Raises:
            InvalidArgumentError: the bundled kernel finds the configuration faulty.
            TransportError: the kernel cannot run, or ends, or is not ready in time; with its stderr.
        """
        self.state = BusState.STARTING
        self._ready = asyncio.get_running_loop().create_future()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._spawn(theirs.fileno())  # before anything is awaited, so that whoever gives up has somebody to end
            try:
                await asyncio.wait_for(self._begin(ours, self._ready), self._options.start_timeout_sec)
            except asyncio.TimeoutError:
                seconds = f"{self._options.start_timeout_sec:g} s"
                message = f"{self._binary.path} was not ready within {seconds}{self._log.said('stderr')}"
                raise TransportError(message) from None

    async def stop(self, timeout_sec: float) -> None:
        """Close the kernel's stdin; what does not end within the timeout gets SIGTERM, then SIGKILL."""
        if self._child is None or self.state is BusState.STOPPED:
            return
        self.state = BusState.STOPPING
        self._child.close_input()
        timeout_sec = min(timeout_sec, self._options.drain_timeout_sec)
        patience = timeout_sec if self._binary.bundled else min(timeout_sec, _FOREIGN_PATIENCE_SEC)
        for wait in (patience, timeout_sec - patience + _FORCE_AFTER_SEC, _KILL_AFTER_SEC):
            if await self._exits_within(wait):
                break
            self._child.send_signal(signal.SIGTERM)
        self.destroy()

    def destroy(self) -> None:
        """Kill the kernel; its workers end with it (KRN-WRK-07)."""
        self.state = BusState.STOPPED
        if self._child is not None:
            self._child.kill()
        fail_start(self._ready, TransportError("Bus is shutting down"))
        self._exited.set()

    def send(self, line: bytes) -> None:
        """Queue a line for the kernel's stdin."""
        if self._child is None:
            message = "the kernel does not run"
            raise InternalError(message)
        self._traffic.sent(line)
        self._child.write(line)

    def stats(self) -> BusStats:
        """What passed between client and kernel."""
        return self._traffic.stats()

    def worker_count(self) -> int:
        """Unknown from outside the process."""
        return -1

    def client_count(self) -> int:
        """None: this kernel has no listener."""
        return 0

    def log(self) -> list[str]:
        """What kernel and workers said on stderr."""
        if self._child is not None:
            self._child.read_stderr()
        return self._log.lines()

    def child_line(self, line: bytes) -> None:
        """Take a line of the kernel's stdout."""
        self._traffic.received(line)
        self._sink.line_received(line)

    def child_stderr(self, line: bytes) -> None:
        """Keep a line of stderr, which the workers share with the kernel."""
        if self._log.add(line):
            self._become_ready()

    def child_exited(self, status: int) -> None:
        """Tell whoever waits, or the client when nobody expected it (SDK-CAN-01)."""
        state, self.state = self.state, BusState.STOPPED
        self._exited.set()
        ended = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        refused = self._binary.bundled and self._log.refuses_configuration(status)
        kind = InvalidArgumentError if state is BusState.STARTING and refused else TransportError
        error = kind(f"{self._binary.path} {ended}{self._log.said('stderr')}")
        fail_start(self._ready, error)
        if state is BusState.RUNNING:
            self._sink.backend_lost(error)

    async def _begin(self, kernel: socket.socket, ready: asyncio.Future[None]) -> None:
        kernel.setblocking(False)
        # A kernel that ends without having read it resets the connection; `child_exited` tells of its end.
        with contextlib.suppress(ConnectionError):
            await self._hand_over_configuration(kernel)
        await ready

    def _spawn(self, config_fd: int) -> None:
        argv = [self._binary.path, "--config-fd", str(config_fd), "--stdio"]
        try:
            self._child = ChildProcess(argv, self, pass_fds=[config_fd], env={**os.environ, **self._options.env})
        except OSError as error:
            message = f"cannot run the kernel {self._binary.path}: {error}"
            raise TransportError(message) from error

    async def _hand_over_configuration(self, kernel: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(kernel, self._config.text.encode())
        kernel.shutdown(socket.SHUT_WR)
        if not self._binary.bundled:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(loop.sock_recv(kernel, 1), _FOREIGN_START_SEC)
            self._become_ready()

    def _become_ready(self) -> None:
        if self.state is BusState.STARTING and self._ready is not None and not self._ready.done():
            self.state = BusState.RUNNING
            self._ready.set_result(None)

    async def _exits_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._exited.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True
