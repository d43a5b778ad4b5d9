"""A worker that a test talks to on its standard streams, without a bus between them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_stdiobus.testing.orphans import Mark
    from pytest_stdiobus.testing.wire import Wire

NAME = "stdiobus_worker"
_ANSWER_SEC = 5.0  # a hundred times what a start in Python takes
_END_SEC = 2.0  # for each of the ways in which it is asked to end
_LONGEST_LINE = 16 * 1024 * 1024
_KEPT_STDERR = 1000  # lines


class DirectWorker:
    """A worker run on its standard streams: what the test sends is what it reads, byte for byte.

    Attributes:
        command: program and arguments.
        log: the last lines of its stderr.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: str | None, wire: Wire, mark: Mark) -> None:
        """Prepare; nothing is started yet."""
        self.command = list(command)
        self.log: list[str] = []
        self._env = {**os.environ, **env, **mark.environment}
        self._cwd = cwd
        self._shown = wire
        self._wire = wire.add_bus(NAME, ("worker",), None)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it.

        Raises:
            OSError: there is no such program.
        """
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self.command, stdin=pipe, stdout=pipe, stderr=pipe, env=self._env, cwd=self._cwd, limit=_LONGEST_LINE
        )
        self._reading = asyncio.create_task(self._read_log())

    async def send(self, message: Any) -> None:
        """Send a message as one line; text and bytes are sent as they are, so that an LF has to be in them.

        Raises:
            BrokenPipeError: it has ended; the transcript and its stderr say more.
        """
        data = (
            message if isinstance(message, bytes) else message.encode() if isinstance(message, str) else _line(message)
        )
        self._wire.record("out", data.decode("utf-8", "backslashreplace").removesuffix("\n"))
        self._stdin.write(data)
        await self._stdin.drain()

    async def expect(self, members: Mapping[str, Any] | None = None, *, timeout_sec: float = _ANSWER_SEC) -> Any:
        """Read its next line, which must have these members, also in nested objects; others are let pass.

        Returns:
            The message on the line.

        Raises:
            AssertionError: the line is another one or no JSON, or none came: in time, or because the output has ended.
        """
        line = await self._next(timeout_sec)
        self._wire.record("in", line)
        try:
            message = json.loads(line)
        except ValueError:
            message = f"expected a message, got {line!r}"
            raise AssertionError(message) from None
        if members is not None and not _has(message, members):
            text = f"expected {json.dumps(members)} in {line}"
            raise AssertionError(text)
        return message

    async def close(self) -> int:
        """End its input and wait for its end; the status of the process, negative where a signal ended it.

        Raises:
            AssertionError: it runs on.
        """
        self._stdin.close()
        try:
            return await asyncio.wait_for(self._running.wait(), _ANSWER_SEC)
        except asyncio.TimeoutError:
            message = f"{shlex.join(self.command)} still runs {_ANSWER_SEC:g} s after the end of its input"
            raise AssertionError(message) from None

    @property
    def transcript(self) -> str:
        """What was sent and received, with seconds, as a failing report shows it."""
        return str(self._shown)

    async def stop(self) -> None:
        """End it: its input, then SIGTERM, then SIGKILL."""
        if self._process is None:
            return
        self._stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._running.send_signal(number)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._running.wait(), _END_SEC)
                break
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading

    @property
    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            message = f"{NAME} has not been started"
            raise RuntimeError(message)
        return self._process

    @property
    def _stdin(self) -> asyncio.StreamWriter:
        if self._running.stdin is None:
            message = "its stdin is no pipe"
            raise RuntimeError(message)
        return self._running.stdin

    async def _next(self, timeout_sec: float) -> str:
        output = self._running.stdout
        try:
            line = await asyncio.wait_for(output.readline(), timeout_sec) if output is not None else b""
        except asyncio.TimeoutError:
            message = f"expected a line, got none within {timeout_sec:g} s"
            raise AssertionError(message) from None
        if not line:
            message = "expected a line, got the end of its output"
            raise AssertionError(message)
        return line.decode("utf-8", "backslashreplace").removesuffix("\n")

    async def _read_log(self) -> None:
        stderr = self._running.stderr
        while stderr is not None and (line := await stderr.readline()):
            self.log.append(line.decode("utf-8", "backslashreplace").rstrip("\n"))
            del self.log[:-_KEPT_STDERR]


def _line(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _has(value: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one, or an object with at least its members."""
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(key in value and _has(value[key], wanted[key]) for key in wanted)
    return type(value) is type(wanted) and bool(value == wanted)
