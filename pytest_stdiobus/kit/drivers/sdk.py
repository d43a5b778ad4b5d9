"""An SDK as a target: the kit drives it through its adapter, and is the kernel or the workers behind it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import SCRIPTED, SUBPROCESS
from pytest_stdiobus.kit.drivers.adapter import AdapterChannel
from pytest_stdiobus.kit.drivers.scripted import ScriptedWorkers
from pytest_stdiobus.kit.drivers.seat import send, tell_exit
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import ADAPTER, CALL, SCRIPTED_KERNEL, TARGET
from pytest_stdiobus.kit.patience import DEADLINE_S, ENDING_S, EXIT, EXIT_ON_TERM, Patience
from pytest_stdiobus.kit.pump import Channel, Pump
from pytest_stdiobus.kit.supervisor import Process

if TYPE_CHECKING:
    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.patience import Wait
    from pytest_stdiobus.kit.supervisor import Supervisor
    from pytest_stdiobus.kit.target import Target

_DRAIN_S = 1  # so that a request which a case leaves open does not keep a kernel for half a minute
_ONE_POOL: dict[str, Any] = {"pools": [{"id": "w", "worker": "scripted", "instances": 1}]}


class SdkSeat:
    """One life of an adapter with its SDK."""

    def __init__(
        self,
        target: Target,
        history: History,
        supervisor: Supervisor,
        patience: Patience,
        *,
        config: Any = None,
        backend: str = SCRIPTED,
        pool: str = "",
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            target: the adapter's command.
            history: what is observed goes there.
            supervisor: starts it.
            patience: how long it is waited for.
            config: the case's configuration; one pool ``w`` with a scripted worker unless said.
            backend: ``scripted``, which puts a kernel of the kit behind the subprocess backend, or one of the SDK's.
            pool: whose worker the kernel of the kit acts as; empty where it acts as a kernel.
        """
        self.history = history
        self.pump = Pump(history)
        self._target = target
        self._supervisor = supervisor
        self._patience = patience
        self._config: dict[str, Any] = config or _ONE_POOL
        self._backend = backend
        self._pool = pool
        self._process = Process(on_exit=self._tell_exit)
        self._ending = False
        self._folder = ""

    def begin(self) -> None:
        """Start the adapter; it opens nothing before a step says so."""
        self._supervisor.attach(self.pump)
        self._folder = tempfile.mkdtemp(prefix="stdiobus-")
        self._scripted = ScriptedWorkers(self.pump, self._folder, obedient=True)
        (stdin, to_adapter), (from_adapter, stdout), (logs, stderr) = (os.pipe() for _ in range(3))
        self._adapter = AdapterChannel(ADAPTER, reading=from_adapter, writing=to_adapter)
        self.pump.add(self._adapter)
        self.pump.add(Channel(TARGET, reading=logs, stderr=True))
        where = self._target.cwd or self._folder
        self._supervisor.start(
            self._process,
            self._target.command,
            env={**os.environ, **self._target.env},
            cwd=where,
            stdio=(stdin, stdout, stderr),
            pump=self.pump,
        )
        if self._process.refused:
            self.history.add(TARGET, "harness", what="start", error=self._process.refused)
            return
        facts = wire.encode({"cwd": where, "kernel": self._kernel})
        self.history.add(TARGET, "spawn", data=facts, pid=self._process.pid, argv=list(self._target.command), cwd=where)

    def act(self, step: Step, value: Any, index: int) -> Event | None:
        """Give the adapter a command; let the kernel or a worker write, close, stop reading or end; signal the adapter."""
        kind, _, name = step.actor.partition(":")
        if step.actor == f"{TARGET}:process":
            number = signal.SIGKILL if step.verb == "kill" else signal.Signals[f"SIG{value}"]
            event = self.history.add(TARGET, "signal", signal=number.name, step=index)
            self._supervisor.signal(self._process, number)
            return event
        if kind == CALL:
            return self._command(step.actor, {"command": "call", "id": name, **value}, index)
        if step.actor == ADAPTER:
            return self._command(ADAPTER, self._opening(value) if value.get("command") == "open" else value, index)
        return self._act_behind(step, value, index)

    def observe(self) -> dict[str, Any]:
        """What the adapter has used so far."""
        return self._process.observe()

    def end(self) -> None:
        """Let the adapter close its client and exit; then SIGTERM, then SIGKILL."""
        if not self._process.pid:
            return
        self._ending = True
        wait = self._patience.wait(EXIT)
        self.history.add(TARGET, "ending", **wait.facts)
        for channel in self.pump.channels:
            channel.stall(stalled=False)
        for command in ("close", "exit"):
            self._adapter.tell({"command": command})
        self._adapter.half_close(self.history)
        self._wait_for_exit(EXIT, wait)
        if not self.has_exited:
            wait = self._patience.wait(EXIT_ON_TERM)
            self._signal(signal.SIGTERM, **wait.facts)
            self._wait_for_exit(EXIT_ON_TERM, wait)
        if not self.has_exited:
            self._signal(signal.SIGKILL)
        left = self._supervisor.sweep(self._process, self.pump)
        if left:
            self.history.add(TARGET, "orphans", processes=left)
        self.pump.until(lambda: self._adapter.ended, ENDING_S)

    @property
    def has_exited(self) -> bool:
        """Whether the adapter has."""
        return self._process.exit is not None

    def close(self) -> None:
        """End what has not been ended, without waiting for it."""
        with contextlib.suppress(HarnessError):
            if self._process.pid and self._process.left is None:
                self._supervisor.sweep(self._process, self.pump)
        self._scripted.close()
        self.pump.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _kernel(self) -> str:
        """Where the scripted kernel is, or would be."""
        return os.path.join(self._folder, "kernel")

    def _command(self, actor: str, command: Any, index: int) -> Event:
        event = self.history.add(actor, "line", dir="in", data=wire.encode(command), step=index)
        self._adapter.tell(command)
        return event

    def _opening(self, command: dict[str, Any]) -> dict[str, Any]:
        """The command ``open`` with what the case does not say: configuration, backend and kernel."""
        if self._backend != SCRIPTED:
            return {"config": self._completed(), "backend": self._backend, **command}
        opening = {"config": self._scripted.hired(self._config), "backend": SUBPROCESS, **command}
        return {"kernel": self._scripted.kernel(self._pool), **opening}

    def _completed(self) -> Any:
        """The configuration for a kernel that is not the kit's, with a drain timeout."""
        limits = {"drain_timeout_sec": _DRAIN_S, **self._config.get("limits", {})}
        return {**self._scripted.hired(self._config), "limits": limits}

    def _act_behind(self, step: Step, value: Any, index: int) -> Event | None:
        if not self.pump.until(lambda: step.actor in self._scripted.everyone, DEADLINE_S):
            message = f"{step.actor} was never started, and the case does something with it"
            raise HarnessError(message)
        one = self._scripted.everyone[step.actor]
        if step.verb in {"exit", "kill", "signal"}:
            return self._scripted.end(step, value, index)
        if step.verb == "send":
            return send(one.channel, self.pump, step, value, index)
        if step.verb in {"half_close", "close"}:
            one.channel.half_close(self.history)
            if step.verb == "close":
                one.channel.close()
            return self.history.add(step.actor, step.verb, dir="in", step=index)
        one.channel.stall(stalled=step.verb == "stall")
        if step.actor.startswith(SCRIPTED_KERNEL):  # neither end of input nor SIGTERM moves a kernel that hangs
            one.order("term ignore" if step.verb == "stall" else "term default")
        return self.history.add(step.actor, step.verb, step=index)

    def _tell_exit(self, facts: dict[str, Any]) -> None:
        """Record it. What ends an adapter with a status is the adapter, what ends it by a signal may be its SDK.

        Raises:
            HarnessError: it has left its case.
        """
        tell_exit(self.history, facts)
        if not self._ending and "code" in facts:
            said = b"".join(event.data for event in self.history.of_kind("stderr")).splitlines()[-1:]
            last = f"; its last words: {wire.preview(said[0])}" if said else ""
            message = f"the adapter exited with status {facts['code']} in the middle of the case{last}"
            raise HarnessError(message)

    def _wait_for_exit(self, what: str, wait: Wait) -> None:
        exited = self.pump.until(lambda: self.has_exited, wait.seconds)
        self._patience.note(what, wait, seen=exited, in_vain=not exited)

    def _signal(self, number: signal.Signals, **facts: Any) -> None:
        self.history.add(TARGET, "signal", signal=number.name, **facts)
        self._supervisor.signal(self._process, number)
