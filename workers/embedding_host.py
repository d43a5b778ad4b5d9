# SPDX-License-Identifier: Apache-2.0
"""A host of a stdio_bus library that looks from outside like a kernel on stdio.

A line of stdin is handed to ``ingest`` and waits while that has no room, what ``on_message`` brings goes to stdout, what
``on_log`` and ``on_error`` bring to stderr; the bus is stepped when its descriptor asks for it, or by a timer where it has
none. SIGTERM and SIGINT stop it. What the bus refuses, its configuration, a worker that cannot start or a line, is said on
stderr; nothing is answered in its place.
"""

import json
import os
import select
import signal
import sys
from collections import deque
from typing import Any

from embedding_api import FULL, OK, STOPPED, Bus, Library

_TIMER_MS = 1  # how often a bus is stepped that has no descriptor
_READ_SIZE = 65536
_DRAIN_S = 30  # of a configuration that does not say


class Host:
    """A bus, the streams of its host, and what makes it go on.

    Attributes:
        bus: the bus.
        config: its configuration.
        drain_s: how long it may take to stop.
        driven: whether it is stepped when it asks for that.
        ended: whether the host has nothing more to do.
    """

    def __init__(self, library: Library, config: str) -> None:
        """Begin with no bus and an open stdin.

        Args:
            library: whose functions are called.
            config: the file of the configuration.
        """
        self.bus = Bus(library, self.hear)
        with open(config, encoding="utf-8", errors="surrogateescape") as file:
            self.config = file.read()
        self.drain_s = _drain_s(self.config)
        self.driven = False
        self.ended = False
        self._lines: deque[bytes] = deque()
        self._output: deque[bytes] = deque()
        self._rest = b""
        self._open = True
        self._asked_to_stop = False
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def hear(self, name: str, told: "dict[str, Any]") -> None:
        """Take what a callback is told."""
        if name == "on_message":
            self._output.append(told["message"] + b"\n")
        elif name in {"on_log", "on_error"}:
            say(told["message"])

    def start(self) -> int:
        """Create the bus, start it and let it go on; the status to end with where that does not work, else 0."""
        if not self.bus.create(config_json=self.config):
            say("create returned NULL")
            return 1
        code = self.called("start")
        if code != OK:
            say(f"start returned {code}")
            return 1
        self.driven = True
        return 0

    def called(self, name: str, *arguments: Any) -> int:
        """What a call on the bus returns."""
        return self.bus.call(name, *arguments)

    def serve(self) -> None:
        """Go on until the bus has stopped and all has been written."""
        os.set_blocking(1, False)
        while not self.ended or self._output:
            self.turn()

    def turn(self) -> None:
        """Wait until there is something to do, and do it."""
        fd = self.called("get_poll_fd") if self.driven else -1
        ready = self._wait([*([fd] if fd >= 0 else []), *self.watched()], _TIMER_MS if self.driven and fd < 0 else None)
        if self._wake in ready:
            os.read(self._wake, _READ_SIZE)
        if self._asked_to_stop:
            self._asked_to_stop = False
            self.stop()
        if 0 in ready:
            self._read()
        if self.driven and (fd < 0 or fd in ready):
            self.step()
        self._hand_over()
        self._write()
        self.obey(ready)

    def watched(self) -> "list[int]":
        """What there is to read, besides the bus."""
        return [self._wake, *([0] if self._open and not self._lines else [])]

    def obey(self, ready: "list[int]") -> None:
        """Do what else is due."""

    def step(self) -> None:
        """Step the bus once; one that has stopped is destroyed."""
        code = self.called("step", 0)
        if code < 0:
            say(f"step returned {code}")
        if code < 0 or self.called("get_state") == STOPPED:
            self.driven = False
            self.bus.destroy()
            self.ended = True

    def stop(self) -> None:
        """Begin the end, which a signal has asked for."""
        if not self.driven:
            self.ended = True
        elif (code := self.called("stop", self.drain_s)) != OK:
            say(f"stop returned {code}")

    def _wait(self, descriptors: "list[int]", timeout_ms: "int | None") -> "list[int]":
        poll = select.poll()
        if self._output:
            poll.register(1, select.POLLOUT)
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        return [descriptor for descriptor, _ in poll.poll(timeout_ms)]

    def _read(self) -> None:
        data = os.read(0, _READ_SIZE)
        self._open = bool(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines.extend(lines)

    def _hand_over(self) -> None:
        """Give the bus what it has room for."""
        while self._lines and self.driven:
            code = self.called("ingest", self._lines[0], len(self._lines[0]))
            if code == FULL:
                return
            line = self._lines.popleft()
            if code != OK:
                say(f"ingest returned {code} for {line[:80]!r}")

    def _write(self) -> None:
        """Write what stdout has room for; whoever has closed it has seen enough."""
        try:
            while self._output:
                line = self._output.popleft()
                written = os.write(1, line)
                if written < len(line):
                    self._output.appendleft(line[written:])
        except BlockingIOError:
            self._output.appendleft(line)
        except BrokenPipeError:
            self._output.clear()

    def _ask(self, *_: object) -> None:
        self._asked_to_stop = True


def _drain_s(config: str) -> int:
    """The drain timeout of a configuration, as long as it is one."""
    try:
        return int(json.loads(config)["limits"]["drain_timeout_sec"])
    except (ValueError, LookupError, TypeError):
        return _DRAIN_S


def say(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(text.encode("ascii", "backslashreplace").decode() + "\n")
