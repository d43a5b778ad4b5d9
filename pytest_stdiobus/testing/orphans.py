"""Processes that a bus left behind.

The workers of a bus get a variable with a value of their own in their environment. Whatever they start inherits it,
also what detaches itself from parent, session and process group; nothing else has it. So no foreign process can be
taken for a left-over. One that replaces its environment, or that belongs to another user, is not seen.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "STDIOBUS_TEST_BUS"

# A process that was told to end, or whose pipe has closed, gets this long to do so before it counts as left behind.
_GRACE_SEC = 2.0
_LOOK_SEC = 0.02
_PS_SEC = 10.0
_SHOWN_COMMAND = 200


@dataclass(frozen=True)
class Process:
    """A process and how it was started."""

    pid: int
    command: str


class OrphanError(Exception):
    """What started processes has ended, and some of them still ran."""

    def __init__(self, processes: list[Process], ended: str = "the bus was stopped", by: str = "its workers") -> None:
        """Name each of them, what has ended, and who started them; they have been ended."""
        one = len(processes) == 1
        listed = "\n".join(f"  pid {process.pid}: {process.command}" for process in processes)
        super().__init__(
            f"{ended}, but {'a process' if one else 'processes'} that {by} started still ran "
            f"({'it was' if one else 'they were'} ended now):\n{listed}"
        )
        self.processes = processes


class Mark:
    """The variable by which the processes of one test's buses are known."""

    def __init__(self) -> None:
        """Choose a value that nothing else has."""
        self.value = uuid.uuid4().hex

    @property
    def environment(self) -> dict[str, str]:
        """What the environment of a worker or a kernel is given."""
        return {VARIABLE: self.value}

    def living(self) -> list[Process]:
        """The processes that carry the mark."""
        setting = f"{VARIABLE}={self.value}"
        return _in_proc(setting) if sys.platform == "linux" else in_ps(setting)

    def check(self, *words: str) -> None:
        """Wait a moment for the end of what is ending, then end what is left.

        Raises:
            OrphanError: something was left; `words` are for its message.
        """
        limit = time.monotonic() + _GRACE_SEC
        while left := self.living():
            if time.monotonic() >= limit:
                for process in left:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(process.pid, signal.SIGKILL)
                raise OrphanError(left, *words)
            time.sleep(_LOOK_SEC)


def _in_proc(setting: str) -> list[Process]:
    found = []
    wanted = setting.encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        # It may belong to another user, or have ended meanwhile; the environment of a zombie is empty.
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                words = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
                found.append(Process(int(folder.name), _shown(shlex.join(words))))
    return found


def in_ps(setting: str) -> list[Process]:
    """The processes with this setting in their environment, as far as ``ps`` shows environments."""
    everything = ("-A", "-E", "-ww") if sys.platform == "darwin" else ("axeww",)
    listed = _ps(*everything, "-o", "pid=,command=")
    pids = [line.split()[0] for line in listed if setting in line.split()]
    return [Process(int(pid), _shown(command)) for pid in pids for command in _ps("-o", "command=", "-p", pid)]


def _ps(*arguments: str) -> list[str]:
    try:
        answer = subprocess.run(  # noqa: S603 - fixed words and numbers
            ["ps", *arguments],  # noqa: S607 - where it lies differs among systems
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PS_SEC,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return answer.stdout.splitlines()


def _shown(command: str) -> str:
    return command if len(command) <= _SHOWN_COMMAND else f"{command[:_SHOWN_COMMAND]}..."
