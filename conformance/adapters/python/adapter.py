# SPDX-License-Identifier: Apache-2.0
"""The part of an adapter that is the same for every SDK in Python: lines in, lines out, handles.

An SDK is put behind it as a subclass of `Sdk` with a coroutine method `op_NAME` for each op that the SDK can do. Its
value is the call's result, or says what else becomes of the call: `After` or `Pulled`.
"""

from __future__ import annotations

import asyncio
import enum
import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

Call = dict[str, Any]
CLOSE_S = 1.0  # for workers at `close`, which is no test of stopping: there is the op `stop`
_LONGEST_LINE = 256 * 1024 * 1024


class UnsupportedError(Exception):
    """The SDK has not what the call asks for."""


class After(enum.Enum):
    """What becomes of a call without a result: it is done, or its events come by themselves."""

    DONE = "done"
    OPEN = "open"


@dataclass
class Pulled:
    """A stream or a subscription: nothing of it is taken before `next` asks.

    Attributes:
        items: the SDK's own iterator.
        event: the event that an item is: its name and its value. A result is the last.
        close: gives it up.
        dropped: how many items were lost so far, where the SDK counts them.
    """

    items: AsyncIterator[Any]
    event: Callable[[Any], tuple[str, Any]]
    close: Callable[[], Coroutine[Any, Any, None]]
    dropped: Callable[[], int] | None = None
    ended: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sdk:
    """What an adapter drives; a subclass adds the ops."""

    name: ClassVar[str]
    backends: ClassVar[list[str]]

    def __init__(self) -> None:
        """Begin with nobody to tell events to; the adapter sets `tell`."""
        self.tell: Callable[..., None] = lambda **_: None

    @property
    def version(self) -> str:
        """Of the SDK."""
        raise NotImplementedError

    async def open(self, command: Call) -> None:
        """Make the client and start it. It raises what the SDK raises."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop the client; without one there is nothing to do."""
        raise NotImplementedError

    def error(self, error: Exception) -> dict[str, Any]:
        """An exception as ``{"code", "name", "message", "rpc"}``, without what is not known."""
        return {"name": type(error).__name__, "message": str(error)}


async def _unsupported(_call: Call) -> None:
    raise UnsupportedError


class Adapter:
    """Obeys the kit for one SDK."""

    def __init__(self, sdk: Sdk, write: Callable[[bytes], object]) -> None:
        """Drive `sdk`; `write` takes each line for the kit."""
        self._sdk = sdk
        self._write = write
        self._ops = {name[3:]: getattr(sdk, name) for name in dir(sdk) if name.startswith("op_")}
        if self._ops.keys() & {"request", "stream"}:
            self._ops["cancel"] = self._cancel
        if self._ops.keys() & {"stream", "subscribe"}:
            self._ops["next"] = self._next
        if "subscribe" in self._ops:
            self._ops["unsubscribe"] = self._unsubscribe
        self._running: dict[str, asyncio.Task[None]] = {}  # by the call's id
        self._pulled: dict[str, Pulled] = {}
        self._pulling: dict[str, asyncio.Task[None]] = {}  # the call of `next` that waits, by the handle's id
        self._tasks: set[asyncio.Task[None]] = set()
        sdk.tell = self._tell

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Obey until `exit` or the end of input, then close what is open."""
        closing = None
        while line := await reader.readline():
            command = json.loads(line)
            if command.get("command") == "exit":
                break
            task = asyncio.ensure_future(self._obey(command))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if command.get("command") == "call":
                self._running[command["id"]] = task
            elif command.get("command") == "close":
                closing = task
            await asyncio.sleep(0)  # commands begin in their order
        if closing is not None:
            await asyncio.wait([closing])
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sdk.close()

    async def _obey(self, command: Call) -> None:
        name = command.get("command")
        if name == "call":
            await self._call(command)
        elif name == "describe":
            self._tell(
                answer=name,
                name=self._sdk.name,
                version=self._sdk.version,
                language="python",
                backends=self._sdk.backends,
                capabilities=sorted(self._ops),
            )
        elif name in {"open", "close"}:
            try:
                await (self._sdk.open(command) if name == "open" else self._sdk.close())
            except Exception as error:  # noqa: BLE001 - whatever the SDK raises is told
                self._tell(answer=name, error=self._sdk.error(error))
            else:
                self._tell(answer=name)
        else:
            self._tell(answer=str(name), unsupported=True)

    async def _call(self, call: Call) -> None:
        name = call["id"]
        try:
            value = await self._ops.get(call["op"], _unsupported)(call)
        except asyncio.CancelledError:
            self._tell(call=name, event="end")
        except UnsupportedError:
            self._tell(call=name, event="unsupported")
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is told
            self._tell(call=name, event="error", error=self._sdk.error(error))
        else:
            if isinstance(value, Pulled):
                self._pulled[name] = value
            elif value is After.DONE:
                self._tell(call=name, event="end")
            elif value is not After.OPEN:
                self._tell(call=name, event="result", value=value)
        finally:
            self._running.pop(name, None)

    async def _next(self, call: Call) -> After:
        source = self._handle(call)
        async with source.turn:
            self._pulling[call["of"]] = self._running[call["id"]]
            try:
                for _ in range(call["n"]):
                    if source.ended:
                        break
                    await self._pull(call["of"], source)
            finally:
                del self._pulling[call["of"]]
        return After.DONE

    async def _pull(self, name: str, source: Pulled) -> None:
        facts: dict[str, Any] = {"event": "end"}
        try:
            item = await anext(source.items)
        except StopAsyncIteration:
            source.ended = True
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises is told
            source.ended = True
            facts = {"event": "error", "error": self._sdk.error(error)}
        else:
            event, value = source.event(item)
            source.ended = event == "result"
            facts = {"event": event, "value": value}
        if source.dropped is not None:
            facts["dropped"] = source.dropped()
        self._tell(call=name, **facts)

    async def _cancel(self, call: Call) -> After:
        name = call["of"]
        if (task := self._running.get(name) or self._pulling.get(name)) is not None:
            task.cancel()
            await asyncio.wait([task])
        if (source := self._pulled.get(name)) is not None and not source.ended:
            source.ended = True
            await source.close()
            self._tell(call=name, event="end")
        return After.DONE

    async def _unsubscribe(self, call: Call) -> After:
        await self._handle(call).close()
        return After.DONE

    def _handle(self, call: Call) -> Pulled:
        if call["of"] not in self._pulled:
            message = f"{call['of']} is no open stream or subscription"
            raise LookupError(message)
        return self._pulled[call["of"]]

    def _tell(self, **facts: Any) -> None:
        self._write(json.dumps(facts).encode() + b"\n")


def main(sdk: Sdk) -> None:
    """Serve the kit on standard input and output; whatever else is printed goes to stderr."""
    to_kit = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)

    async def serve() -> None:
        reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
        await Adapter(sdk, to_kit.write).serve(reader)

    asyncio.run(serve())
