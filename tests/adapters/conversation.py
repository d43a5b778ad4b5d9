"""A conversation with an adapter, for tests: commands out, answers and events in."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from queue import Queue
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import schemas

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

ADAPTERS = data_dir() / "conformance" / "adapters"
WORKERS = data_dir() / "workers"
DEADLINE_S = 60.0
LAST = {"result", "error", "end", "unsupported"}


def pools(worker: str) -> dict[str, Any]:
    """A configuration with a bundled worker."""
    return {"pools": [{"id": worker, "command": sys.executable, "args": [str(WORKERS / f"{worker}.py")]}]}


class Conversation:
    """One adapter; whatever it says must be valid."""

    def __init__(self, command: Sequence[str]) -> None:
        self._lines: Queue[bytes] = Queue()
        self._unread: list[dict[str, Any]] = []
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self._calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            assert self._process.wait(DEADLINE_S) == 0
        finally:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()

    def ask(self, command: str, **more: Any) -> dict[str, Any]:
        """The answer to a command."""
        self._write({"command": command, **more})
        return self._find(lambda line: line.get("answer") == command)

    def call(self, op: str, **more: Any) -> str:
        """Begin a call; what it gives is the call's id."""
        self._calls += 1
        name = f"c{self._calls}"
        self._write({"command": "call", "id": name, "op": op, **more})
        return name

    def last(self, name: str) -> dict[str, Any]:
        """The last event of a call."""
        return self._find(lambda line: line.get("call") == name and line["event"] in LAST)

    def done(self, op: str, **more: Any) -> Any:
        """A call and the value of its result, None where it just ends."""
        event = self.last(self.call(op, **more))
        assert event["event"] in {"result", "end"}, event
        return event.get("value")

    def pull(self, of: str, number: int) -> list[dict[str, Any]]:
        """The events of a handle that a pull brings."""
        self.done("next", of=of, n=number)
        return self.taken(of)

    def taken(self, of: str) -> list[dict[str, Any]]:
        """The events of a handle that have come."""
        found = [line for line in self._unread if line.get("call") == of]
        self._unread = [line for line in self._unread if line.get("call") != of]
        return found

    def coming(self, of: str, number: int) -> list[dict[str, Any]]:
        """So many events of a handle, as soon as they come."""
        return [self._find(lambda line: line.get("call") == of) for _ in range(number)]

    def _write(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def _find(self, wanted: Any) -> dict[str, Any]:
        for at, line in enumerate(self._unread):
            if wanted(line):
                return self._unread.pop(at)
        while text := self._lines.get(timeout=DEADLINE_S):
            line = json.loads(text)
            assert schemas.faults(line, {"$ref": f"{schemas.URN}adapter"}) == []
            if wanted(line):
                return dict(line)
            self._unread.append(line)
        message = f"the adapter ended; unread: {self._unread}"
        raise AssertionError(message)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(b"")
