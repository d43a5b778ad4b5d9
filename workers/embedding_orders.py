# SPDX-License-Identifier: Apache-2.0
"""A host that calls the API as it is told, one call at a time, and tells what came of it.

Orders are JSON objects, one a line: ``{"call": FUNCTION, ...}`` calls ``stdio_bus_FUNCTION`` with arguments by their names, on no bus
with ``"bus": null``; ``{"do": WHAT, ...}`` is the host's own. Each is answered by a line with ``returned``. What the
callbacks are told comes in between, with the function ``during`` which they were called; the text of a message goes to
stdout.
"""

import base64
import json
import os
import select
import signal
import socket
from typing import Any

from embedding_api import OK, STOPPED, Library
from embedding_host import Host

_CALM_MS = 50  # a bus that asks for nothing for so long has nothing to do
_CALM_STEPS = 100
_READ_SIZE = 65536


class ObedientHost(Host):
    """Makes, drives and ends a bus when it is told to."""

    def __init__(self, library: Library, config: str, control: str, workers: str, listener: str) -> None:
        """Take the orders that come over a socket.

        Args:
            library: whose functions are called.
            config: the file of the configuration.
            control: the socket of the orders.
            workers: the socket to which a worker of the host says hello.
            listener: the path of the bus's own socket.
        """
        super().__init__(library, config)
        self._file, self._workers, self._listener = config, workers, listener
        self._control = socket.socket(socket.AF_UNIX)
        self._control.connect(control)
        self._unheard = b""
        self._during: list[str] = []
        self._planned: dict[str, list[dict[str, Any]]] = {}
        self._steps = 0
        self._leaving = False
        self._child = 0
        self._kept: list[Any] = []

    def tell(self, **what: Any) -> None:
        """Send one line."""
        self._control.sendall(json.dumps(what).encode() + b"\n")

    def hear(self, name: str, told: "dict[str, Any]") -> None:
        """Tell of a callback, and do what was planned for it."""
        if name == "on_message":
            super().hear(name, told)
        facts = {key: value for key, value in told.items() if not isinstance(value, bytes)}
        self.tell(callback=name, during=self._during[-1] if self._during else "", **facts)
        for order in self._planned.pop(name, []):
            self._answer(order, within=name)

    def called(self, name: str, *arguments: Any) -> int:
        """Call a function, which callbacks are called during."""
        self._during.append(name)
        try:
            return super().called(name, *arguments)
        finally:
            self._during.pop()

    def serve(self) -> None:
        """Obey until the end, and leave no bus behind."""
        super().serve()
        self.bus.destroy()

    def watched(self) -> "list[int]":
        """The streams, and the orders."""
        return [*super().watched(), self._control.fileno()]

    def obey(self, ready: "list[int]") -> None:
        """Do what has been ordered."""
        if self._control.fileno() not in ready:
            return
        data = self._control.recv(_READ_SIZE)
        self.ended = self.ended or not data
        *orders, self._unheard = (self._unheard + data).split(b"\n")
        for order in orders:
            self._answer(json.loads(order))

    def step(self) -> None:
        """Step the bus that is driven, until it has stopped or will not be stepped."""
        self._steps += 1
        code = self.called("step", 0)
        if self.bus.handle is None:
            self.driven = False
        elif code < 0 or self.called("get_state") == STOPPED:
            self.driven = False
            self.tell(stopped=self.called("get_state"), stepped=code)
        self.ended = self._leaving and not self.driven

    def stop(self) -> None:
        """End: a bus that runs is stopped and driven to its end first."""
        self._leaving = True
        self.driven = self.bus.handle is not None and self.called("stop", self.drain_s) == OK
        self.ended = not self.driven

    def _answer(self, order: "dict[str, Any]", **more: Any) -> None:
        kind = "call" if "call" in order else "do"
        arguments = {key: value for key, value in order.items() if key not in {kind, "bus"}}
        method = getattr(self, f"_{kind}_{order[kind]}", None)
        handle = self.bus.handle
        if "bus" in order:
            self.bus.handle = None
        returned = method(**arguments) if method else self.called(order["call"], *arguments.values())
        if "bus" in order:
            self.bus.handle = handle
        self.tell(returned=returned, **more)

    # What is not called as it is.

    def _call_create(self, **options: Any) -> bool:
        if options.pop("nothing", False):
            return self.bus.create_of_nothing()
        if "config_json" not in options and "config_path" not in options:
            options["config_json"] = self.config
        self._during.append("create")
        created = self.bus.create(address=self._listener, **options)
        self._during.pop()
        return created

    def _call_destroy(self) -> None:
        self._during.append("destroy")
        self.bus.destroy()
        self._during.pop()

    def _call_get_stats(self) -> "dict[str, int]":
        return self.bus.stats()

    def _call_ingest(self, line: Any, times: int = 1) -> int:
        """Hand a line over, as often as it is taken; what the last call returned."""
        data = _bytes(line)
        code = OK
        while times and code == OK:
            times -= 1
            code = self.called("ingest", data, len(data or b""))
        return code

    def _call_register_embedded_worker(
        self, pool: "str | None", by: str = "socket", fds: "list[int] | None" = None
    ) -> int:
        """Register a worker whose other end the test gets, as if it were a process that said hello."""
        if fds is not None:
            return self.called("register_embedded_worker", *fds, _bytes(pool))
        if by == "socket":
            ours, theirs = socket.socketpair()
            to_worker = from_worker = theirs.detach()
            stdin = ours.detach()
            stdout = os.dup(stdin)
        else:
            stdin, to_worker = os.pipe()
            from_worker, stdout = os.pipe()
        returned = self.called("register_embedded_worker", to_worker, from_worker, _bytes(pool))
        self._introduce(pool or "", stdin, stdout)
        self._kept.append({to_worker, from_worker})
        return returned

    def _introduce(self, pool: str, stdin: int, stdout: int) -> None:
        hello = socket.socket(socket.AF_UNIX)
        hello.connect(self._workers)
        told = {"label": pool, "pid": os.getpid(), "argv": [], "fds": {}}
        socket.send_fds(hello, [json.dumps(told).encode() + b"\n"], [stdin, stdout])
        os.close(stdin)
        os.close(stdout)
        self._kept.append(hello)

    # What is the host's own.

    def _do_run(self, **options: Any) -> "int | None":
        """Create and start a bus, and drive it; what start returned."""
        if not self._call_create(**options):
            return None
        code = self.called("start")
        self.driven = code == OK
        return code

    def _do_drive(self, on: bool = True) -> None:
        """Step the bus from now on whenever it asks for that, or no more."""
        self.driven = on

    def _do_steps(self) -> int:
        """How often a driven bus has been stepped."""
        return self._steps

    def _do_poll(self, ms: int) -> "bool | None":
        """Whether the bus asks for a step within some time; nothing where it has no descriptor."""
        fd = self.called("get_poll_fd")
        return bool(select.select([fd], [], [], ms / 1000)[0]) if fd >= 0 else None

    def _do_calm(self) -> bool:
        """Drive the bus no more, once there is nothing for it to do; whether that comes."""
        self.driven = False
        return any(self.called("step", _CALM_MS) <= 0 for _ in range(_CALM_STEPS))

    def _do_plan(self, callback: str, orders: "list[dict[str, Any]]") -> None:
        """Obey these inside the next call of a callback."""
        self._planned[callback] = orders

    def _do_fork(self, orders: "list[dict[str, Any]]") -> "dict[str, Any]":
        """Obey these in a forked child; how that ended."""
        child = os.fork()
        if child == 0:
            for order in orders:
                self._answer(order, within="fork")
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {"code": code} if code >= 0 else {"signal": signal.Signals(-code).name}

    def _do_child(self, status: int) -> None:
        """Start a child of the host's own, which ends at once."""
        self._child = os.fork()
        if self._child == 0:
            os._exit(status)

    def _do_wait(self) -> "int | str":
        """The exit status of that child."""
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        except ChildProcessError:
            return "somebody else has waited for it"

    def _do_children(self) -> str:
        """Whether the host has no children, one that has ended and was not waited for, or only such that run."""
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return "none"
        return "ended" if ended else "running"

    def _do_dispose(self, name: str, how: str) -> None:
        """Ignore a signal, leave it to its default, or wait for every child at it."""
        handlers = {"ignore": signal.SIG_IGN, "default": signal.SIG_DFL, "reap": _reap}
        signal.signal(signal.Signals[f"SIG{name}"], handlers[how])  # type: ignore[arg-type]

    def _do_status(self, of: "list[str]") -> "dict[str, str]":
        """What the system tells of this process, such as its ``Threads``."""
        with open("/proc/self/status", encoding="latin-1") as file:
            lines = [line.partition(":") for line in file]
        return {key: value.strip() for key, _, value in lines if key in of}

    def _do_open(self) -> bool:
        """Whether a descriptor that was given to the bus at the last registration is still open."""
        given = next(kept for kept in reversed(self._kept) if isinstance(kept, set))
        return any(os.path.exists(f"/proc/self/fd/{descriptor}") for descriptor in given)

    def _do_capture(self) -> None:
        """Write stderr into a file from now on; for whoever reads the old one it stays open."""
        self._kept.append(os.dup(2))
        file = os.open(f"{self._file}.stderr", os.O_CREAT | os.O_RDWR | os.O_APPEND)
        os.dup2(file, 2)
        os.close(file)

    def _do_captured(self) -> str:
        """What has been written to stderr since then."""
        size = os.lseek(2, 0, os.SEEK_CUR)
        return os.pread(2, size, 0).decode("utf-8", "backslashreplace")


def _reap(*_: object) -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def _bytes(value: Any) -> "bytes | None":
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return value if value is None else str(value).encode("utf-8", "surrogatepass")
