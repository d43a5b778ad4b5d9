"""A small client with its adapter, right but for one fault: ``python small.py [FAULT]``; faults of the SDK begin with ``sdk``."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "conformance" / "adapters" / "python"))

from adapter import After, Call, Pulled, Sdk, main

FAULT = sys.argv[1] if len(sys.argv) > 1 else ""


class Small(Sdk):
    """A client that runs the kernel and speaks to it."""

    name: ClassVar[str] = "small"
    backends: ClassVar[list[str]] = ["subprocess"]
    version = "1"

    def __init__(self) -> None:
        super().__init__()
        self._kernel: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._handlers: list[str] = []
        self._turn = asyncio.Lock()
        self._waiting: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    async def open(self, command: Call) -> None:
        if FAULT == "sdk cannot start":
            message = "no kernel in PATH"
            raise OSError(message)
        pipe = asyncio.subprocess.PIPE
        self._kernel = await asyncio.create_subprocess_exec(command["kernel"], stdin=pipe, stdout=pipe)
        self._reader = asyncio.ensure_future(self._read())

    async def close(self) -> None:
        if FAULT == "sdk hangs at the end" and self._kernel is not None:
            await asyncio.sleep(600)
        if FAULT == "sdk crashes" and self._kernel is not None:
            os.abort()
        if self._kernel is not None and self._kernel.returncode is None:
            self._kernel.kill()
            await self._kernel.wait()

    async def op_request(self, call: Call) -> Any:
        if FAULT == "sdk hangs":
            await asyncio.sleep(600)
        if FAULT == "blocks":
            time.sleep(600)  # noqa: ASYNC251 - the fault
        async with self._turn if FAULT == "sdk takes turns" else contextlib.nullcontext():
            answers = self._send(call)
            while (message := await answers.get()).get("method"):
                pass
        if "error" in message:
            raise RuntimeError(message["error"]["message"])
        return {} if FAULT == "sdk loses results" else message["result"]

    async def op_stream(self, call: Call) -> Pulled:
        if FAULT == "pushes":
            self.tell(call=call["id"], event="chunk", value="one")
        answers = self._send(call)

        async def items() -> Any:
            while (message := await answers.get()).get("method"):
                yield "chunk", message["params"]["update"]["content"]["text"]
            yield "result", {**message["result"], "text": "one two three"}

        async def close() -> None:
            self._waiting.clear()

        return Pulled(items(), lambda item: item, close)

    async def op_notify(self, call: Call) -> After:
        if FAULT != "sdk forgets":
            self._write({"method": call["method"], "params": call.get("params")})
        return After.DONE

    async def op_on_message(self, call: Call) -> After:
        if FAULT != "sdk is deaf":
            self._handlers.append(call["id"])
        return After.OPEN

    def _send(self, call: Call) -> asyncio.Queue[dict[str, Any]]:
        if self._kernel is None or self._kernel.returncode is not None:
            message = "nothing is open"
            raise RuntimeError(message)
        name = str(next(self._ids))
        self._waiting[name] = asyncio.Queue()
        self._write({"id": name, "method": call["method"], "params": call.get("params"), "sessionId": name})
        return self._waiting[name]

    def _write(self, message: dict[str, Any]) -> None:
        if self._kernel is None or self._kernel.stdin is None:
            reason = "nothing is open"
            raise RuntimeError(reason)
        self._kernel.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def _read(self) -> None:
        assert self._kernel is not None
        assert self._kernel.stdout is not None
        while line := await self._kernel.stdout.readline():
            message = json.loads(line)
            for name in self._handlers:
                self.tell(call=name, event="notification", value=line.decode())
            self._waiting[message["sessionId"]].put_nowait(message)


if __name__ == "__main__":
    main(Small())
