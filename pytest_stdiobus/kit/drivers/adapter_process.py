"""The processes of an adapter: one that a case leaves as it found it serves the next case, because a start is most of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.supervisor import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.supervisor import Supervisor
    from pytest_stdiobus.kit.target import Target


@dataclass
class AdapterProcess:
    """One process of an adapter.

    Attributes:
        target: what was started.
        folder: where it runs.
        own_folder: whether that is a temporary one.
        process: what is known of it.
        stdin: the descriptor that is its input.
        stdout: that its output is read from.
        stderr: that its log is read from.
    """

    target: Target
    folder: str
    own_folder: bool
    process: Process
    stdin: int = -1
    stdout: int = -1
    stderr: int = -1

    def let_go(self) -> None:
        """Close the descriptors that nobody else has taken over."""
        for descriptor in (self.stdin, self.stdout, self.stderr):
            os.close(descriptor)

    def end(self, supervisor: Supervisor, pump: Pump) -> list[dict[str, Any]]:
        """End it with everything it started; what that was, itself apart."""
        left = supervisor.sweep(self.process, pump) if self.process.pid and self.process.left is None else []
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        return left


@dataclass
class Adapters:
    """The adapter of one run.

    Attributes:
        supervisor: starts its processes.
        reused: whether the last process that was given out had served a case before.
        lasting: whether a process may serve more than one case.
    """

    supervisor: Supervisor
    reused: bool = False
    lasting: bool = True
    _idle: AdapterProcess | None = None

    def take(self, target: Target, pump: Pump, on_exit: Callable[[dict[str, Any]], None]) -> AdapterProcess:
        """A process of the adapter, the one that waits or a new one; `on_exit` is told of its end."""
        idle, self._idle = self._idle, None
        self.reused = idle is not None and idle.target == target
        if idle is not None and self.reused:
            idle.process.on_exit = on_exit
            return idle
        if idle is not None:
            self._end(idle)
        return self._started(target, pump, on_exit)

    def put_back(self, one: AdapterProcess) -> None:
        """Keep a process for the next case."""
        self._idle = one

    def close(self) -> None:
        """End what waits."""
        if self._idle is not None:
            self._end(self._idle)
            self._idle = None

    def _started(self, target: Target, pump: Pump, on_exit: Callable[[dict[str, Any]], None]) -> AdapterProcess:
        folder = target.cwd or tempfile.mkdtemp(prefix="stdiobus-")
        (stdin, to_adapter), (from_adapter, stdout), (logs, stderr) = (os.pipe() for _ in range(3))
        one = AdapterProcess(target, folder, not target.cwd, Process(on_exit=on_exit), to_adapter, from_adapter, logs)
        environment = {**os.environ, **target.env}
        stdio = (stdin, stdout, stderr)
        try:
            self.supervisor.start(one.process, target.command, env=environment, cwd=folder, stdio=stdio, pump=pump)
        except HarnessError:
            one.let_go()
            raise
        return one

    def _end(self, one: AdapterProcess) -> None:
        pump = Pump(History())
        self.supervisor.attach(pump)
        one.process.on_exit = lambda _: None
        one.let_go()
        one.end(self.supervisor, pump)
