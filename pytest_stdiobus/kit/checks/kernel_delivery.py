"""Whether what a kernel hands over is what was sent, and comes to those it is for.

A line that nobody sent is held against a kernel only where it stands for one that somebody did send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import EMBEDDED
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.checks.traffic import Traffic, is_of_client, key_of, messages_of
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stdiobus.kit.history import Event, History

    Rule = Callable[[Event, dict[str, Any], Traffic], str]


def is_not_changed(event: Event, message: dict[str, Any], traffic: Traffic) -> str:
    """A call has the very bytes of a line that the other side sends, and so has the result of a forwarded request."""
    if traffic.is_of_beyond(event):
        return ""
    if message.get("method") in traffic.methods_from_beyond(event):
        return "is the call of a method that was sent, and its bytes are none that were sent"
    if "result" in message and "id" in message and traffic.was_forwarded(event.actor, key_of(message)):
        return "is no line of a worker, and its request had been forwarded to one"
    return ""


def answers_a_request(event: Event, message: dict[str, Any], traffic: Traffic) -> str:
    """A worker's response reaches nobody who has sent nothing with its id."""
    if not _is_response(event, message, traffic) or traffic.has_asked(event.actor, key_of(message)):
        return ""
    return f"came to {event.actor}, which had sent no request with that id"


def answers_nobody_elses_request(event: Event, message: dict[str, Any], traffic: Traffic) -> str:
    """A worker's response to one client's request does not reach another that has used the same id."""
    if not _is_response(event, message, traffic) or not traffic.has_asked(event.actor, key_of(message)):
        return ""
    owners = traffic.owners(event, message)
    if not owners or event.actor in owners:
        return ""
    return f"answers a request of {' or '.join(sorted(owners))}, and came to {event.actor}"


def is_of_a_session_of_both(event: Event, message: dict[str, Any], traffic: Traffic) -> str:
    """A worker's call with a top-level session reaches no client in whose messages that session does not occur.

    Nor does it reach one where all that was sent in the session is known to be at other workers. A text may be spelled with
    escapes, so that whoever uses any is taken to know every session.
    """
    session = message.get("sessionId")
    if not (is_of_client(event) and "method" in message and isinstance(session, str) and traffic.is_known(event)):
        return ""
    name, author = wire.encode(session), traffic.only_author(event)
    if not traffic.mentions(event, name):
        return f"came to {event.actor}, in whose messages that session does not occur"
    if author and traffic.is_elsewhere(author, name):
        return f"came to {event.actor} from {author}, and all that was sent in that session had gone to others"
    return ""


_EXACT: dict[str, Rule] = {  # a message that was stripped cannot be told by its bytes
    "KRN-TRN-01": is_not_changed,
    "KRN-COR-01": answers_a_request,
    "KRN-COR-02": answers_nobody_elses_request,
}
_SHOWN: dict[str, Rule] = {"KRN-RTE-08": is_of_a_session_of_both}  # the host of a library is told everything


@invariant(*_EXACT, *_SHOWN, subject="kernel")
def every_message_is_delivered_as_it_was_sent(history: History) -> Iterator[Finding]:
    """All rules about what is handed over, in one look at a history, because a long one takes long to read."""
    rules = {} if _strips(history) else dict(_EXACT)
    if history.head.get("transport") != EMBEDDED:
        rules |= _SHOWN
    traffic = Traffic(history)
    for event in history.of_kind("line"):
        messages = messages_of(event.data)
        for message in messages if event.dir == "out" else []:
            for requirement, rule in rules.items():
                if why := rule(event, message, traffic):
                    yield Finding(requirement, Outcome.FAIL, f"{wire.preview(event.data)} {why}", (event.n,))
        traffic.add(event, messages)


def _is_response(event: Event, message: dict[str, Any], traffic: Traffic) -> bool:
    """Whether it is a worker's response that has reached a client as it was."""
    is_response = wire.kind_of(message) is Kind.RESPONSE and message["id"] is not None
    return is_response and is_of_client(event) and traffic.is_known(event)


def _strips(history: History) -> bool:
    config = history.head.get("config", {})
    pools = config.get("pools", []) if isinstance(config, dict) else []
    return any(isinstance(pool, dict) and pool.get("envelope") == "strip" for pool in pools)
