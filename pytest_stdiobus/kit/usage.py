"""What a process uses: processor time, memory, descriptors."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.history import TARGET

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.history import History

_WINDOW_S = 0.3  # thirty times the unit in which systems count processor time
_SECONDS_OF = (1, 60, 3600)
_GROWING = {"cpu_ms", "switches"}  # told since the start of the process; a sample has what was added


class Watch:
    """Looks at a process again and again; what it used from one time to the next is a sample in the history."""

    def __init__(self, observe: Callable[[], dict[str, Any]], history: History) -> None:
        """Begin now; `observe` tells what `observe_process` does, or nothing when there is nobody to look at."""
        self._observe = observe
        self._history = history
        self._since, self._before = time.monotonic(), observe()

    def look(self) -> None:
        """Take a sample, if it is time for one."""
        now = time.monotonic()
        if now - self._since < _WINDOW_S or not (seen := self._observe()):
            return
        sample = {**seen, "ms": round((now - self._since) * 1000)}
        for grown in _GROWING & seen.keys():
            sample[grown] -= self._before.get(grown, 0)
        self._since, self._before = now, seen
        self._history.add(TARGET, "sample", data=wire.encode(sample))


def observe_process(pid: int) -> dict[str, Any]:
    """What is known of a process: nothing when it has gone, less where the system does not tell.

    Returns:
        ``cpu_ms`` since it was started, ``rss_kb``, and on Linux ``switches``: how often its threads have gone to sleep
        since then; and ``inheritable``: the descriptors above 2 that a program it executes would have.
    """
    with contextlib.suppress(OSError, ValueError):
        return _of_proc(pid) if os.path.isdir("/proc/self") else _of_ps(pid)
    return {}


def _of_proc(pid: int) -> dict[str, Any]:
    stat = _read(f"/proc/{pid}/stat")
    fields = stat[stat.rindex(")") + 2 :].split()
    ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
    return {
        "cpu_ms": ticks * 1000 // os.sysconf("SC_CLK_TCK"),
        "rss_kb": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "inheritable": [number for number in _descriptors(pid) if number > 2 and not _closes_on_exec(pid, number)],  # noqa: PLR2004
        **_switches(pid),
    }


def _switches(pid: int) -> dict[str, int]:
    """How often its threads have gone to sleep, where the system counts that."""
    states = "".join(_read(f"/proc/{pid}/task/{thread}/status") for thread in os.listdir(f"/proc/{pid}/task"))
    counts = [line.partition(":")[2] for line in states.splitlines() if line.startswith("voluntary_ctxt_switches:")]
    return {"switches": sum(map(int, counts))} if counts else {}


def _descriptors(pid: int) -> list[int]:
    return sorted(map(int, os.listdir(f"/proc/{pid}/fd")))


def _closes_on_exec(pid: int, number: int) -> bool:
    try:
        told = dict(line.split(":", 1) for line in _read(f"/proc/{pid}/fdinfo/{number}").splitlines()[:4])
    except FileNotFoundError:  # closed meanwhile
        return True
    return bool(int(told["flags"], 8) & os.O_CLOEXEC)


def _of_ps(pid: int) -> dict[str, Any]:
    ps = subprocess.run(  # noqa: S603 - a fixed program
        ["/bin/ps", "-o", "time=,rss=", "-p", str(pid)], stdout=subprocess.PIPE, check=False, text=True
    )
    used, resident = ps.stdout.split()
    parts = zip(_SECONDS_OF, reversed(used.split(":")), strict=False)
    return {"cpu_ms": round(sum(unit * float(part) for unit, part in parts) * 1000), "rss_kb": int(resident)}


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
