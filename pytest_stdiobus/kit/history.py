"""Everything observed while a case ran: who sent which bytes when, and what became of the processes.

As NDJSON: a first line about the run, then one event a line, in the order observed (``schemas/history``).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.errors import DataError, KitError
from pytest_stdiobus.kit.schemas import faults, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORMAT = 1
INLINE = 64 * 1024  # a longer line lies in a file of its own
TARGET, KIT, POOL, WORKER, CALL, SCRIPTED_KERNEL = "target", "kit", "pool", "worker", "call", "kernel:main"
USAGE = f"{TARGET}:usage"  # reads the samples of what the target's process uses
ADAPTER = f"{TARGET}:adapter"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was observed.

    Attributes:
        n: its number in the history, from 0.
        t_us: microseconds since the history began, on a monotonic clock.
        actor: who did it: ``client:NAME``, ``worker:POOL/INSTANCE#LIFE``, ``call:NAME`` of an SDK, ``kernel:main`` that it
            started, ``target``, ``target:adapter`` or ``kit``.
        kind: ``line``, ``accepted``, ``open``, ``eof``, ``half_close``, ``stall``, ``resume``, ``stderr``, ``spawn``, ``exit``,
            ``signal``, ``sample``, ``orphans``, ``step``, ``late`` of the kit itself, or ``harness``.
        dir: ``in`` to the target or ``out`` of it, for lines and ends of streams; else empty.
        data: the bytes of a line (without its LF) or of stderr; else empty.
        facts: what else is known, by the kind.
    """

    n: int
    t_us: int
    actor: str
    kind: str
    dir: str = ""
    data: bytes = b""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class History:
    """The events of one case, and what was true of the whole of it."""

    head: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    clock: Callable[[], int] = time.monotonic_ns
    _start: int | None = None

    def add(self, actor: str, kind: str, *, dir: str = "", data: bytes = b"", **facts: Any) -> Event:  # noqa: A002 - the field's name
        """Append what has just been observed."""
        now = self.clock()
        if self._start is None:
            self._start = now
        event = Event(len(self.events), (now - self._start) // 1000, actor, kind, dir, data, facts)
        self.events.append(event)
        return event

    def lines(self, actor: str | None = None, direction: str = "out") -> Iterator[Event]:
        """The lines in one direction, of one actor or of all."""
        for event in self.events:
            if event.kind == "line" and event.dir == direction and actor in (None, event.actor):
                yield event

    def of_kind(self, *kinds: str) -> Iterator[Event]:
        """The events of some kinds."""
        return (event for event in self.events if event.kind in kinds)

    def write(self, file: Path) -> None:
        """Write it as NDJSON; lines above 64 KiB go to files beside it, named by their digest."""
        with open(file, "w", encoding="utf-8", opener=private) as out:
            out.write(head_line(self.head))
            out.writelines(event_line(event, file) for event in self.events)

    def to_json(self) -> dict[str, Any]:
        """The whole of it as one JSON value, long lines included."""
        return {"head": self.head, "events": [_to_json(event, None) for event in self.events]}


def private(path: str, flags: int) -> int:
    """Open a file for ``open(opener=...)`` that, if it is new, only its user may read: what was said may be secret."""
    return os.open(path, flags, 0o600)


def head_line(head: dict[str, Any]) -> str:
    """The first line of a history."""
    return json.dumps({"format": FORMAT, **head}) + "\n"


def event_line(event: Event, file: Path) -> str:
    """The line of an event; data above 64 KiB goes to a file beside the history's."""
    return json.dumps(_to_json(event, file)) + "\n"


def from_json(value: dict[str, Any]) -> History:
    """The history that `History.to_json` wrote."""
    return History(value["head"], [_from_json(record, None) for record in value["events"]])


def read(file: Path) -> History:
    """The history that `History.write` wrote.

    Raises:
        DataError: it cannot be read or is not a history; the line is named.
    """
    history = History()
    try:
        lines = file.read_bytes().removesuffix(b"\n").split(b"\n")
    except OSError as error:
        raise DataError(str(file), [f"cannot be read: {error.strerror}"]) from None
    if lines == [b""]:
        raise DataError(str(file), ["is empty: a history begins with a line about its run"])
    for number, line in enumerate(lines):
        try:
            value = wire.parse(line)
        except ValueError as error:
            raise DataError(str(file), [f"line {number + 1} is not JSON: {error}"]) from None
        what = {"$ref": f"{schema('history')['$id']}#/$defs/{'event' if number else 'head'}"}
        if found := faults(value, what):
            raise DataError(str(file), [f"line {number + 1}: {fault}" for fault in found])
        if number == 0:
            history.head = {key: item for key, item in value.items() if key != "format"}
            continue
        if value["n"] != number - 1:
            raise DataError(
                str(file), [f"line {number + 1}: $.n: expected {number - 1}, the events are counted from 0"]
            )
        history.events.append(_from_json(value, file))
    return history


def _to_json(event: Event, file: Path | None) -> dict[str, Any]:
    record: dict[str, Any] = {"n": event.n, "t_us": event.t_us, "actor": event.actor, "kind": event.kind}
    if event.dir:
        record["dir"] = event.dir
    if event.data or event.kind in {"line", "stderr"}:
        record["data"] = _data(event.data, file)
    return {**record, **event.facts}


def _data(data: bytes, file: Path | None) -> Any:
    if file is not None and len(data) > INLINE:
        digest = hashlib.sha256(data).hexdigest()
        side = f"{file.stem}-{digest[:16]}.bin"
        with open(file.with_name(side), "wb", opener=private) as out:
            out.write(data)
        return {"sha256": digest, "length": len(data), "file": side}
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _from_json(record: dict[str, Any], file: Path | None) -> Event:
    facts = {key: value for key, value in record.items() if key not in {"n", "t_us", "actor", "kind", "dir", "data"}}
    data = _bytes(record.get("data", ""), file)
    return Event(record["n"], record["t_us"], record["actor"], record["kind"], record.get("dir", ""), data, facts)


def _bytes(data: Any, file: Path | None) -> bytes:
    if isinstance(data, str):
        try:
            return data.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(str(file), [f"holds a text that is no UTF-8: {error.reason}"]) from None
    if "base64" in data:
        try:
            return base64.b64decode(data["base64"], validate=True)
        except ValueError as error:
            raise DataError(str(file), [f"holds bytes that are not base64: {error}"]) from None
    if file is None:
        message = "a history in one piece has no files beside it"
        raise KitError(message)
    side = file.with_name(data["file"])
    content = side.read_bytes() if side.parent == file.parent and side.is_file() else b""
    if hashlib.sha256(content).hexdigest() != data["sha256"]:
        raise DataError(str(file), [f"the file {data['file']} beside it is missing or another one"])
    return content
