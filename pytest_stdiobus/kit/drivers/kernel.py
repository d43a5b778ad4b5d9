"""A kernel as a target: the kit is its clients on one side and its workers on the other."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import socket
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import STDIO, TCP, UNIX
from pytest_stdiobus.kit.drivers.scripted import ScriptedWorkers
from pytest_stdiobus.kit.drivers.seat import send, tell_exit
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.patience import ANSWER, DEADLINE_S, ENDING_S, EXIT, EXIT_ON_TERM, Patience
from pytest_stdiobus.kit.pump import Channel, Pump
from pytest_stdiobus.kit.supervisor import Process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.patience import Wait
    from pytest_stdiobus.kit.supervisor import Supervisor
    from pytest_stdiobus.kit.target import Target

_SCRIPTED = "scripted"
_DRAIN_S = 1  # so that a request which a case leaves open does not keep a kernel for half a minute
_WRITTEN_S = 1.0  # a worker has written what it wrote before it ends, unless the kernel does not read it
_LOOPBACK = "127.0.0.1"
_NOT_YET = frozenset({errno.ENOENT, errno.ECONNREFUSED, errno.EINPROGRESS, errno.EAGAIN})


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
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            target: the kernel's executable.
            history: what is observed goes there.
            supervisor: starts it.
            patience: how long it is waited for.
            config: the case's configuration; pools with ``"worker": "scripted"`` are the kit's; a text is written as it is.
            transport: ``stdio``, ``unix`` or ``tcp``.
            arguments: the whole command line, in place of what the transport asks for.
        """
        self.history = history
        self.pump = Pump(history)
        self._target = target
        self._supervisor = supervisor
        self._patience = patience
        self._config = config
        self._transport = transport
        self._arguments = arguments
        self._process = Process(on_exit=partial(tell_exit, history))
        self._clients: dict[str, Channel] = {}
        self._port = 0

    def begin(self) -> None:
        """Start the kernel, and wait until its scripted workers are there."""
        self._supervisor.attach(self.pump)
        self._folder = tempfile.mkdtemp(prefix="stdiobus-")
        self._workers = ScriptedWorkers(self.pump, self._folder)
        config = self._write_config()
        arguments = ["--config", config, *self._address()] if self._arguments is None else self._arguments
        command = [*self._target.command, *arguments]
        where = self._folder if self._arguments is not None else self._target.cwd or self._folder
        (stdin, to_kernel), (from_kernel, stdout), (logs, stderr) = (os.pipe() for _ in range(3))
        self._streams = self.pump.add(Channel(TARGET, reading=from_kernel, writing=to_kernel))
        self._logs = self.pump.add(Channel(TARGET, reading=logs, stderr=True))
        self._supervisor.start(
            self._process,
            command,
            env={**os.environ, **self._target.env},
            cwd=where,
            stdio=(stdin, stdout, stderr),
            pump=self.pump,
        )
        if self._process.refused:
            self.history.add(TARGET, "harness", what="start", error=self._process.refused)
            return
        self.history.add(
            TARGET, "spawn", data=wire.encode({"cwd": where}), pid=self._process.pid, argv=command, cwd=where
        )
        wait = self._patience.wait(ANSWER)
        self.pump.until(lambda: self._has_exited() or self._is_staffed(), wait.seconds)

    def act(self, step: Step, value: Any, index: int) -> Event | None:
        """Let a client or a worker write, close, stop reading; let a worker end; signal the kernel."""
        if step.actor.startswith(TARGET) and step.verb in {"signal", "kill"}:
            number = signal.SIGKILL if step.verb == "kill" else signal.Signals[f"SIG{value}"]
            event = self.history.add(TARGET, "signal", signal=number.name, step=index)
            self._supervisor.signal(self._process, number)
            return event
        if step.actor.startswith("worker:") and step.verb in {"exit", "kill", "signal"}:
            return self._order(step, value, index)
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

    def end(self) -> None:
        """End the clients' input, then SIGTERM, then SIGKILL; workers whose input has ended end."""
        if not self._process.pid:
            return
        wait = self._patience.wait(EXIT)
        self.history.add(TARGET, "ending", **wait.facts)
        for channel in self.pump.channels:
            channel.stall(stalled=False)
        for channel in (self._streams, *self._clients.values()):
            channel.half_close(self.history)
        if self._transport == STDIO:
            self._wait_for_exit(EXIT, wait)
        if not self._has_exited():
            wait = self._patience.wait(EXIT_ON_TERM)
            self._signal(signal.SIGTERM, **wait.facts)
            self._wait_for_exit(EXIT_ON_TERM, wait)
        if not self._has_exited():
            self._signal(signal.SIGKILL)
        self._until(self._workers_have_ended, ENDING_S)
        left = self._supervisor.sweep(self._process, self.pump)
        if left:
            self.history.add(TARGET, "orphans", processes=left)
        self.pump.until(lambda: all(channel.ended for channel in self._kernels), ENDING_S)

    def close(self) -> None:
        """End what has not been ended, without waiting for it."""
        with contextlib.suppress(HarnessError):
            if self._process.pid and self._process.left is None:
                self._supervisor.sweep(self._process, self.pump)
        self._workers.close()
        self.pump.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _kernels(self) -> list[Channel]:
        """The channels whose other end is the kernel's own."""
        return [channel for channel in self.pump.channels if not channel.actor.startswith("worker:")]

    def _write_config(self) -> str:
        path = os.path.join(self._folder, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(
                self._config if isinstance(self._config, str) else json.dumps(self._completed(), ensure_ascii=False)
            )
        return path

    def _completed(self) -> Any:
        """The configuration with commands in place of scripted workers, and with a drain timeout."""
        if not isinstance(self._config, dict):
            return self._config
        limits = self._config.get("limits", {})
        completed = {**self._config}
        if isinstance(limits, dict):
            completed["limits"] = {"drain_timeout_sec": _DRAIN_S, **limits}
        if isinstance(self._config.get("pools"), list):
            completed["pools"] = [self._workers.pool(pool) if _is_scripted(pool) else pool for pool in self._pools]
        return completed

    @property
    def _pools(self) -> list[Any]:
        pools = self._config.get("pools") if isinstance(self._config, dict) else None
        return pools if isinstance(pools, list) else []

    def _address(self) -> list[str]:
        if self._transport == UNIX:
            return ["--unix", self._path]
        if self._transport == TCP:
            with socket.socket() as probe:  # a kernel need not say which port it has taken, so it is given a free one
                probe.bind((_LOOPBACK, 0))
                self._port = probe.getsockname()[1]
            return ["--tcp", f"{_LOOPBACK}:{self._port}"]
        return ["--stdio"]

    @property
    def _path(self) -> str:
        return os.path.join(self._folder, "bus")

    def _is_staffed(self) -> bool:
        scripted = [pool for pool in self._pools if _is_scripted(pool)]
        return all(len(self._workers.of_pool(pool["id"])) >= pool.get("instances", 1) for pool in scripted)

    def _channel(self, actor: str) -> Channel:
        if actor.startswith(TARGET):
            return self._logs
        if actor.startswith("worker:"):
            return self._workers.everyone[actor].channel
        if actor not in self._clients:
            self._clients[actor] = self._connected(actor)
        return self._clients[actor]

    def _connected(self, actor: str) -> Channel:
        """A client; on stdio there is one, and the kernel's streams are its own.

        Raises:
            HarnessError: a second client on stdio.
        """
        if self._transport == STDIO:
            if self._clients:
                message = f"{actor} is a second client, and stdio seats one: name the case's transports"
                raise HarnessError(message)
            self._streams.actor = actor
            return self._streams
        connection: socket.socket | None = None

        def connects() -> bool:
            nonlocal connection
            connection = self._connect()
            return connection is not None or self._has_exited()

        self.pump.until(connects, DEADLINE_S)
        if connection is None:
            self.history.add(actor, "harness", what="connect", error="nobody accepts its connection")
            return self.pump.add(Channel(actor))
        writing = os.dup(connection.fileno())
        channel = self.pump.add(Channel(actor, reading=connection.detach(), writing=writing))
        self.history.add(actor, "open", transport=self._transport)
        return channel

    def _connect(self) -> socket.socket | None:
        connection = socket.socket(socket.AF_UNIX if self._transport == UNIX else socket.AF_INET)
        try:
            connection.connect(self._path if self._transport == UNIX else (_LOOPBACK, self._port))
        except OSError as error:
            connection.close()
            if error.errno in _NOT_YET:
                return None
            raise HarnessError(str(error)) from None
        return connection

    def _order(self, step: Step, value: Any, index: int) -> Event:
        worker = self._workers.everyone[step.actor]
        self.pump.until(lambda: not worker.channel.wants_write, _WRITTEN_S)
        worker.channel.cut(self.history)
        if step.verb == "exit":
            event = self.history.add(step.actor, "signal", exit=value, step=index)
            worker.order(f"exit {value}")
        else:
            number = signal.SIGKILL if step.verb == "kill" else signal.Signals[f"SIG{value}"]
            event = self.history.add(step.actor, "signal", signal=number.name, step=index)
            worker.order(f"signal {int(number)}")
        self.pump.until(lambda: worker.ended, DEADLINE_S)
        return event

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

    def _has_exited(self) -> bool:
        return self._process.exit is not None or bool(self._process.refused)

    def _signal(self, number: signal.Signals, **facts: Any) -> None:
        self.history.add(TARGET, "signal", signal=number.name, **facts)
        self._supervisor.signal(self._process, number)


def _is_scripted(pool: Any) -> bool:
    return isinstance(pool, dict) and pool.get("worker") == _SCRIPTED
