"""What is true of every history of a kernel, whatever the case was about.

A kernel may have messages of its own: it may answer a method that it knows, ask a worker something, end a connection
where a rule lets it. So a line that nobody sent is held against it only where it stands for one that somebody did send.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import EMBEDDED
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.checks.traffic import Key, Traffic, is_of_client, key_of, messages_of
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@invariant("KRN-TRN-01", subject="kernel")
def what_is_forwarded_is_not_changed(history: History) -> Iterator[Finding]:
    """A call has the very bytes of a line that the other side sent, and so has the result of a forwarded request."""
    for event, message, traffic in _delivered(history):
        if traffic.is_known(event) or _strips(history):
            continue
        if message.get("method") in traffic.methods_from_beyond(event):
            why = "is the call of a method that was sent, and its bytes are none that were sent"
            yield _fail("KRN-TRN-01", event, f"{wire.preview(event.data)} {why}")
        elif "result" in message and "id" in message and traffic.was_forwarded(event.actor, key_of(message)):
            why = "is no line of a worker, and its request had been forwarded to one"
            yield _fail("KRN-TRN-01", event, f"{wire.preview(event.data)} {why}")


@invariant("KRN-COR-01", subject="kernel")
def no_response_without_a_request(history: History) -> Iterator[Finding]:
    """A worker's response reaches nobody who has sent nothing with its id."""
    for event, message, traffic in _responses(history):
        if not traffic.has_asked(event.actor, key_of(message)):
            why = f"came to {event.actor}, which had sent no request with that id"
            yield _fail("KRN-COR-01", event, f"{wire.preview(event.data)} {why}")


@invariant("KRN-COR-02", subject="kernel")
def nobody_gets_anothers_response(history: History) -> Iterator[Finding]:
    """A worker's response to one client's request does not reach another that has used the same id."""
    for event, message, traffic in _responses(history):
        owners = traffic.owners(event, message)
        if traffic.has_asked(event.actor, key_of(message)) and owners and event.actor not in owners:
            why = f"answers a request of {' or '.join(sorted(owners))}, and came to {event.actor}"
            yield _fail("KRN-COR-02", event, f"{wire.preview(event.data)} {why}")


@invariant("KRN-RTE-08", subject="kernel")
def a_session_is_shown_to_those_who_know_it(history: History) -> Iterator[Finding]:
    """A worker's call with a top-level session reaches no client in whose messages that session does not occur.

    A text may be spelled with escapes, so that a client which uses any is taken to know every session. The host of a
    library is told whatever its workers say.
    """
    if history.head.get("transport") == EMBEDDED:
        return
    for event, message, traffic in _delivered(history):
        session = message.get("sessionId")
        if not (is_of_client(event) and "method" in message and isinstance(session, str) and traffic.is_known(event)):
            continue
        if not traffic.mentions(event, wire.encode(session)):
            why = f"came to {event.actor}, in whose messages that session does not occur"
            yield _fail("KRN-RTE-08", event, f"{wire.preview(event.data)} {why}")


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


def _delivered(history: History) -> Iterator[tuple[Event, dict[str, Any], Traffic]]:
    """The messages that the kernel wrote, each with what had been sent before it."""
    traffic = Traffic()
    for event in history.of_kind("line"):
        if event.dir == "out":
            for message in messages_of(event.data):
                yield event, message, traffic
        traffic.add(event)


def _responses(history: History) -> Iterator[tuple[Event, dict[str, Any], Traffic]]:
    """The responses of workers that reached a client as they were; a stripped request cannot be told by its bytes."""
    for event, message, traffic in _delivered(history):
        is_response = wire.kind_of(message) is Kind.RESPONSE and message["id"] is not None
        if is_response and is_of_client(event) and traffic.is_known(event) and not _strips(history):
            yield event, message, traffic


def _strips(history: History) -> bool:
    config = history.head.get("config", {})
    pools = config.get("pools", []) if isinstance(config, dict) else []
    return any(isinstance(pool, dict) and pool.get("envelope") == "strip" for pool in pools)


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
