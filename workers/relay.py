"""A worker that is another worker with faults in between.

Run it as ``relay.py SOCKET POOL -- COMMAND...``. It starts the command, passes lines both ways, and ends as the command
ends. Who listens at SOCKET decides which toxics the lines meet on their way; `pytest_stdiobus.testing.faults` does.

Both sides write JSON objects, one per line. The relay begins with ``{"pool", "pid"}`` and starts the command when it has
got the first ``{"toxics": [...]}``, which replaces all toxics. To every object with an ``n`` it answers ``{"done": n}``
when that holds. It asks ``{"take": ID}`` before it uses a toxic that is counted, and goes by the answer ``{"granted"}``.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    Message = dict[str, Any]

TO_WORKER, FROM_WORKER = "to_worker", "from_worker"
_READ_SIZE = 64 * 1024
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
# What a command left in its stdout is passed on after its end, but a grandchild could hold it open for ever.
_LAST_WORDS_SEC = 1.0


class Control:
    """The connection to whoever decides, and what was decided."""

    def __init__(self, path: str, pool: str) -> None:
        """Connect, introduce this relay, and wait for the first toxics."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._incoming = self._socket.makefile("rb")
        self._writing = threading.Lock()
        self._grants: queue.Queue[bool] = queue.Queue()
        self._taking = threading.Lock()
        self.changed = threading.Condition()
        self.toxics: list[Message] = []
        self.ended = False
        self.say({"pool": pool, "pid": os.getpid()})
        self._obey(self._incoming.readline(), None)

    def say(self, message: Message) -> None:
        """Write an object; nobody may listen any more."""
        try:
            with self._writing:
                self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._grants.put(False)

    def obey(self, command: subprocess.Popen[bytes]) -> None:
        """Do what is asked until the connection ends; then nothing stands in the way any more."""
        for line in self._incoming:
            self._obey(line, command)
        with self.changed:
            self.toxics = []
            self.changed.notify_all()
        self._grants.put(False)

    def end(self) -> None:
        """Let go of every line that is held: the command has ended."""
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def take(self, toxic: Message) -> bool:
        """Whether a toxic may be used once more."""
        if toxic.get("count") is None:
            return True
        with self._taking:
            self.say({"take": toxic["id"]})
            return self._grants.get()

    def holds(self, toxic: Message) -> bool:
        """Whether a toxic still stands in the way."""
        return not self.ended and any(other["id"] == toxic["id"] for other in self.toxics)

    def _obey(self, line: bytes, command: subprocess.Popen[bytes] | None) -> None:
        message = json.loads(line or b'{"toxics": []}')
        if "granted" in message:
            self._grants.put(message["granted"])
        if "toxics" in message:
            with self.changed:
                self.toxics = message["toxics"]
                self.changed.notify_all()
        if "kill" in message and command is not None:
            command.send_signal(message["kill"])
        if "flood" in message:
            threading.Thread(target=_flood, kwargs=message["flood"], daemon=True).start()
        if "n" in message:
            self.say({"done": message["n"]})


class Pump:
    """Passes lines one way, through the toxics of that way."""

    def __init__(
        self, control: Control, direction: str, command: subprocess.Popen[bytes], ends: tuple[int, int]
    ) -> None:
        """Read from the first of `ends` and write to the second."""
        self._control = control
        self._direction = direction
        self._command = command
        self._source, self._target = ends

    def run(self) -> None:
        """Pass everything, then close both ends, so that each side sees what the other did."""
        try:
            for line in _lines(self._source):
                self._pass(line)
        except OSError:
            pass  # nobody reads any more
        os.close(self._target)
        os.close(self._source)

    def _pass(self, line: bytes) -> None:
        size, pause = len(line), 0.0
        for toxic in self._met(line):
            kind = toxic["kind"]
            if kind == "kill":
                self._command.send_signal(toxic["signal"])
            if kind in {"kill", "drop"} or (kind == "stall" and not self._wait(toxic, None)):
                return
            if kind == "delay":
                self._wait(toxic, toxic["seconds"])
            elif kind == "garble":
                line = _garbled(line)
            elif kind == "slice":
                size, pause = toxic["size"], toxic["seconds"]
        for start in range(0, len(line), size):
            if start:
                time.sleep(pause)
            _write(self._target, line[start : start + size])

    def _met(self, line: bytes) -> Iterator[Message]:
        """The toxics that a line meets; a counted one is used up by that."""
        for toxic in self._control.toxics:
            if toxic["direction"] == self._direction and _matches(toxic, line) and self._control.take(toxic):
                yield toxic

    def _wait(self, toxic: Message, seconds: float | None) -> bool:
        """Hold a line until its time is over, or its toxic is gone; False where the command ended meanwhile."""
        with self._control.changed:
            self._control.changed.wait_for(lambda: not self._control.holds(toxic), seconds)
            return not self._control.ended


def _matches(toxic: Message, line: bytes) -> bool:
    return toxic["match"] is None or re.search(toxic["match"], line.decode(errors="replace")) is not None


def _garbled(line: bytes) -> bytes:
    """Something of the same length on one line that is neither JSON nor, as a rule, UTF-8."""
    body, end = (line[:-1], line[-1:]) if line.endswith(b"\n") else (line, b"")
    return body[::-1] + end


def _flood(lines: int, size: int) -> None:
    for number in range(lines):
        _write(2, f"{f'flood {number} ':.<{size - 1}}\n".encode())


def _lines(source: int) -> Iterator[bytes]:
    """The lines with their LF; the last one may lack it."""
    parts: list[bytes] = []
    while data := os.read(source, _READ_SIZE):
        *complete, rest = data.split(b"\n")
        for line in complete:
            yield b"".join([*parts, line, b"\n"])
            parts.clear()
        if rest:
            parts.append(rest)
    if parts:
        yield b"".join(parts)


def _write(target: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]


def _start(words: list[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)  # noqa: S603 - the worker
    except OSError as error:
        _write(2, f"cannot run {words[0]}: {error.strerror}\n".encode())
        sys.exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def main() -> None:
    """Relay until the command ends, then end in the same way."""
    path, pool, _, *words = sys.argv[1:]
    leads = os.getpgrp() == os.getpid()  # then a kernel signals the group, and the command has got it already
    commands: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, _: object) -> None:
        for each in commands if not leads else []:
            each.send_signal(number)

    signal.signal(signal.SIGTERM, hand_on)
    control = Control(path, pool)
    command = _start(words)
    commands.append(command)
    assert command.stdin is not None
    assert command.stdout is not None
    inward = Pump(control, TO_WORKER, command, (0, command.stdin.fileno()))
    outward = Pump(control, FROM_WORKER, command, (command.stdout.fileno(), 1))
    last = threading.Thread(target=outward.run, daemon=True)
    for thread in (threading.Thread(target=control.obey, args=(command,), daemon=True), last):
        thread.start()
    threading.Thread(target=inward.run, daemon=True).start()
    status = command.wait()
    control.end()
    last.join(_LAST_WORDS_SEC)
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


if __name__ == "__main__":
    main()
