"""Sits between a client and a worker, passes every byte on as it comes, and writes down what it sees."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.history import TARGET, Event, event_line, head_line
from pytest_stdiobus.kit.supervising import how_it_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from pytest_stdiobus.kit.target import Target

CLIENT = "client:client"
BLOCK = 65536
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_HURRIED = "the client, not the kit, decides how long the worker is given"


def record(target: Target, file: Path, profile: str, client: tuple[int, int, int] = (0, 1, 2)) -> int:
    """Run a worker for a client, and write the history of it while it goes on.

    Args:
        target: the worker.
        file: where the history goes.
        profile: what the worker claims to be, for who judges it.
        client: the descriptors of the client: its output, its input, and where the worker's log goes.

    Returns:
        the worker's exit status, or 128 and the number of the signal that ended it.

    Raises:
        KitError: the file cannot be written, or the worker not be started.
    """
    try:
        with file.open("w", encoding="utf-8") as out:
            file.chmod(0o600)
            log = _Log(out.write, out.flush, file)
            out.write(head_line({"target": target.name, "profile": profile}))
            return _Relay(_start(target), log, client).run(target)
    except OSError as error:
        message = f"{file}: cannot be written: {error.strerror}"
        raise KitError(message) from None


def _start(target: Target) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - running the worker is the purpose
            target.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=target.cwd or None,
            env={**os.environ, **target.env},
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        message = f"{target.command[0]}: could not be started: {error.strerror}"
        raise KitError(message) from None


class _Log:
    """Writes events as they happen, from any thread, so that nothing is lost when this process is killed."""

    def __init__(self, write: Callable[[str], object], flush: Callable[[], object], file: Path) -> None:
        self._write, self._flush, self._file = write, flush, file
        self._lock = threading.Lock()
        self._next = 0
        self._start = time.monotonic_ns()

    def add(self, actor: str, kind: str, direction: str = "", data: bytes = b"", **facts: Any) -> None:
        with self._lock:
            t_us = (time.monotonic_ns() - self._start) // 1000
            self._write(event_line(Event(self._next, t_us, actor, kind, direction, data, facts), self._file))
            self._flush()
            self._next += 1


class _Relay:
    """The two directions and the log of one worker; a line is written down before its last byte is passed on."""

    def __init__(self, process: subprocess.Popen[bytes], log: _Log, client: tuple[int, int, int]) -> None:
        self._process, self._log, self._client = process, log, client

    def run(self, target: Target) -> int:
        for number in PASSED_ON:
            signal.signal(number, self._pass_on)
        self._log.add(TARGET, "spawn", pid=self._process.pid, argv=list(target.command))
        threading.Thread(target=self._serve_client, daemon=True).start()
        readers = [threading.Thread(target=read) for read in (self._serve_worker, self._serve_log)]
        for reader in readers:
            reader.start()
        status = self._process.wait()
        for reader in readers:
            reader.join()
        how = how_it_ended(status)
        self._log.add(TARGET, "exit", data=wire.encode({"exit": how}), **how)
        return status if status >= 0 else 128 - status

    def _serve_client(self) -> None:
        """From the client to the worker, and the end of it."""
        worker = self._process.stdin
        if worker is not None:
            self._lines(self._client[0], worker.fileno(), "in")
            self._log.add(TARGET, "ending", shortened=_HURRIED)
            self._log.add(CLIENT, "half_close", "in")
            worker.close()

    def _serve_worker(self) -> None:
        """From the worker to the client."""
        if self._process.stdout is not None:
            self._lines(self._process.stdout.fileno(), self._client[1], "out")
            self._log.add(CLIENT, "eof", "out")

    def _serve_log(self) -> None:
        if self._process.stderr is not None:
            for block in _blocks(self._process.stderr.fileno()):
                self._log.add(TARGET, "stderr", data=block)
                _write(self._client[2], block)

    def _lines(self, source: int, sink: int, direction: str) -> None:
        begun = b""
        for block in _blocks(source):
            *lines, begun = (begun + block).split(b"\n")
            for line in lines:
                self._log.add(CLIENT, "line", direction, line)
            if not _write(sink, block):
                return
        if begun:
            self._log.add(CLIENT, "line", direction, begun, terminated=False)

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        # In a thread of its own: the handler may have interrupted one that holds the log.
        threading.Thread(target=self._signal, args=(signal.Signals(number),)).start()

    def _signal(self, number: signal.Signals) -> None:
        self._log.add(TARGET, "signal", signal=number.name)
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def _blocks(source: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while block := os.read(source, BLOCK):
            yield block


def _write(sink: int, block: bytes) -> bool:
    """Write all of a block; whether anybody still reads."""
    view = memoryview(block)
    try:
        while view:
            view = view[os.write(sink, view) :]
    except OSError:
        return False
    return True
