"""What is true of every history of a kernel, whatever the case was about.

A kernel may have messages of its own: it may answer a method that it knows, ask a worker something, end a connection
where a rule lets it. So a line that nobody sent is held against it only where it stands for one that somebody did send.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.checks.traffic import is_of_client, key_of, messages_of
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.checks.traffic import Key
    from pytest_stdiobus.kit.history import Event, History


@invariant("KRN-FRM-01", subject="kernel")
def only_json_objects_to_either_side(history: History) -> Iterator[Finding]:
    """What a kernel writes to a client or worker is one JSON object a line, ended by LF.

    What it passes on as it came is its author's, and so are the line feeds that a host hands over.

    A kernel that did not end by itself, and one that closed a client which did not read, may have been in the middle of
    a line.
    """
    came = {line.removesuffix(b"\r") for event in history.lines(direction="in") for line in event.data.split(b"\n")}
    ended = any(event.kind == "exit" and event.actor == TARGET and "code" in event.facts for event in history.events)
    for event in history.lines():
        if event.actor == TARGET and not _is_read_by_a_client(history):
            continue
        if not event.facts.get("terminated", True):
            if ended and not any(history.of_kind("stall")):
                yield _fail("KRN-FRM-01", event, f"{wire.preview(event.data)} was not ended by a line feed")
        elif event.data.removesuffix(b"\r") not in came and not _is_object(event.data):
            yield _fail("KRN-FRM-01", event, f"{wire.preview(event.data)} is not one JSON object, and nobody sent it")


@invariant("KRN-ERR-01", subject="kernel")
def at_most_one_answer_to_a_request(history: History) -> Iterator[Finding]:
    """A client is not answered more often than it has used an id, unless it has sent what nobody can read."""
    used: defaultdict[str, Counter[Key]] = defaultdict(Counter)
    unreadable: set[str] = set()
    for event in history.of_kind("line"):
        if not is_of_client(event):
            continue
        messages = messages_of(event.data)
        if event.dir == "in":
            used[event.actor].update(key_of(message) for message in messages if "id" in message)
            unreadable |= set() if messages else {event.actor}
            continue
        for message in messages:
            if wire.kind_of(message) is Kind.RESPONSE and (key := key_of(message)) in used[event.actor]:
                used[event.actor][key] -= 1
                if used[event.actor][key] < 0 and message["id"] is not None and event.actor not in unreadable:
                    yield _fail(
                        "KRN-ERR-01", event, f"{wire.preview(event.data)} answers what had been answered before"
                    )


@invariant("KRN-WRK-02", subject="kernel")
def a_worker_has_its_three_descriptors(history: History) -> Iterator[Finding]:
    """A scripted worker sees descriptors 0 to 2 and its own way to the kit, where the system tells."""
    for event in history.of_kind("open"):
        more = {number: what for number, what in event.facts.get("fds", {}).items() if number not in {"0", "1", "2"}}
        if len(more) > 1:
            told = ", ".join(f"{number} ({what})" for number, what in sorted(more.items()))
            why = f"{event.actor} has, besides descriptors 0 to 2 and one socket that it made itself, more: {told}"
            yield _fail("KRN-WRK-02", event, why)


def _is_read_by_a_client(history: History) -> bool:
    """Whether stdout is a client's, also before it has sent anything; else what is printed is for a reader, as usage is."""
    return history.head.get("transport") == "stdio" and any(map(is_of_client, history.of_kind("line")))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(wire.parse(line), dict)
    except wire.TooDeepError:
        return True
    except ValueError:
        return False


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
