"""Faults between bus and worker, in the manner of toxiproxy: toxics that lines meet on their way.

A worker's command is wrapped in the relay program ``workers/relay.py``, which connects to a socket that is listened on
here and obeys. Every method returns when the relays that run have confirmed it, and a relay that starts later, such as
that of a restarted worker, gets what holds then before it passes a line. So a line sent after the call meets the toxic.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal as signals
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_stdiobus.bus import BackendMode, InvalidArgumentError
from pytest_stdiobus.data import data_dir
from pytest_stdiobus.testing.factory import WORKERS_IN_CONTAINER
from pytest_stdiobus.testing.relays import Relays, Toxic

if TYPE_CHECKING:
    from pytest_stdiobus.bus import PoolConfig

Direction = Literal["to_worker", "from_worker"]

_WAYS = ("to_worker", "from_worker")
_FOLDER_IN_CONTAINER = "/stdiobus-faults"
_SOCKET = "control"
_RELAY = "relay.py"
_NOBODY = 65534  # as whom a container runs where this is root


class Faults:
    """The toxics of one test; none at first. Every direction is ``to_worker`` or ``from_worker``."""

    def __init__(self, backend: str = BackendMode.AUTO.value) -> None:
        """Listen for relays; those of the docker backend run in its containers."""
        self._in_container = backend == BackendMode.DOCKER.value
        self._folder = Path(tempfile.mkdtemp(prefix="stdiobus-"))
        path = self._folder / _SOCKET
        self._path = f"{_FOLDER_IN_CONTAINER}/{_SOCKET}" if self._in_container else str(path)
        self._ids = itertools.count(1)
        self._relays = Relays(path)
        if self._in_container and os.geteuid() == 0:
            for own in (self._folder, path):
                os.chown(own, _NOBODY, _NOBODY)

    # Setting up

    def wrap(self, pool: PoolConfig) -> PoolConfig:
        """The pool with the relay before each of its workers; without effect on one that is wrapped."""
        relay = f"{WORKERS_IN_CONTAINER}/{_RELAY}" if self._in_container else str(data_dir() / "workers" / _RELAY)
        if relay in pool.args:
            return pool
        python = "python3" if self._in_container else sys.executable
        arguments = ["-I", "-S", relay, self._path, pool.id, "--", pool.command, *pool.args]
        return replace(pool, command=python, args=arguments)

    @property
    def docker_arguments(self) -> list[str]:
        """What ``docker run`` needs so that relays in the container reach this process."""
        return [f"--volume={self._folder}:{_FOLDER_IN_CONTAINER}"] if self._in_container else []

    def close(self) -> None:
        """Listen no more; relays that still run pass everything."""
        self._relays.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    # Toxics

    def delay(
        self,
        seconds: float,
        direction: Direction = "from_worker",
        *,
        match: str | None = None,
        count: int | None = None,
        pool: str | None = None,
    ) -> None:
        """Hold each line back for this time; those behind it wait too, so that their order stays."""
        _check(seconds >= 0, f"seconds: expected 0 or more, got {seconds!r}")
        self._add("delay", direction, match, count, pool, seconds=seconds)

    def slice(
        self,
        size: int,
        direction: Direction = "from_worker",
        *,
        seconds: float = 0.0,
        match: str | None = None,
        count: int | None = None,
        pool: str | None = None,
    ) -> None:
        """Write each line in pieces of so many bytes, with a pause of so many seconds between them."""
        _check(size >= 1, f"size: expected 1 byte or more, got {size!r}")
        self._add("slice", direction, match, count, pool, size=size, seconds=seconds)

    def stall(self, direction: Direction = "from_worker", *, match: str | None = None, pool: str | None = None) -> None:
        """Let nothing pass any more, from the first line on that matches, until `resume` or `reset`."""
        self._add("stall", direction, match, None, pool)

    def resume(self, direction: Direction = "from_worker", *, pool: str | None = None) -> None:
        """Let pass what `stall` held back."""
        _check_direction(direction)

        def ends(toxic: Toxic) -> bool:
            return toxic.kind == "stall" and toxic.direction == direction and pool in {None, toxic.pool}

        self._relays.change(lambda toxics: [toxic for toxic in toxics if not ends(toxic)])

    def drop(
        self,
        direction: Direction = "from_worker",
        *,
        match: str | None = None,
        count: int | None = None,
        pool: str | None = None,
    ) -> None:
        """Swallow lines."""
        self._add("drop", direction, match, count, pool)

    def garble(
        self,
        direction: Direction = "from_worker",
        *,
        match: str | None = None,
        count: int | None = None,
        pool: str | None = None,
    ) -> None:
        """Turn the bytes of a line round, which leaves no JSON; it still ends with its LF."""
        self._add("garble", direction, match, count, pool)

    def kill(
        self,
        direction: Direction = "to_worker",
        *,
        match: str | None = None,
        count: int = 1,
        pool: str | None = None,
        signal: int = signals.SIGKILL,
    ) -> None:
        """End the worker by a signal: now, or when a line matches, which is then not delivered."""
        if match is None:
            self._relays.command({"kill": int(signal)}, pool)
        else:
            self._add("kill", direction, match, count, pool, signal=int(signal))

    def flood_stderr(self, lines: int = 1000, *, size: int = 100, pool: str | None = None) -> None:
        """Begin to write so many lines of so many bytes to the worker's stderr."""
        self._relays.command({"flood": {"lines": lines, "size": size}}, pool)

    def reset(self) -> None:
        """Take all toxics away; what was held back passes."""
        self._relays.change(lambda _: [])

    @property
    def toxics(self) -> list[Toxic]:
        """Those that hold."""
        return list(self._relays.toxics)

    # Inside

    def _add(
        self, kind: str, direction: str, match: str | None, count: int | None, pool: str | None, **parameters: Any
    ) -> None:
        _check_direction(direction)
        _check(count is None or count >= 1, f"count: expected 1 or more, got {count!r}")
        try:
            re.compile(match or "")
        except re.error as error:
            message = f"match: {match!r} is not a regular expression: {error}"
            raise InvalidArgumentError(message) from error
        toxic = Toxic(next(self._ids), pool, kind, direction, match, count, parameters)
        self._relays.change(lambda toxics: [*toxics, toxic])


def _check_direction(direction: str) -> None:
    _check(direction in _WAYS, f"direction: expected {' or '.join(_WAYS)}, got {direction!r}")


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise InvalidArgumentError(message)
