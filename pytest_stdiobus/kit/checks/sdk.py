"""What is true of every history of an SDK, whatever the case was about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.history import SCRIPTED_KERNEL, WORKER
from pytest_stdiobus.kit.result import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.history import Event, History


@invariant("SDK-WIR-01", subject="sdk")
def every_call_is_one_of_json_rpc(history: History) -> Iterator[Finding]:
    """What an SDK makes of a call says its version, and a request has a text as id that no other has.

    A line that the user wrote and the SDK only passes on is the user's.
    """
    own = {wire.parse(event.data).get("line") for event in _commands(history, "send")}
    ids: set[str] = set()
    for event in history.lines():
        if not event.actor.startswith((SCRIPTED_KERNEL, f"{WORKER}:")) or event.data.decode("utf-8", "replace") in own:
            continue
        message = wire.parsed(event.data)
        if message is None or "method" not in message:
            continue
        if message.get("jsonrpc") != "2.0":
            yield _fail("SDK-WIR-01", event, f"{wire.preview(event.data)} does not say jsonrpc 2.0")
        elif "id" in message and not isinstance(message["id"], str):
            yield _fail("SDK-WIR-01", event, f"{wire.preview(event.data)} has an id that is no text")
        elif "id" in message and message["id"] in ids:
            yield _fail("SDK-WIR-01", event, f"{wire.preview(event.data)} has the id of an earlier request")
        ids |= {message["id"]} if isinstance(message.get("id"), str) else set()


@invariant("SDK-CAN-05", subject="sdk")
def no_kernel_that_nobody_asked_for(history: History) -> Iterator[Finding]:
    """A kernel starts when a client is opened, and not again."""
    opened = 0
    for event in history.events:
        opened += event.kind == "line" and _member(event, "command") == "open"
        if event.kind == "open" and event.actor.startswith(SCRIPTED_KERNEL):
            opened -= 1
            if opened < 0:
                yield _fail("SDK-CAN-05", event, f"{event.actor} was started, and no client had been opened")


def _commands(history: History, op: str) -> Iterator[Event]:
    return (event for event in history.lines(direction="in") if _member(event, "op") == op)


def _member(event: Event, name: str) -> Any:
    message = wire.parsed(event.data) if event.actor.startswith(("call:", "target:")) else None
    return None if message is None else message.get(name)


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
