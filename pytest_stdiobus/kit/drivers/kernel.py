"""A kernel as a target: the kit is its clients on one side and its workers on the other."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import STDIO
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.kernel_clients import KernelClients
from pytest_stdiobus.kit.drivers.kernel_host import ITSELF, KernelHost
from pytest_stdiobus.kit.drivers.scripted import ScriptedWorkers
from pytest_stdiobus.kit.drivers.seat import send, tell_exit
from pytest_stdiobus.kit.drivers.streams import streams_of
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.patience import ANSWER, ENDING_S, EXIT, EXIT_ON_TERM, Patience
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.supervisor import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.patience import Wait
    from pytest_stdiobus.kit.supervisor import Supervisor
    from pytest_stdiobus.kit.target import Target

_DRAIN_S = 1  # so that a request which a case leaves open does not keep a kernel for half a minute


class KernelSeat:
    """One life of a kernel."""

    def __init__(
        self,
        target: Target,
        history: History,
        supervisor: Supervisor,
        patience: Patience,
        *,
        config: Any,
        transport: str,
        arguments: Sequence[str] | None = None,
        streams: str = "",
        descriptors: int | None = None,
        hosted: bool = False,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            target: the kernel: an executable, or a library with the program that hosts it.
            history: what is observed goes there.
            supervisor: starts it.
            patience: how long it is waited for.
            config: the case's configuration; pools with ``"worker": "scripted"`` are the kit's; a text is written as it is.
            transport: ``stdio``, ``unix``, ``tcp`` or ``embedded``.
            arguments: the whole command line, in place of what the transport asks for.
            streams: what its standard streams are, one of `kit.drivers.streams`, whose flags are watched then; pipes by default.
            descriptors: how many it may have open.
            hosted: whether the case says which calls the host of a library makes; nothing is called before that.
        """
        self.history = history
        self.pump = Pump(history, patience.time_scale)
        self._target = target
        self._supervisor = supervisor
        self._patience = patience
        self._config = config
        self._transport = transport
        self._arguments = arguments
        self._kind_of_streams = streams
        self._descriptors = descriptors
        self._hosted = hosted
        self._process = Process(on_exit=self._note_exit)
        self._stack = contextlib.ExitStack()

    def begin(self) -> None:
        """Start the kernel, and wait until its scripted workers are there."""
        self._supervisor.attach(self.pump)
        self._folder = tempfile.mkdtemp(prefix="stdiobus-")
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._stack.callback(self.pump.close)
        self._workers = ScriptedWorkers(self.pump, self._folder)
        self._stack.callback(self._workers.close)
        self._clients = KernelClients(self.pump, self._folder, self._transport, hosted=self._hosted)
        self._host = self._stack.enter_context(closing(KernelHost(self.pump, self._folder))) if self._hosted else None
        command = self._command(self._write_config())
        where = self._folder if self._arguments is not None else self._target.cwd or self._folder
        if self._descriptors is not None:
            command = ["/bin/sh", "-c", 'ulimit -n "$0" && exec "$@"', str(self._descriptors), *command]
        whose = ITSELF if self._hosted else TARGET
        self._given = given = streams_of(self._kind_of_streams)
        self._stack.callback(given.let_go)
        self._streams = self.pump.add(Channel(whose, reading=given.reading, writing=given.writing))
        self._logs = self.pump.add(Channel(TARGET, reading=given.logs, stderr=True))
        self._supervisor.start(
            self._process,
            command,
            env={**os.environ, **self._target.env},
            cwd=where,
            stdio=given.theirs,
            pump=self.pump,
        )
        self.history.add(
            TARGET, "spawn", data=wire.encode({"cwd": where}), pid=self._process.pid, argv=command, cwd=where
        )
        wait = self._patience.wait(ANSWER)
        self.pump.until(lambda: self._has_exited() or self._is_ready(), wait.seconds)

    def act(self, step: Step, value: Any, index: int) -> Event | None:
        """Let a client or a worker write, close, stop reading; let a worker end; signal the kernel."""
        if step.actor.startswith(TARGET) and step.verb in {"signal", "kill"}:
            number = signal.SIGKILL if step.verb == "kill" else signal.Signals[f"SIG{value}"]
            event = self.history.add(TARGET, "signal", signal=number.name, step=index)
            self._supervisor.signal(self._process, number)
            return event
        if step.actor.startswith("worker:") and step.verb in {"exit", "kill", "signal"}:
            return self._workers.end(step, value, index)
        if self._host is not None and step.actor.startswith("host:"):
            return self._host.order(step, value, index)
        channel = self._channel(step.actor)
        if step.verb == "send":
            return send(channel, self.pump, step, value, index)
        if step.verb in {"stall", "resume"}:
            channel.stall(stalled=step.verb == "stall")
            return self.history.add(channel.actor, step.verb, step=index)
        if step.verb in {"half_close", "close"}:
            channel.half_close(self.history)
            if step.verb == "close":
                channel.close()
            return self.history.add(channel.actor, step.verb, dir="in", step=index)
        message = f"{step.actor} cannot {step.verb}"
        raise HarnessError(message)

    def observe(self) -> dict[str, Any]:
        """What the kernel has used so far."""
        watched = {"changed_flags": self._given.changed_flags()} if self._kind_of_streams else {}
        return {**seen, **watched} if (seen := self._process.observe()) else {}

    def end(self) -> None:
        """End the clients' input, then SIGTERM, then SIGKILL; workers whose input has ended end."""
        if not self._process.pid:
            return
        wait = self._patience.wait(EXIT)
        self.history.add(TARGET, "ending", **wait.facts)
        for channel in self.pump.channels:
            channel.stall(stalled=False)
        for channel in (self._streams, *self._clients.everyone.values()):
            channel.half_close(self.history)
        if self._given.hangs_up:
            self.history.add(self._streams.actor, "close", dir="in")
            self._streams.close()
        if self._transport == STDIO:
            self._workers.dismiss_debtors()
            self._wait_for_exit(EXIT, wait)
        if not self._has_exited():
            wait = self._patience.wait(EXIT_ON_TERM)
            self._signal(signal.SIGTERM, **wait.facts)
            self._workers.dismiss_debtors()
            self._wait_for_exit(EXIT_ON_TERM, wait)
        if not self._has_exited():
            self._signal(signal.SIGKILL)
        else:
            self._clients.look_behind()
        self._until(self._workers_have_ended, ENDING_S)
        self._workers.turn_away()
        left = self._supervisor.sweep(self._process, self.pump)
        if left:
            self.history.add(TARGET, "orphans", processes=left)
        self.pump.until(lambda: all(channel.ended for channel in self._kernels), ENDING_S)

    def close(self) -> None:
        """End what has not been ended, without waiting for it."""
        with contextlib.suppress(HarnessError):
            if self._process.pid and self._process.left is None:
                self._supervisor.sweep(self._process, self.pump)
        self._stack.close()

    @property
    def _kernels(self) -> list[Channel]:
        """The channels whose other end is the kernel's own."""
        return [channel for channel in self.pump.channels if not channel.actor.startswith("worker:")]

    def _command(self, config: str) -> list[str]:
        if self._arguments is not None:
            return [*self._target.command, *self._arguments]
        arguments = self._clients.arguments()
        if self._host is not None:
            arguments = self._host.arguments(workers=self._workers.address, listener=self._clients.path)
        return [*self._target.command, "--config", config, *arguments]

    def _is_ready(self) -> bool:
        return self._workers.are_there(self._config) if self._host is None else self._host.is_there

    def _write_config(self) -> str:
        path = os.path.join(self._folder, "config.json")
        config = self._config
        with open(path, "w", encoding="utf-8") as file:
            file.write(config if isinstance(config, str) else json.dumps(self._completed(config), ensure_ascii=False))
        return path

    def _completed(self, config: Any) -> Any:
        """The configuration with commands in place of scripted workers, and with a drain timeout."""
        if not isinstance(config, dict):
            return config
        completed = self._workers.hired(config)
        limits = config.get("limits", {})
        if isinstance(limits, dict):
            completed["limits"] = {"drain_timeout_sec": _DRAIN_S, **limits}
        return completed

    def _channel(self, actor: str) -> Channel:
        if actor.startswith(TARGET):
            return self._logs
        if actor.startswith("worker:"):
            return self._workers.everyone[actor].channel
        return self._clients.channel(actor, self._streams, has_exited=self._has_exited)

    def _wait_for_exit(self, what: str, wait: Wait) -> None:
        exited = self._until(self._has_exited, wait.seconds)
        self._patience.note(what, wait, seen=exited, in_vain=not exited)

    def _until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Pump until `done`, and meanwhile let the workers end whose input has ended."""

        def seen() -> bool:
            for worker in self._workers.everyone.values():
                if worker.channel.ended:
                    worker.order("exit 0")
            return done()

        return self.pump.until(seen, seconds)

    def _workers_have_ended(self) -> bool:
        return all(worker.ended for worker in self._workers.everyone.values())

    def _note_exit(self, facts: dict[str, Any]) -> None:
        tell_exit(self.history, facts)
        self._given.let_go()

    def _has_exited(self) -> bool:
        return self._process.exit is not None

    def _signal(self, number: signal.Signals, **facts: Any) -> None:
        self.history.add(TARGET, "signal", signal=number.name, **facts)
        self._supervisor.signal(self._process, number)
