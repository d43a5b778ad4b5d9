"""A conversation with an adapter: commands out, answers and events in, every line of it looked at."""

from __future__ import annotations

import itertools
import os
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.seat import tell_exit
from pytest_stdiobus.kit.errors import HarnessError, KitError
from pytest_stdiobus.kit.history import TARGET, History
from pytest_stdiobus.kit.pump import Pump
from pytest_stdiobus.kit.schemas import URN, faults
from pytest_stdiobus.kit.supervisor import Process

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from pytest_stdiobus.kit.supervisor import Supervisor
    from pytest_stdiobus.kit.target import Target

WAIT_S = 10.0  # ten times what the slowest start of an interpreter with its packages takes
HURRY = 0.1  # of a wait, when one was in vain
KIT = "client:kit"
LAST = frozenset({"result", "error", "end", "unsupported"})
LINES, EVENTS = "lines", "events"
_STDERR_LINES = 5


class SilenceError(Exception):
    """What was waited for did not come; the message says what, and what the adapter did in its place."""


class Talk:
    """One life of an adapter.

    Attributes:
        history: all that was said.
        faults: what was wrong with lines that nobody waited for: the check and a sentence.
    """

    def __init__(self, target: Target, supervisor: Supervisor, *, time_scale: float = 1.0) -> None:
        """Prepare; nothing is started yet."""
        self.history = History()
        self.faults: list[tuple[str, str]] = []
        self._target = target
        self._supervisor = supervisor
        self._wait_s = WAIT_S * time_scale
        self._hurried_s = HURRY * self._wait_s
        self._pump = Pump(self.history)
        self._process = Process(on_exit=partial(tell_exit, self.history))
        self._answers: dict[str, list[dict[str, Any]]] = {}
        self._asked: list[str] = []
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._ids = itertools.count(1)
        self._read = 0

    def __enter__(self) -> Self:
        """Start the adapter.

        Raises:
            KitError: it cannot be started.
        """
        self._supervisor.attach(self._pump)
        self._folder = tempfile.TemporaryDirectory(prefix="stdiobus-")
        (stdin, to_adapter), (from_adapter, stdout), (logs, stderr) = (os.pipe() for _ in range(3))
        self._channel = self._pump.add(Channel(KIT, reading=from_adapter, writing=to_adapter))
        self._pump.add(Channel(TARGET, reading=logs, stderr=True))
        try:
            self._supervisor.start(
                self._process,
                self._target.command,
                env={**os.environ, **self._target.env},
                cwd=self._target.cwd or self._folder.name,
                stdio=(stdin, stdout, stderr),
                pump=self._pump,
            )
        except HarnessError as error:
            self.__exit__()
            raise KitError(str(error)) from None
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and what it left behind."""
        if self._process.pid and self._process.left is None:
            self._supervisor.sweep(self._process, self._pump)
        self._pump.close()
        self._folder.cleanup()

    def ask(self, command: str, **more: Any) -> dict[str, Any]:
        """The answer to a command.

        Raises:
            SilenceError: there is none.
        """
        self._asked.append(command)
        self._send({"command": command, **more})
        self._await(lambda: bool(self._answers.get(command)), f"an answer to {command}")
        return self._answers[command].pop(0)

    def call(self, op: str, **more: Any) -> str:
        """Begin a call; what it gives is the call's id."""
        name = f"{op}-{next(self._ids)}"
        self._events[name] = []
        self._send({"command": "call", "id": name, "op": op, **more})
        return name

    def last(self, call: str) -> dict[str, Any]:
        """The last event of a call.

        Raises:
            SilenceError: there is none.
        """
        self._await(lambda: _is_over(self._events[call]), f"the last event of the call {call}")
        return self._events[call][-1]

    def events(self, call: str) -> list[dict[str, Any]]:
        """All events of a call so far."""
        return self._events[call]

    def end(self, command: str = "") -> dict[str, Any]:
        """How the adapter ends: on a command, or on the end of its input.

        Raises:
            SilenceError: it does not.
        """
        if command:
            self._send({"command": command})
        else:
            self._channel.half_close(self.history)
        if not self._pump.until(lambda: self._process.exit is not None, self._wait_s):
            told = command or "the end of its input"
            message = f"the adapter is still there {self._wait_s:g} s after {told}"
            raise SilenceError(message)
        self._pump.until(lambda: self._channel.ended, self._wait_s)
        self._take_in()
        return self._process.exit or {}

    @property
    def has_ended(self) -> bool:
        """Whether the adapter will say nothing more."""
        return self._channel.ended

    @property
    def has_crashed(self) -> bool:
        """Whether a signal has ended it."""
        return "signal" in (self._process.exit or {})

    def until(self, done: Callable[[], bool]) -> bool:
        """Wait for something that is no last event; whether it came."""

        def is_done() -> bool:
            self._take_in()
            return done() or self.has_ended

        return self._pump.until(is_done, self._wait_s) and done()

    def hurry(self) -> None:
        """Wait less from now on: it has been silent for the whole of a wait."""
        self._wait_s = min(self._wait_s, self._hurried_s)

    def left_behind(self) -> list[str]:
        """The commands of the processes that outlive the adapter; they are ended."""
        if not self._process.pid:
            return []
        return [process["command"] for process in self._supervisor.sweep(self._process, self._pump)]

    def _send(self, command: dict[str, Any]) -> None:
        line = wire.encode(command)
        self.history.add(KIT, "line", dir="in", data=line)
        self._channel.send(line + b"\n")

    def _await(self, done: Callable[[], bool], what: str) -> None:
        def is_done() -> bool:
            self._take_in()
            return done() or self.has_ended

        in_time = self._pump.until(is_done, self._wait_s)
        if not done():
            message = f"{what} did not come {f'within {self._wait_s:g} s' if not in_time else f'before {self._end()}'}"
            raise SilenceError(message)

    def _end(self) -> str:
        """How it ended that did not wait to be told."""
        self._pump.until(lambda: self._process.exit is not None, self._wait_s)
        how = self._process.exit or {}
        ended = f"was ended by {how['signal']}" if "signal" in how else f"ended with status {how.get('code')}"
        said = b"".join(event.data for event in self.history.of_kind("stderr")).decode(errors="replace").splitlines()
        return f"the adapter {ended}" + (f"; its stderr: {' | '.join(said[-_STDERR_LINES:])}" if said else "")

    def _take_in(self) -> None:
        new, self._read = self.history.events[self._read :], len(self.history.events)
        for event in new:
            if event.kind == "line" and event.dir == "out":
                self._look_at(event.data)

    def _look_at(self, data: bytes) -> None:
        try:
            line = wire.parse(data)
        except ValueError as error:
            self.faults.append((LINES, f"{wire.preview(data)} is not JSON: {error}"))
            return
        if not isinstance(line, dict):
            self.faults.append((LINES, f"{wire.preview(data)} is not an object"))
            return
        part = _part(line)
        found = faults(line, {"$ref": f"{URN}adapter#/$defs/{part}"}) if part else ["neither an answer nor an event"]
        if found:
            self.faults.append((LINES, f"{wire.preview(data)}: {'; '.join(found)}"))
        if part == "event":
            self._take_event(line)
        elif part:
            self._take_answer(line)

    def _take_answer(self, line: dict[str, Any]) -> None:
        if line["answer"] not in self._asked:
            self.faults.append((EVENTS, f"an answer to {line['answer']}, which was not asked or has been answered"))
            return
        self._asked.remove(line["answer"])
        self._answers.setdefault(line["answer"], []).append(line)

    def _take_event(self, line: dict[str, Any]) -> None:
        known = self._events.get(line["call"])
        if known is None:
            self.faults.append((EVENTS, f"an event of the call {line['call']}, which nobody made"))
        elif _is_over(known):
            said = (
                f"{line.get('event')} after {known[-1]['event']}, which was the last event of the call {line['call']}"
            )
            self.faults.append((EVENTS, said))
        else:
            known.append(line)


def _part(line: dict[str, Any]) -> str:
    """Which part of the schema says what a line has to be."""
    if "answer" not in line:
        return "event" if "call" in line else ""
    return "answer" if line["answer"] != "describe" or line.keys() & {"error", "unsupported"} else "description"


def _is_over(events: list[dict[str, Any]]) -> bool:
    return bool(events) and events[-1].get("event") in LAST
