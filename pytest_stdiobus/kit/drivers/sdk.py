"""An SDK as a target: the kit drives it through its adapter, and is the kernel or the workers behind it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import DOCKER, SCRIPTED, SUBPROCESS
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.adapter import AdapterChannel
from pytest_stdiobus.kit.drivers.scripted import ScriptedWorkers
from pytest_stdiobus.kit.drivers.seat import send, tell_exit
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import ADAPTER, CALL, SCRIPTED_KERNEL, TARGET
from pytest_stdiobus.kit.patience import DEADLINE_S, ENDING_S, EXIT, EXIT_ON_TERM, Patience
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.supervisor import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.drivers.adapter_process import AdapterProcess, Adapters
    from pytest_stdiobus.kit.drivers.container import Containers
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.patience import Wait
    from pytest_stdiobus.kit.target import Target

_DRAIN_S = 1  # so that a request which a case leaves open does not keep a kernel for half a minute
_LAST_WORDS = 8  # lines
_EXIT_S = 0.5  # between the end of a process's output and the news of its exit
_ONE_POOL: dict[str, Any] = {"pools": [{"id": "w", "worker": "scripted", "instances": 1}]}


class SdkSeat:
    """One life of an adapter with its SDK."""

    def __init__(
        self,
        target: Target,
        history: History,
        adapters: Adapters,
        patience: Patience,
        containers: Containers,
        *,
        config: Any = None,
        backend: str = SCRIPTED,
        stand_in: bool = True,
        pool: str = "",
        kernel: str = "",
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            target: the adapter's command.
            history: what is observed goes there.
            adapters: its processes.
            patience: how long it is waited for.
            containers: those it starts on its docker backend.
            config: the case's configuration; one pool ``w`` with a scripted worker unless said.
            backend: one of the SDK's, or ``scripted``, which is its subprocess backend with a kernel of the kit.
            stand_in: whether a kernel of the kit stands in for the SDK's own.
            pool: whose worker the kernel of the kit acts as; empty where it acts as a kernel.
            kernel: the executable or image that an SDK's backend starts; empty is its own.
        """
        self.history = history
        self.pump = Pump(history, patience.time_scale)
        self._target = target
        self._adapters = adapters
        self._patience = patience
        self._containers = containers
        self._config: dict[str, Any] = config or _ONE_POOL
        self._backend = backend
        self._stand_in = stand_in
        self._pool = pool
        self._own_kernel = {"kernel": kernel} if kernel else {}
        self._life: AdapterProcess | None = None
        self._ending = False
        self._stack = contextlib.ExitStack()

    def begin(self) -> None:
        """Start the adapter; it opens nothing before a step says so."""
        supervisor = self._adapters.supervisor
        supervisor.attach(self.pump)
        self._folder = tempfile.mkdtemp(prefix="stdiobus-")
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self._stack.callback(self.pump.close)
        if self._backend == DOCKER:
            self._scripted = self._containers.workers(self.pump, self._folder)
        else:
            self._scripted = ScriptedWorkers(self.pump, self._folder, obedient=True)
        self._stack.callback(self._scripted.close)
        early: list[dict[str, Any]] = []  # an exit before its streams are read
        self._life = life = self._adapters.take(self._target, self.pump, early.append)
        self._adapter = AdapterChannel(ADAPTER, reading=life.stdout, writing=life.stdin)
        self._logs = Channel(TARGET, reading=life.stderr, stderr=True)
        self.pump.add(self._adapter)
        self.pump.add(self._logs)
        life.process.on_exit = self._tell_exit
        process = life.process
        facts = wire.encode({"cwd": life.folder, "kernel": self._kernel})
        reused: dict[str, Any] = {"reused": True} if self._adapters.reused else {}
        command = list(self._target.command)
        self.history.add(TARGET, "spawn", data=facts, pid=process.pid, argv=command, cwd=life.folder, **reused)
        if early:
            self.pump.until(lambda: self._adapter.ended, _EXIT_S)
            self._tell_exit(early[0])

    def act(self, step: Step, value: Any, index: int) -> Event | None:
        """Give the adapter a command; let the kernel or a worker write, close, stop reading or end; signal the adapter."""
        kind, _, name = step.actor.partition(":")
        if step.actor == f"{TARGET}:process":
            number = signal.SIGKILL if step.verb == "kill" else signal.Signals[f"SIG{value}"]
            event = self.history.add(TARGET, "signal", signal=number.name, step=index)
            self._adapters.supervisor.signal(self._process, number)
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
        """Let the adapter close its client; keep it for the next case, or let it exit; then SIGTERM, then SIGKILL."""
        if not self._process.pid:
            return
        if self._adapter.ended:
            self._has_left()
        self._ending = True
        wait = self._patience.wait(EXIT)
        self.history.add(TARGET, "ending", **wait.facts)
        for channel in self.pump.channels:
            channel.stall(stalled=False)
        self._adapter.tell({"command": "close"})
        self._scripted.dismiss_debtors()
        closed = self._waited(EXIT, wait, lambda: self._adapter.has_answered("close"))
        if closed and self._adapters.lasting and self._adapter.is_at_rest:
            self._put_back()
            return
        self._adapter.tell({"command": "exit"})
        self._adapter.half_close(self.history)
        if not (closed and self._waited(EXIT, wait)):
            wait = self._patience.wait(EXIT_ON_TERM)
            self._signal(signal.SIGTERM, **wait.facts)
            if not self._waited(EXIT_ON_TERM, wait):
                self._signal(signal.SIGKILL)
        if left := self._end_life():
            self.history.add(TARGET, "orphans", processes=left)
        self.pump.until(lambda: self._adapter.ended, ENDING_S)

    def close(self) -> None:
        """End what has not been ended, without waiting for it."""
        with contextlib.suppress(HarnessError):
            self._end_life()
        self._stack.close()

    @property
    def has_exited(self) -> bool:
        """Whether the adapter has."""
        return self._process.exit is not None

    @property
    def _process(self) -> Process:
        return self._life.process if self._life else Process()

    def _end_life(self) -> list[dict[str, Any]]:
        life, self._life = self._life, None
        if life is None:
            return []
        left = life.end(self._adapters.supervisor, self.pump)
        self._containers.remove()
        return left

    def _put_back(self) -> None:
        """Leave the process to the next case, with its descriptors."""
        for channel in (self._adapter, self._logs):
            channel.reading = channel.writing = -1
        if self._life:
            self._adapters.put_back(self._life)
        self._life = None

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
        known: dict[str, Any] = {"config": self._completed(), "backend": self._backend, **self._own_kernel}
        if self._stand_in:
            path = self._scripted.kernel(self._pool)
            known["config"] = self._scripted.hired(self._config)
            if self._backend == SCRIPTED:
                known |= {"backend": SUBPROCESS, "kernel": path}
        if self._backend == DOCKER:
            known["extra_args"] = self._containers.extra_args(self._folder, stand_in=self._stand_in)
        return {"command": "open", **known, **command}

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
            if self._logs.wants_read:  # its last words may still lie in the pipe
                self._logs.receive(self.history)
            said = b"".join(event.data for event in self.history.of_kind("stderr")).splitlines()[-_LAST_WORDS:]
            last = f"; its last words: {' | '.join(map(wire.preview, said))}" if said else ""
            message = f"the adapter exited with status {facts['code']} in the middle of the case{last}"
            raise HarnessError(message)

    def _has_left(self) -> None:
        """Refuse an adapter that has closed its output, unless a signal has ended it.

        Raises:
            HarnessError: it has.
        """
        self.pump.until(lambda: self.has_exited, _EXIT_S)
        if not self.has_exited:
            message = "the adapter has closed its output in the middle of the case"
            raise HarnessError(message)

    def _waited(self, what: str, wait: Wait, done: Callable[[], bool] = lambda: False) -> bool:
        """Whether it was done in time, or the adapter has exited."""
        seen = self.pump.until(lambda: self.has_exited or done(), wait.seconds)
        self._patience.note(what, wait, seen=seen, in_vain=not seen)
        return seen

    def _signal(self, number: signal.Signals, **facts: Any) -> None:
        self.history.add(TARGET, "signal", signal=number.name, **facts)
        self._adapters.supervisor.signal(self._process, number)
