"""A worker as a target: the kit is its kernel, on its standard streams."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.seat import send, tell_exit
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.patience import ENDING_S, EXIT, EXIT_ON_TERM, OUTPUT, Patience
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.supervisor import Process

if TYPE_CHECKING:
    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.supervisor import Supervisor
    from pytest_stdiobus.kit.target import Target

CLIENT = "client:kit"
PROCESS, STDERR = f"{TARGET}:process", f"{TARGET}:stderr"
_EXIT_S = 0.25  # between the end of a process's output and the news of its exit


class WorkerSeat:
    """One life of a worker."""

    def __init__(self, target: Target, history: History, supervisor: Supervisor, patience: Patience) -> None:
        """Prepare; nothing is started yet."""
        self.history = history
        self.pump = Pump(history, patience.time_scale)
        self._target = target
        self._supervisor = supervisor
        self._patience = patience
        self._room = patience.room()
        self._process = Process(on_exit=partial(tell_exit, history))
        self._folder = ""

    def begin(self) -> None:
        """Start the worker with three pipes."""
        self._supervisor.attach(self.pump)
        self._folder = self._target.cwd or tempfile.mkdtemp(prefix="stdiobus-")
        (stdin, to_worker), (from_worker, stdout), (logs, stderr) = (os.pipe() for _ in range(3))
        self._client = self.pump.add(Channel(CLIENT, reading=from_worker, writing=to_worker, room=self._room))
        self._logs = self.pump.add(Channel(TARGET, reading=logs, stderr=True))
        self._supervisor.start(
            self._process,
            self._target.command,
            env={**os.environ, **self._target.env},
            cwd=self._folder,
            stdio=(stdin, stdout, stderr),
            pump=self.pump,
        )
        facts = wire.encode({"cwd": self._folder})
        self.history.add(
            TARGET, "spawn", data=facts, pid=self._process.pid, argv=list(self._target.command), cwd=self._folder
        )

    def act(self, step: Step, value: Any, index: int) -> Event | None:
        """Write to the worker, stop or go on reading it, or signal it."""
        channel = self._logs if step.actor == STDERR else self._client
        if step.verb == "send":
            return send(channel, self.pump, step, value, index)
        if step.verb == "half_close":
            channel.half_close(self.history)
            return self.history.add(CLIENT, "closing", dir="in", step=index)
        if step.verb in {"stall", "resume"}:
            channel.stall(stalled=step.verb == "stall")
            return self.history.add(channel.actor, step.verb, step=index)
        if step.verb == "close":
            channel.half_close(self.history)
            channel.close()
            return self.history.add(CLIENT, "close", step=index)
        if step.verb in {"signal", "kill"}:
            number = signal.SIGKILL if step.verb == "kill" else signal.Signals[f"SIG{value}"]
            event = self.history.add(TARGET, "signal", signal=number.name, step=index)
            self._supervisor.signal(self._process, number)
            return event
        message = f"a worker cannot {step.verb}"
        raise HarnessError(message)

    def observe(self) -> dict[str, Any]:
        """What the worker has used so far."""
        return self._process.observe()

    def end(self) -> None:
        """End of input, then SIGTERM, then SIGKILL; whatever is left afterwards is recorded and ended."""
        if self._process.pid:
            if self._client.ended:
                self.pump.until(self._has_exited, _EXIT_S)
            self._ask_to_end()
            left = self._supervisor.sweep(self._process, self.pump)
            if left:
                self.history.add(TARGET, "orphans", processes=left)
            self.pump.until(self._is_silent, ENDING_S)
        flooded = any(event.facts["what"] == "flood" for event in self.history.of_kind("harness"))
        self._patience.note(OUTPUT, self._room, seen=not flooded, in_vain=flooded)

    def close(self) -> None:
        """End what has not been ended, without waiting for it."""
        with contextlib.suppress(HarnessError):
            if self._process.pid and self._process.left is None:
                self._supervisor.sweep(self._process, self.pump)
        self.pump.close()
        if self._folder and not self._target.cwd:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _ask_to_end(self) -> None:
        running = not self._has_exited()
        wait = self._patience.wait(EXIT)
        self.history.add(TARGET, "ending", **wait.facts)
        for channel in self.pump.channels:
            channel.stall(stalled=False)
        self._client.half_close(self.history)
        if not running:
            return
        ended = self.pump.until(self._has_exited, wait.seconds)
        self._patience.note(EXIT, wait, seen=ended, in_vain=not ended)
        if not ended:
            wait = self._patience.wait(EXIT_ON_TERM)
            self._signal(signal.SIGTERM, **wait.facts)
            ended = self.pump.until(self._has_exited, wait.seconds)
            self._patience.note(EXIT_ON_TERM, wait, seen=ended, in_vain=not ended)
        if not ended:
            self._signal(signal.SIGKILL)

    def _has_exited(self) -> bool:
        return self._process.exit is not None

    def _is_silent(self) -> bool:
        return all(channel.ended for channel in self.pump.channels)

    def _signal(self, number: signal.Signals, **facts: Any) -> None:
        self.history.add(TARGET, "signal", signal=number.name, **facts)
        self._supervisor.signal(self._process, number)
