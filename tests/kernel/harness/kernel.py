# SPDX-License-Identifier: Apache-2.0
"""The executable under test as a process."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import locate
from .peer import StreamPeer
from .world import DEADLINE, READ, World

LISTENING = re.compile(r"stdio_bus: info: listening on (.*)$")
READY = re.compile(r"stdio_bus: info: ready")
_SANITIZER = re.compile(r"ERROR: (Address|Leak|Undefined|Thread)Sanitizer|runtime error:")
_CHUNK = 1 << 16


class Kernel:
    """A running kernel: its log, its status, its clients."""

    def __init__(
        self,
        world: World,
        config: Mapping[str, Any] | bytes,
        transport: str,
        folder: Path,
        *,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        stderr: int | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        address: str | None = None,
        pass_fds: Sequence[int] = (),
        wrapper: Sequence[str] = (),
    ) -> None:
        """Start it. Descriptors given for 0 to 2 are inherited as they are; 2 is else a pipe that is read.

        ``wrapper``: a command that executes the one appended to it.
        """
        self.world, self.transport = world, transport
        self.folder = folder
        self.log: list[str] = []
        self._partial = b""
        self._clients = 0
        self.clients: list[StreamPeer] = []
        self._stdio: tuple[int, int] | None = None
        number = sum(1 for entry in folder.iterdir() if entry.suffix == ".json")
        config_file = folder / f"{number}.json"
        config_file.write_bytes(config if isinstance(config, bytes) else json.dumps(config).encode())
        command = [str(locate.executable()), "--config", str(config_file)]
        if transport == "stdio":
            command.append("--stdio")
        elif transport == "tcp":
            command += ["--tcp", address or "127.0.0.1:0"]
        else:
            self.path = address or str(folder / f"{number}.sock")
            command += ["--unix", self.path]
        child_in = child_out = subprocess.DEVNULL
        if transport == "stdio":
            child_in, ours_out = os.pipe() if stdin is None else (stdin, -1)
            ours_in, child_out = os.pipe() if stdout is None else (-1, stdout)
            self._stdio = (ours_in, ours_out)
        self._stderr = -1
        child_err = stderr
        if stderr is None:
            self._stderr, child_err = os.pipe()
            os.set_blocking(self._stderr, False)
        self.process = subprocess.Popen(
            [*wrapper, *command, *options],
            pass_fds=pass_fds,
            stdin=child_in,
            stdout=child_out,
            stderr=child_err,
            env={**os.environ, **environment} if environment else None,
        )
        self.pid = self.process.pid
        if transport == "stdio" and stdin is None:
            os.close(child_in)
        if transport == "stdio" and stdout is None:
            os.close(child_out)
        if stderr is None and child_err is not None:
            os.close(child_err)
        world.add(self)
        world.reports.append(lambda: "\n".join([f"-- stderr of kernel {self.pid}:", *self.log]))
        world.note("kernel", f"{self.pid} starts:", " ".join([*command, *options]).encode())

    # -- the log

    def interests(self) -> Iterable[tuple[int, int]]:
        """Drain stderr."""
        if self._stderr >= 0:
            yield self._stderr, READ

    def serve(self, descriptor: int, _events: int) -> None:
        """Take what was logged."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        self.log += [line.decode("utf-8", "backslashreplace") for line in lines]
        if not data:
            os.close(self._stderr)
            self._stderr = -1

    def wait_log(self, pattern: str | re.Pattern[str], seconds: float = DEADLINE) -> re.Match[str]:
        """Wait until a log line matches and return the first match."""
        compiled = re.compile(pattern)

        def look() -> re.Match[str] | None:
            found = next((m for m in map(compiled.search, self.log) if m), None)
            if found is None and self._stderr < 0:
                msg = f"the kernel ended without logging {compiled.pattern!r}\n{self.world.transcript()}"
                raise AssertionError(msg)
            return found

        return self.world.until(look, f"a log line like {compiled.pattern!r}", seconds)

    def wait_ready(self, seconds: float = DEADLINE) -> None:
        """Wait until it serves."""
        self.wait_log(READY, seconds)

    def wait_socket(self) -> None:
        """Wait until it accepts: a kernel whose log nobody reads does not tell when it is ready."""

        def accepts() -> bool:
            try:
                self.connect().close()
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return True

        self.world.until_true(accepts, "the socket to accept")

    # -- clients

    def address(self) -> tuple[str, int]:
        """Return where it listens on TCP, from its log."""
        host, _, port = self.wait_log(LISTENING)[1].rpartition(":")
        return host.strip("[]"), int(port)

    def connect(self) -> socket.socket:
        """Open a connection of one's own."""
        if self.transport == "unix":
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(self.path)
            except OSError:
                sock.close()
                raise
            return sock
        host, port = self.address()
        return socket.create_connection((host, port), timeout=DEADLINE)

    def client(self, name: str | None = None) -> StreamPeer:
        """Connect one more client; on stdio there is but one."""
        self._clients += 1
        name = name or f"client{self._clients}"
        if self.transport == "stdio":
            assert self._stdio is not None, "a kernel on stdio has one client"
            ours_in, ours_out = self._stdio
            self._stdio = None
            peer = StreamPeer(self.world, name, ours_in, ours_out)
        else:
            sock = self.connect()
            sock.settimeout(None)
            descriptor = sock.detach()
            peer = StreamPeer(self.world, name, descriptor, descriptor)
        self.clients.append(peer)
        return peer

    # -- the end

    @property
    def running(self) -> bool:
        """True until the process has ended."""
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send the process a signal."""
        self.world.note("kernel", f"gets signal {number}")
        self.process.send_signal(number)

    def wait_exit(self, seconds: float = DEADLINE) -> int:
        """Wait for the end of the process and of its log, and return its status."""
        status = self.world.until(self.process.poll, "the kernel to exit", seconds)
        # Workers inherit stderr: its end may never come, but what the kernel wrote is there now.
        for _ in range(1000):
            before = len(self.log), self._partial
            if self._stderr >= 0:
                self.serve(self._stderr, READ)
            if (len(self.log), self._partial) == before:
                break
        return status

    def stop(self, seconds: float = DEADLINE) -> int:
        """Ask for an orderly end and return the status."""
        self.signal(signal.SIGTERM)
        return self.wait_exit(seconds)

    def not_routed(self) -> int:
        """Stop the kernel and return how many messages it says it did not route."""
        self.stop()
        found = next((m for m in (re.search(r"stopped:.*?(\d+) not routed", line) for line in self.log) if m), None)
        assert found, "no count of messages not routed at the end\n" + "\n".join(self.log)
        return int(found[1])

    def dispose(self, release_workers: Callable[[], None]) -> None:
        """End the process whatever its state, and fail where it had died of a fault of its own."""
        for client in self.clients:
            client.close()
        if self._stdio is not None:
            for descriptor in self._stdio:
                if descriptor >= 0:
                    os.close(descriptor)
            self._stdio = None
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            release_workers()
            self._await_end(0.5)
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGTERM)
            self._await_end(3)
        if self.running:
            self.process.kill()
        status = self.process.wait()
        if self._stderr >= 0:
            with contextlib.suppress(AssertionError):
                self.wait_exit(1)
        self.world.remove(self)
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1
        fault = next((line for line in self.log if _SANITIZER.search(line)), None)
        assert fault is None, f"sanitizer: {fault}\n" + "\n".join(self.log)
        crashed = status in {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL, -signal.SIGPIPE}
        assert not crashed, f"the kernel died by signal {-status}\n" + "\n".join(self.log)

    def _await_end(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.running and time.monotonic() < end:
            self.world.turn(0.01)
