# SPDX-License-Identifier: Apache-2.0
"""The workers of a kernel under test: processes that obey, pipe ends that the test holds."""

import array
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .messages import Message, answer_to
from .peer import StreamPeer
from .world import DEADLINE, READ, World

SCRIPT = Path(__file__).resolve().parents[3] / "workers" / "scripted.py"
# The real interpreter: a virtual environment's start costs some milliseconds more.
_PYTHON = os.path.realpath(sys.executable)
_ROOM = 1 << 16
_INT = array.array("i").itemsize
# Another thread of the test may start a process at any moment; socket.recv_fds would drop this flag.
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


class Worker(StreamPeer):
    """One worker process; reading and writing uses its own stdin and stdout."""

    def __init__(self, world: World, hello: dict[str, Any], control: socket.socket, fds: list[int]) -> None:
        self.hello = hello
        self.label: str = hello["label"]
        self.pid: int = hello["pid"]
        self.children: list[int] = []
        self.control = Control(world, control, self)
        super().__init__(world, f"worker:{self.label}/{self.pid}", fds[0], fds[1])

    def answer(self, message: Message, value: object = None) -> None:
        """Send the response to a request it received."""
        self.send(answer_to(message, value))

    def serve_one(self, value: object = None) -> Message:
        """Receive a request, answer it, and return it."""
        message = self.recv()
        self.answer(message, value)
        return message

    def order(self, text: str, seconds: float = DEADLINE) -> dict[str, Any]:
        """Order something and wait until it was done."""
        self.world.note(self.name, "is ordered", text.encode())
        self.control.say(text)
        return self.control.event("done", seconds)

    def spawn_child(self, mode: str) -> int:
        """Let the worker start a process in its "group" or in a "session" of its own; returns its pid."""
        self.control.say(f"child {mode}")
        pid: int = self.control.event("child")["pid"]
        self.control.event("done")
        self.children.append(pid)
        return pid

    def exit(self, status: int = 0) -> None:
        """End the process; its pipe ends stay open in the test, as a grandchild would keep them."""
        self.world.note(self.name, f"exits {status}")
        self.control.say(f"exit {status}")
        self.wait_exit()

    def crash(self, number: int = signal.SIGKILL) -> None:
        """End the process by a signal."""
        self.world.note(self.name, f"dies by signal {number}")
        self.control.say(f"signal {number}")
        self.wait_exit()

    def die(self, number: int = signal.SIGKILL) -> None:
        """Crash, and close the pipe ends as the system does for a real process."""
        self.crash(number)
        self.close()

    def wait_exit(self, seconds: float = DEADLINE) -> None:
        """Wait until the process has ended."""
        self.world.until_true(lambda: self.control.ended, f"{self.name} to exit", seconds)

    @property
    def alive(self) -> bool:
        """True until the end of the process was seen."""
        return not self.control.ended

    def wait_signal(self, seconds: float = DEADLINE) -> int:
        """Wait for a signal that ``term report`` announces."""
        number: int = self.control.event("signal", seconds)["number"]
        return number


class Control:
    """The socket between the test and one scripted process."""

    def __init__(self, world: World, sock: socket.socket, worker: Worker) -> None:
        self._world, self._sock, self._worker = world, sock, worker
        self._buffer = b""
        self.events: list[dict[str, Any]] = []
        self.ended = False
        sock.setblocking(False)
        world.add(self)

    def interests(self) -> Iterable[tuple[int, int]]:
        """Poll for events as long as the process lives."""
        if not self.ended:
            yield self._sock.fileno(), READ

    def serve(self, _descriptor: int, _events: int) -> None:
        """Take what the process reports."""
        try:
            data = self._sock.recv(_ROOM)
        except ConnectionError:
            data = b""
        if not data:
            self.ended = True
            self._world.note(self._worker.name, "has ended")
            self._sock.close()
            self._world.remove(self)
            return
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self.events += [json.loads(line) for line in lines]

    def say(self, order: str) -> None:
        """Send an order, unless the process has ended."""
        with contextlib.suppress(OSError):
            self._sock.sendall(order.encode() + b"\n")

    def event(self, kind: str, seconds: float = DEADLINE) -> dict[str, Any]:
        """Wait for an event of a kind and take it out."""

        def look() -> dict[str, Any] | None:
            return next((e for e in self.events if e["event"] == kind), None)

        found = self._world.until(look, f"event {kind!r} of {self._worker.name}", seconds)
        self.events.remove(found)
        return found


class ScriptedWorkers:
    """Accepts the connections of scripted workers and hands them out in the order of their coming."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.address = str(folder / "w")
        self.everyone: list[Worker] = []
        self._unclaimed: list[Worker] = []
        self._greeting: dict[int, tuple[socket.socket, bytes, list[int]]] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.address)
        self._listener.listen(1024)
        self._listener.setblocking(False)
        world.add(self)

    def pool(self, id_: str = "w", instances: int | None = None, **members: object) -> dict[str, Any]:
        """Return the configuration of a pool of scripted workers labelled with the pool's id."""
        pool: dict[str, Any] = {"id": id_, "command": _PYTHON, "args": ["-I", "-S", str(SCRIPT), self.address, id_]}
        if instances is not None:
            pool["instances"] = instances
        pool.update(members)
        return pool

    def next(self, label: str = "w", seconds: float = DEADLINE) -> Worker:
        """Return the next worker of a pool that was not handed out yet."""

        def look() -> Worker | None:
            return next((w for w in self._unclaimed if w.label == label), None)

        worker = self.world.until(look, f"a worker of pool {label!r} to start", seconds)
        self._unclaimed.remove(worker)
        return worker

    def take(self, count: int, label: str = "w") -> list[Worker]:
        """Return the next so many workers of a pool."""
        return [self.next(label) for _ in range(count)]

    def unclaimed(self) -> list[Worker]:
        """Return those that were not handed out."""
        return list(self._unclaimed)

    def interests(self) -> Iterable[tuple[int, int]]:
        """Poll for new workers and for their hello."""
        yield self._listener.fileno(), READ
        for descriptor in self._greeting:
            yield descriptor, READ

    def serve(self, descriptor: int, _events: int) -> None:
        """Accept, or read one hello."""
        if descriptor == self._listener.fileno():
            with contextlib.suppress(BlockingIOError):
                sock, _ = self._listener.accept()
                self._greeting[sock.fileno()] = (sock, b"", [])
            return
        sock, text, fds = self._greeting.pop(descriptor)
        try:
            data, ancillary, _, _ = sock.recvmsg(_ROOM, socket.CMSG_SPACE(2 * _INT), _CLOSE_ON_EXEC)
        except ConnectionError:
            data, ancillary = b"", []
        more_fds = array.array("i")
        for _, _, rights in ancillary:
            more_fds.frombytes(rights[: len(rights) - len(rights) % _INT])
        for received in more_fds:
            os.set_inheritable(received, False)
        text, fds = text + data, [*fds, *more_fds]
        if data and not text.endswith(b"\n"):
            self._greeting[descriptor] = (sock, text, fds)
        elif data:
            worker = Worker(self.world, json.loads(text), sock, fds)
            self.world.note(worker.name, "starts")
            self.everyone.append(worker)
            self._unclaimed.append(worker)
        else:
            sock.close()

    def kill(self) -> None:
        """End every process that is still there. A pid is used only while its control socket proves it is ours."""
        for worker in self.everyone:
            for pid in worker.children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if worker.alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, signal.SIGKILL)
            worker.close()

    def close(self) -> None:
        """Accept no more."""
        self.world.remove(self)
        self._listener.close()
        for sock, _, fds in self._greeting.values():
            sock.close()
            for descriptor in fds:
                os.close(descriptor)
