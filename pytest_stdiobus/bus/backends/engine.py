"""A container engine, driven by its command: Docker's, or one that takes the same arguments."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

from pytest_stdiobus.bus.arguments import text
from pytest_stdiobus.bus.backends.child import ChildProcess
from pytest_stdiobus.bus.errors import TransportError

_PROBE_SEC = 10.0
_REMOVE_SEC = 10.0
_POLL_SEC = 0.01
# The second look finds a container that the engine was still creating at the first.
_REMOVE = 'read -r _; "$@"; (sleep 2; exec "$@") &'
_answering: set[tuple[str, str | None]] = set()


def engine_obstacle(engine: str) -> str | None:
    """Why no container can be run here and what to do about it, or None. An engine that answered is not asked again.

    Raises:
        InvalidArgumentError: what was given is no command.
    """
    if sys.platform == "win32":
        return "the docker backend needs a Unix system"
    text("engine_path", engine)
    if shutil.which(engine) is None:
        return (
            f"no container engine: {engine} is not an executable on PATH; install Docker, or name your engine's command"
        )
    asked = (engine, os.environ.get("DOCKER_HOST"))
    if asked in _answering:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - the user's engine
            [engine, "version"], capture_output=True, text=True, timeout=_PROBE_SEC, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the container engine does not answer: {error}; start it, or set DOCKER_HOST"
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or [f"{engine} version ends with status {answer.returncode}"])[-1]
        return f"the container engine does not answer: {reason} (start it, or set DOCKER_HOST)"
    _answering.add(asked)
    return None


@dataclass
class Answer:
    """What a command of the engine printed, and its exit status."""

    status: int
    output: str
    errors: str


class _Listener:
    """Collects what one command says."""

    def __init__(self) -> None:
        self.output: list[bytes] = []
        self.errors: list[bytes] = []
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def child_line(self, line: bytes) -> None:
        self.output.append(line)

    def child_stderr(self, line: bytes) -> None:
        self.errors.append(line)

    def child_exited(self, status: int) -> None:
        if not self.exited.done():
            self.exited.set_result(status)


async def ask_engine(engine: str, *arguments: str) -> Answer:
    """Run a command of the engine to its end, without blocking the loop.

    Raises:
        TransportError: it cannot be run.
    """
    listener = _Listener()
    try:
        child = ChildProcess([engine, *arguments], listener, env=os.environ)
    except OSError as error:
        message = f"cannot run the container engine {engine}: {error}"
        raise TransportError(message) from error
    try:
        status = await listener.exited
    finally:
        child.kill()
    output, errors = (b"\n".join(lines).decode(errors="replace") for lines in (listener.output, listener.errors))
    return Answer(status, output, errors)


class ContainerGuard:
    """Sees to it that a container goes, whatever happens to this process.

    It is a shell that waits for the end of its stdin and then removes the container: the end comes when
    we ask for it, and also when this process is killed.
    """

    def __init__(self, engine: str, name: str) -> None:
        """Begin to watch over the container that will have this name.

        Raises:
            OSError: there is no shell.
        """
        self._process = subprocess.Popen(  # noqa: S603 - no word of it is interpreted by the shell
            ["/bin/sh", "-c", _REMOVE, "sh", engine, "rm", "--force", "--volumes", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """End the watch: the container has gone."""
        if self._process.returncode is None:
            self._process.kill()
        self._reap()

    def remove(self) -> None:
        """Remove the container, running or not, and block until that is done; without effect after `dismiss`."""
        self._reap()

    def begin_removal(self) -> None:
        """Have the container removed, without waiting for that; repeating it is allowed."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def removed(self, seconds: float) -> None:
        """Remove the container without blocking the loop; an engine that takes longer does it on its own."""
        self.begin_removal()
        end = time.monotonic() + seconds
        while self._process.poll() is None and time.monotonic() < end:  # noqa: ASYNC110 - nothing tells of its end
            await asyncio.sleep(_POLL_SEC)

    def _reap(self) -> None:
        self.begin_removal()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_REMOVE_SEC)
            return
        self._process.kill()
        self._process.wait()
