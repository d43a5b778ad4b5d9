"""Where the messages of a session go, and in which order messages arrive, in every history of a kernel.

Only lines are looked at that were sent once and by one peer, so that it is known which of them has arrived. A kernel may
hold a request back whose id another request has, and may send what was on its way to a worker that has died to another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.checks.traffic import is_of_client, key_of, messages_of
from pytest_stdiobus.kit.history import WORKER
from pytest_stdiobus.kit.result import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.checks.traffic import Key
    from pytest_stdiobus.kit.history import Event, History

_ENDS = frozenset({"exit", "signal", "half_close", "close", "eof"})


class _Arrived(NamedTuple):
    """A call that has arrived: its line, the message, and the event of its being sent."""

    event: Event
    message: dict[str, Any]
    sent: Event


@invariant("KRN-RTE-01", subject="kernel")
def a_session_stays_with_its_worker(history: History) -> Iterator[Finding]:
    """Until a client leaves or a worker ends, what clients send in a session reaches one worker of a pool."""
    served: dict[tuple[str, str], str] = {}
    disturbed = next((event.n for event in history.events if _disturbs(event)), len(history.events))
    for arrived in _arrived(history, upto=disturbed):
        session, worker = arrived.message.get("sessionId"), arrived.event.actor
        if is_of_client(arrived.event) or not isinstance(session, str):
            continue
        first = served.setdefault((session, worker.partition("/")[0]), worker)
        if worker != first:
            why = f"{wire.preview(arrived.event.data)} came to {worker}, and what was sent before in its session to {first}"
            yield _fail("KRN-RTE-01", arrived.event, why)


@invariant("KRN-RTE-04", subject="kernel")
def messages_keep_their_order(history: History) -> Iterator[Finding]:
    """Calls from one client to one worker, and in a session from its worker to a client, come in order, and each once."""
    latest: dict[tuple[str, str, str], Event] = {}
    seen: set[tuple[str, bytes]] = set()
    ended = next((event.n for event in history.events if _disturbs(event) and event.actor.startswith(WORKER)), None)
    uses = _uses(history)
    for arrived in _arrived(history, upto=len(history.events)):
        event, message, sent = arrived
        place = (event.actor, sent.data)
        if place in seen:
            yield _fail("KRN-RTE-04", event, f"{wire.preview(event.data)} came again, and was sent once")
        seen.add(place)
        session = message.get("sessionId")
        if is_of_client(event) and ("id" in message or not isinstance(session, str)):
            continue
        if not is_of_client(event) and ended is not None and event.n > ended:
            continue
        stream = (sent.actor, event.actor, str(session) if is_of_client(event) else "")
        before = latest.get(stream)
        if before is None or before.n < sent.n:
            latest[stream] = sent
        elif before.n > sent.n and not ("id" in message and uses[key_of(message)] > 1):
            why = f"{wire.preview(event.data)} came after {wire.preview(before.data)}, and was sent before it"
            yield _fail("KRN-RTE-04", event, why)


def _arrived(history: History, *, upto: int) -> Iterator[_Arrived]:
    """The requests and notifications among the first events that are known to have been sent by one peer, and once."""
    sent: defaultdict[bytes, list[Event]] = defaultdict(list)
    for event in history.lines(direction="in"):
        sent[event.data.removesuffix(b"\r")].append(event)
    for event in history.lines():
        known = sent.get(event.data.removesuffix(b"\r"), [])
        if event.n >= upto or len(known) != 1 or is_of_client(event) == is_of_client(known[0]):
            continue
        if "planned" in known[0].facts:  # a host hands it over in a callback, and nobody sees when
            continue
        for message in messages_of(event.data):
            if "method" in message:
                yield _Arrived(event, message, known[0])


def _uses(history: History) -> Counter[Key]:
    """How many lines of clients have each id."""
    lines = (event for event in history.lines(direction="in") if is_of_client(event))
    return Counter(key_of(message) for event in lines for message in messages_of(event.data) if "id" in message)


def _disturbs(event: Event) -> bool:
    """Whether somebody has left, so that a session may have ended, or a worker have been replaced."""
    return event.kind in _ENDS and event.actor.startswith(("client:", f"{WORKER}:"))


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
