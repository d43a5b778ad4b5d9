"""The kit's side of the supervisor: processes that are started by another process and told about here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.usage import observe_process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_stdiobus.kit.pump import Pump

_PROGRAM = Path(__file__).with_name("supervising.py")
_ANSWER_S = 20.0
_SILENT = f"it did not answer within {_ANSWER_S:.0f} s"


@dataclass
class Process:
    """A process of the supervisor.

    Attributes:
        pid: its id; 0 before it is started.
        exit: how it ended, ``code`` or ``signal`` and ``rusage``; None while it runs.
        left: what it left behind, once swept: ``pid`` and ``command`` of each; None before.
        on_exit: is told how it ended, when that is seen.
    """

    pid: int = 0
    exit: dict[str, Any] | None = None
    left: list[dict[str, Any]] | None = None
    on_exit: Callable[[dict[str, Any]], None] = lambda _: None

    def observe(self) -> dict[str, Any]:
        """What it has used so far (`kit.usage`); nothing once it has ended."""
        return observe_process(self.pid) if self.pid and self.exit is None else {}


@dataclass
class Supervisor:
    """Starts processes, one case after the other; use it as a context manager.

    Attributes:
        time_scale: a factor on how long what ends with a process may take longer than it.
    """

    time_scale: float = 1.0
    _control: socket.socket = field(init=False)
    _program: subprocess.Popen[bytes] = field(init=False)
    _pending: bytes = b""
    _starting: Process | None = None
    _refusal: str = ""
    _processes: dict[int, Process] = field(default_factory=dict)

    def __enter__(self) -> Supervisor:  # noqa: PYI034 - Self is not in Python 3.10
        """Start the supervisor's own process."""
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and with it every process it still has."""
        self._control.close()
        try:
            self._program.wait(_ANSWER_S)
        except subprocess.TimeoutExpired:
            self._lose()

    def attach(self, pump: Pump) -> None:
        """Let a pump take in what is told; a supervisor that was lost is replaced."""
        if self._control.fileno() < 0:
            self._begin()
        pump.watch(self._control.fileno(), self._receive)

    def _begin(self) -> None:
        self._pending = b""
        self._control, theirs = socket.socketpair()
        with theirs:
            self._program = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-S", str(_PROGRAM)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._control.setblocking(False)

    def _lose(self) -> None:
        """End a supervisor that does not obey, and what it leaves behind as far as that is known."""
        self._control.close()
        self._program.kill()
        self._program.wait()
        for pid, process in self._processes.items():
            if process.exit is None:
                with contextlib.suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
        self._processes.clear()

    def start(
        self,
        process: Process,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        stdio: tuple[int, ...],
        pump: Pump,
    ) -> None:
        """Start a process in a session of its own.

        Args:
            process: what will be known about it.
            argv: program and arguments.
            env: its whole environment.
            cwd: its folder.
            stdio: its standard descriptors, which this closes.
            pump: takes in the answer.

        Raises:
            HarnessError: it cannot be started, whether that is its own fault or this machine's.
        """
        self._starting, self._refusal = process, ""
        order = json.dumps({"do": "start", "argv": list(argv), "env": dict(env), "cwd": cwd}).encode() + b"\n"
        try:
            self._order(order, stdio)
        finally:
            for descriptor in stdio:
                os.close(descriptor)
        self._await(pump, lambda: bool(process.pid or self._refusal))
        if self._refusal:
            message = f"{argv[0]} could not be started: {self._refusal}"
            raise HarnessError(message)

    def signal(self, process: Process, number: int) -> None:
        """Send a signal to a process that has not been seen to end."""
        if process.exit is None:
            self._order(json.dumps({"do": "signal", "pid": process.pid, "number": int(number)}).encode() + b"\n")

    def sweep(self, process: Process, pump: Pump) -> list[dict[str, Any]]:
        """End whatever a process left behind, itself included, and say what that was."""
        self._order(
            json.dumps({"do": "sweep", "pid": process.pid, "patience": max(self.time_scale, 1)}).encode() + b"\n"
        )
        self._await(pump, lambda: process.left is not None)
        self._processes.pop(process.pid, None)
        return process.left or []

    def _order(self, order: bytes, descriptors: tuple[int, ...] = ()) -> None:
        try:
            self._control.settimeout(_ANSWER_S)
            sent = socket.send_fds(self._control, [order], descriptors) if descriptors else 0
            self._control.sendall(order[sent:])
            self._control.setblocking(False)
        except OSError as error:
            raise self._lost(str(error)) from None

    def _await(self, pump: Pump, done: Callable[[], bool]) -> None:
        if not pump.until(done, _ANSWER_S / min(pump.time_scale, 1)):  # who is in a hurry is not in one with us
            raise self._lost(_SILENT)

    def _receive(self) -> None:
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise self._lost()
        *facts, self._pending = (self._pending + data).split(b"\n")
        for fact in facts:
            self._take_in(json.loads(fact))

    def _lost(self, why: str = "its socket was closed") -> HarnessError:
        self._lose()
        return HarnessError(f"the supervisor has ended: {why}")

    def _take_in(self, fact: dict[str, Any]) -> None:
        event = fact.pop("event")
        if event == "refused":
            self._refusal = fact["why"]
        elif event == "started" and self._starting is not None:
            self._starting.pid = fact["pid"]
            self._processes[fact["pid"]] = self._starting
        elif event == "exited":
            process = self._processes[fact.pop("pid")]
            process.exit = fact
            process.on_exit(fact)
        elif event == "swept":
            self._processes[fact["pid"]].left = fact["left"]
