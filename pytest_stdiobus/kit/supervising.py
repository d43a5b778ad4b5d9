"""The supervisor's program: starts targets, sees how they end and what they leave behind.

It is a process of its own because on Linux it adopts whatever its targets orphan (a child subreaper), which nothing
should do inside a test process. Orders come as JSON lines over the socket that is its stdin, descriptors for a new
process ride along; facts go back the same way. The end of the socket ends every process it still has.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import math
import os
import select
import signal
import socket
import subprocess
import time
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LOOK_S = 0.01
_LOOKS = (
    100  # within so many what ends together with the target has ended; counted, as a busy machine looks more slowly
)
_SWEEP_S = 5.0  # whatever forks faster than it is killed, or cannot be killed, is left to the user


def main() -> None:
    """Obey until the kit hangs up."""
    control = socket.socket(fileno=os.dup(0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    supervisor = Supervising(control)
    try:
        with contextlib.suppress(ConnectionError):  # a kit that was stopped leaves without reading to the end
            supervisor.serve()
    finally:
        supervisor.end()


class Supervising:
    """The processes that were started and have not been waited for."""

    def __init__(self, control: socket.socket) -> None:
        """Serve the kit at the other end of `control`."""
        self._control = control
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Take orders and report exits."""
        pending = b""
        descriptors: list[int] = []
        while True:
            ready = select.select([self._control.fileno(), self._wake], [], [])[0]
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake, 4096)
                self._reap()
            if self._control.fileno() in ready:
                data, received = _receive(self._control)
                if not data:
                    return
                descriptors += received
                *orders, pending = (pending + data).split(b"\n")
                for order in orders:
                    self._obey(json.loads(order), descriptors)

    def end(self) -> None:
        """Kill whatever is left."""
        for pid in list(self._running):
            self._sweep(pid)

    def _obey(self, order: dict[str, Any], descriptors: list[int]) -> None:
        if order["do"] == "start":
            self._start(order, [descriptors.pop(0) for _ in range(3)])
        elif order["do"] == "signal":
            with contextlib.suppress(ProcessLookupError):
                os.kill(order["pid"], order["number"])
        elif order["do"] == "sweep":
            self._tell("swept", pid=order["pid"], left=self._sweep(order["pid"], order["patience"]))

    def _start(self, order: dict[str, Any], descriptors: list[int]) -> None:
        try:
            stdin, stdout, stderr = descriptors
            process = subprocess.Popen(  # noqa: S603 - running the target is the purpose
                order["argv"],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=order["cwd"],
                env=order["env"],
                start_new_session=True,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._tell("refused", why=str(error))
        else:
            self._running[process.pid] = process
            self._tell("started", pid=process.pid)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            process = self._running.get(pid)
            if process is None:
                continue  # an adopted one
            process.returncode = code = os.waitstatus_to_exitcode(status)
            rusage = {"user_ms": round(usage.ru_utime * 1000), "system_ms": round(usage.ru_stime * 1000)}
            self._tell("exited", pid=pid, **how_it_ended(code), rusage={**rusage, "max_rss_kb": usage.ru_maxrss})

    def _sweep(self, leader: int, patience: float = 0) -> list[dict[str, Any]]:
        """End what a target left: it, its session, and what this process has adopted. What it was, the leader apart."""
        looks = math.ceil(_LOOKS * patience)
        while (left := self._left(leader)) and leader not in left and (looks := looks - 1) > 0:
            time.sleep(_LOOK_S)  # the processes are not ours to wait for, unless adopted
            self._reap()
        told = [{"pid": pid, "command": command} for pid, command in left.items() if pid != leader]
        deadline = time.monotonic() + _SWEEP_S
        while left and time.monotonic() < deadline:
            for pid in left:
                _kill_group(pid)
            time.sleep(_LOOK_S)
            self._reap()
            left = self._left(leader)
        self._running.pop(leader, None)
        return told

    def _left(self, leader: int) -> dict[int, str]:
        found = {}
        for pid, parent, session, state, command in _processes():
            adopted = parent == os.getpid() and pid not in self._running
            if state != "Z" and (session == leader or adopted or pid == leader):
                found[pid] = command
        return found

    def _tell(self, event: str, **facts: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._control.sendall(json.dumps({"event": event, **facts}).encode() + b"\n")


def how_it_ended(status: int) -> dict[str, Any]:
    """``code``, or ``signal`` and its name, of an exit status as `subprocess` has it."""
    if status >= 0:
        return {"code": status}
    try:
        return {"signal": signal.Signals(-status).name}
    except ValueError:  # a real-time signal has no name
        return {"signal": f"SIG{-status}"}


def _kill_group(pid: int) -> None:
    """Kill a process and its group at one stroke: one by one, those that fork would outrun it."""
    with contextlib.suppress(OSError):
        group = os.getpgid(pid)
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)


def _processes() -> list[tuple[int, int, int, str, str]]:
    """Every process: its id, parent, session, state and command."""
    if not os.path.isdir("/proc/self"):
        return _processes_of_ps()
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                stat = _read(f"/proc/{name}/stat")
                state, parent, _, session = stat[stat.rindex(")") + 2 :].split()[:4]
                command = _read(f"/proc/{name}/cmdline").replace("\0", " ").strip()
                found.append((int(name), int(parent), int(session), state, command))
    return found


def _processes_of_ps() -> list[tuple[int, int, int, str, str]]:
    # Where there is no /proc the process group stands for the session: the leader of one leads both.
    command = ["/bin/ps", "-A", "-o", "pid=,ppid=,pgid=,stat=,command="]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as ps:  # noqa: S603 - a fixed program
        listing = ps.stdout.read() if ps.stdout else ""
    rows = [line.split(None, 4) for line in listing.splitlines()]
    found = [(int(row[0]), int(row[1]), int(row[2]), row[3][0], row[4]) for row in rows if len(row) == 5]  # noqa: PLR2004
    return [row for row in found if row[0] != ps.pid]  # which is a child of this process itself


def _read(path: str) -> str:
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    descriptors = array.array("i")
    data, ancillary, _, _ = control.recvmsg(65536, socket.CMSG_SPACE(16 * descriptors.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return data, list(descriptors)


if __name__ == "__main__":
    main()
