"""Workers, and the kernel of an SDK, that are the kit's: processes that hand it their standard streams and obey its orders."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.greeting import Greeting, listener_at
from pytest_stdiobus.kit.history import SCRIPTED_KERNEL
from pytest_stdiobus.kit.patience import DEADLINE_S
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.pump import Pump

_SCRIPTED = "scripted"
_WRITTEN_S = 1.0  # a worker has written what it wrote before it ends, unless the kernel does not read it
_MOST = 65536


def _do_nothing() -> None:
    pass


@dataclass
class ScriptedWorker:
    """One life of a worker.

    Attributes:
        channel: its lines, in both directions; its actor is ``worker:POOL/INSTANCE#LIFE``, or ``kernel:main``.
        pid: its process.
        ended: whether its process has.
    """

    channel: Channel
    pid: int
    ended: bool = False
    _control: socket.socket | None = None

    def order(self, text: str) -> None:
        """Tell it what to do, as ``workers/scripted.py`` understands it; a worker that has ended is told nothing."""
        if self._control is not None and not self.ended:
            with contextlib.suppress(OSError):
                self._control.sendall(text.encode() + b"\n")


@dataclass
class ScriptedWorkers:
    """All workers of one case, started by the kernel under test; their hellos arrive on a unix socket.

    Attributes:
        pump: moves their lines.
        folder: where the socket is made.
        obedient: whether they end by themselves when their input has ended.
        command: what starts one where the kernel runs, but for its label; empty is this machine's Python.
        everyone: the workers by their actors, those that have ended included.
    """

    pump: Pump
    folder: str
    obedient: bool = False
    command: tuple[str, ...] = ()
    everyone: dict[str, ScriptedWorker] = field(default_factory=dict)
    _listener: socket.socket = field(init=False)
    _lives: dict[str, int] = field(default_factory=dict)
    _greeting: dict[int, Greeting] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Listen."""
        if not self.command:
            script = str(data_dir() / "workers" / "scripted.py")
            # The real interpreter: the one of a virtual environment starts some milliseconds later.
            self.command = (os.path.realpath(sys.executable), "-I", "-S", script, self.address)
        self._listener = listener_at(self.address)
        self.pump.watch(self._listener.fileno(), self._accept)

    @property
    def address(self) -> str:
        """The path of the socket."""
        return os.path.join(self.folder, "workers")

    def hired(self, config: dict[str, Any]) -> dict[str, Any]:
        """A configuration with commands in place of scripted workers."""
        if not isinstance(config.get("pools"), list):
            return {**config}
        return {**config, "pools": [self._pool(pool) if _is_scripted(pool) else pool for pool in config["pools"]]}

    def are_there(self, config: Any) -> bool:
        """Whether as many have said hello as a configuration asks for."""
        pools = config.get("pools") if isinstance(config, dict) else None
        scripted = [pool for pool in pools if _is_scripted(pool)] if isinstance(pools, list) else []
        return all(len(self._of_pool(pool["id"])) >= pool.get("instances", 1) for pool in scripted)

    def _pool(self, data: dict[str, Any]) -> dict[str, Any]:
        members = {key: value for key, value in data.items() if key != "worker"}
        python, *arguments = self.command
        return {**members, "command": python, "args": [*arguments, data["id"]]}

    def kernel(self, pool: str = "") -> str:
        """The path of an executable that is a scripted kernel, or acts as if it were a worker of a pool."""
        path = os.path.join(self.folder, "kernel")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {shlex.join([*self.command, pool])} "$@"\n')
        os.chmod(path, 0o755)  # noqa: S103 - its folder decides who can
        return path

    def end(self, step: Step, value: Any, index: int) -> Event:
        """Let one end, as a step says: by itself with a status, or by a signal."""
        one = self.everyone[step.actor]
        self.pump.until(lambda: not one.channel.wants_write, _WRITTEN_S)
        one.channel.cut(self.pump.history)
        one.channel.is_closed = True
        if step.verb == "exit":
            event = self.pump.history.add(step.actor, "signal", exit=value, step=index)
            one.order(f"exit {value}")
        else:
            number = signal.SIGKILL if step.verb == "kill" else signal.Signals[f"SIG{value}"]
            event = self.pump.history.add(step.actor, "signal", signal=number.name, step=index)
            one.order(f"signal {int(number)}")
        self.pump.until(lambda: one.ended, DEADLINE_S)
        return event

    def dismiss_debtors(self) -> None:
        """Let those exit that have not answered everything: a kernel that drains would wait for them."""
        for actor, worker in self.everyone.items():
            if not worker.ended and _owes_an_answer(self.pump.history, actor):
                self.pump.history.add(actor, "signal", exit=0)
                worker.order("exit 0")

    def turn_away(self) -> None:
        """Let those end that have not said hello, now or later."""
        if self._listener.fileno() >= 0:
            self.pump.unwatch(self._listener.fileno())
            self._listener.close()
        for greeting in self._greeting.values():
            self.pump.unwatch(greeting.control.fileno())
            greeting.close()
        self._greeting.clear()

    def close(self) -> None:
        """Let all of them end; their channels are the pump's."""
        self.turn_away()
        for worker in self.everyone.values():
            if worker._control is not None:  # noqa: SLF001 - of this module
                worker._control.close()  # noqa: SLF001

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            control, _ = self._listener.accept()
            control.setblocking(False)
            greeting = self._greeting[control.fileno()] = Greeting(control)
            self.pump.watch(control.fileno(), lambda: self._greet(greeting))

    def _greet(self, greeting: Greeting) -> None:
        told = greeting.read()
        if told is None:
            return
        descriptor = greeting.control.fileno()
        self._greeting.pop(descriptor)
        self.pump.unwatch(descriptor)
        if not told:
            greeting.close()
            return
        stdin, stdout = greeting.descriptors
        channel = _Input(self._actor(told["label"]), reading=stdin, writing=stdout)
        self.pump.add(channel)
        worker = ScriptedWorker(channel, told["pid"], _control=greeting.control)
        channel.when_it_ends = partial(_obey, worker) if self.obedient else _do_nothing
        self.everyone[channel.actor] = worker
        self.pump.history.add(
            channel.actor, "open", data=_how(told), pid=worker.pid, argv=told["argv"], fds=told["fds"]
        )
        self.pump.watch(descriptor, lambda: self._hear(worker, greeting.control))

    def _actor(self, pool: str) -> str:
        """The name of a new worker: the place of the first one that has ended, or a new place; a kernel has no pool."""
        if not pool:
            life = self._lives[SCRIPTED_KERNEL] = self._lives.get(SCRIPTED_KERNEL, 0) + 1
            return SCRIPTED_KERNEL if life == 1 else f"{SCRIPTED_KERNEL}#{life}"
        instance = 0
        while not all(worker.ended for worker in self._at(pool, instance)):
            instance += 1
        place = f"worker:{pool}/{instance}"
        life = self._lives[place] = self._lives.get(place, 0) + 1
        return f"{place}#{life}"

    def _of_pool(self, pool: str) -> list[ScriptedWorker]:
        return [worker for actor, worker in self.everyone.items() if actor.startswith(f"worker:{pool}/")]

    def _at(self, pool: str, instance: int) -> list[ScriptedWorker]:
        return [worker for actor, worker in self.everyone.items() if actor.startswith(f"worker:{pool}/{instance}#")]

    def _hear(self, worker: ScriptedWorker, control: socket.socket) -> None:
        try:
            data = control.recv(_MOST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            return
        worker.ended = True
        self.pump.unwatch(control.fileno())
        self._end(worker)

    def _end(self, worker: ScriptedWorker) -> Event:
        """A process that has ended has closed its streams; the kit held them for it."""
        event = self.pump.history.add(worker.channel.actor, "exit", pid=worker.pid)
        worker.channel.lose()
        return event


@dataclass
class _Input(Channel):
    """What a worker or kernel is told; the end of it may be the end of its process."""

    when_it_ends: Callable[[], None] = _do_nothing

    def _end(self, history: History) -> None:
        super()._end(history)
        self.when_it_ends()


def _obey(one: ScriptedWorker) -> None:
    if not one.channel.wants_write:
        one.order("exit 0")


def _owes_an_answer(history: History, actor: str) -> bool:
    owed: set[str] = set()
    for event in history.of_kind("line"):
        message = wire.parsed(event.data) if event.actor == actor else None
        if message is not None and wire.kind_of(message) is Kind.REQUEST and event.dir == "out":
            owed.add(repr(message["id"]))
        elif message is not None and event.dir == "in" and "id" in message:
            owed.discard(repr(message["id"]))
    return bool(owed)


def _how(told: dict[str, Any]) -> bytes:
    """How a kernel was started and configured; of a worker the facts say it."""
    if told["label"]:
        return b""
    try:
        config = wire.parse(told["config"].encode("utf-8", "surrogateescape")) if told["config"] else None
    except ValueError:
        config = told["config"]
    return wire.encode({"argv": told["argv"][3:], "config": config})


def _is_scripted(pool: Any) -> bool:
    return isinstance(pool, dict) and pool.get("worker") == _SCRIPTED
