"""A history as people read it: who said what to whom, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.history import SCRIPTED_KERNEL, TARGET, WORKER
from pytest_stdiobus.report.masking import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.report.masking import Mask
    from pytest_stdiobus.report.model import Entry

FIRST, LAST = 20, 30  # entries of a long transcript
STDERR_LINES = 20
_BLANK = "(a blank line)"


def transcript(history: History, subject: str, marked: Collection[int], mask: Mask) -> tuple[list[Entry], int]:
    """What crossed the wire and what became of the processes.

    Args:
        history: what was observed.
        subject: how the target is called in it.
        marked: the events that a finding points at.
        mask: what must not be shown.

    Returns:
        the entries, and how many in the middle were left out.
    """
    entries = [entry for event in history.events for entry in _entry(event, subject, mask, marked=event.n in marked)]
    if len(entries) <= FIRST + LAST:
        return entries, 0
    kept = entries[:FIRST] + [entry for entry in entries[FIRST:-LAST] if entry["marked"]][:LAST] + entries[-LAST:]
    return kept, len(entries) - len(kept)


def stderr(history: History, mask: Mask) -> list[str]:
    """The last lines that the target wrote to its log."""
    text = b"".join(event.data for event in history.of_kind("stderr"))
    return [mask.line(line) for line in text.splitlines()[-STDERR_LINES:]]


def _entry(event: Event, subject: str, mask: Mask, *, marked: bool) -> Iterator[Entry]:
    other = printable(event.actor.removeprefix("client:").removeprefix(f"{TARGET}:"))
    said = (mask.line(event.data) if event.data.strip() else _BLANK) if event.kind == "line" else _fact(event)
    if not said:
        return
    if event.kind == "line" and not event.facts.get("terminated", True):
        said = f"{said} (no line feed)"
    sender, receiver = (other, subject) if event.dir == "in" else (subject, other)
    if not event.dir:
        whose = other if event.actor.startswith((f"{WORKER}:", SCRIPTED_KERNEL)) else ""
        own = event.kind in {"exit", "files", "orphans", "harness"}
        sender, receiver = (whose or subject, "") if own else ("kit", whose)
    yield {
        "ms": event.t_us / 1000,
        "from": sender,
        "to": receiver,
        "text": said if event.kind == "line" else mask.text(said),
        "marked": marked,
        "n": event.n,
    }


def _fact(event: Event) -> str:
    """What is told of an event that is no line; nothing of what only the judge needs."""
    told = _FACTS.get(event.kind)
    return told(event.facts) if told and (event.kind, event.actor) != ("eof", TARGET) else ""


def _exit(facts: dict[str, Any]) -> str:
    if "signal" in facts:
        return f"ended by {facts['signal']}"
    # How a scripted worker ended is for the kernel to see, its parent.
    return f"exited with status {facts['code']}" if "code" in facts else "ended"


def _signal(facts: dict[str, Any]) -> str:
    return f"sends {facts['signal']}" if "signal" in facts else f"lets it exit with status {facts['exit']}"


def _orphans(facts: dict[str, Any]) -> str:
    left = (f"{process['pid']} {printable(process['command'])}" for process in facts["processes"])
    return f"leaves behind: {', '.join(left)}"


def _harness(facts: dict[str, Any]) -> str:
    return printable(str(facts["error"])) if "error" in facts else f"wrote on and on: {facts['bytes']} bytes"


def _files(facts: dict[str, Any]) -> str:
    return "leaves its socket" if "left" in facts else f"has made its socket, mode {facts['mode']:04o}"


_FACTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "exit": _exit,
    "orphans": _orphans,
    "harness": _harness,
    "files": _files,
    "signal": _signal,
    "half_close": lambda _: "ends the input",
    "close": lambda _: "closes the connection",
    "eof": lambda _: "ends its output",
    "stall": lambda _: "stops reading",
    "resume": lambda _: "reads on",
}
