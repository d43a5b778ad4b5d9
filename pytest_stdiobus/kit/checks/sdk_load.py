"""SDKs with a lot to do: more than anybody would write out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.checks import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_IN_FLIGHT = 10_000  # as many lines as the kit reads of one worker
_NOTIFICATIONS = 2_000  # more than any default of a queue is known to be


@check("sdk_requests_in_flight")
def sdk_requests_in_flight(_seed: int) -> Iterator[Mapping[str, Any]]:
    """Ten thousand requests have left before the first is answered; the last is answered first, and each with its own number."""
    for n in range(_IN_FLIGHT):
        yield {"call": f"q{n}", "send": {"op": "request", "method": "m", "params": [n], "timeout_ms": 600_000}}
    for n in range(_IN_FLIGHT):
        yield {"pool": "w", "next": {"method": "m", "params": [n]}, "as": f"got{n}"}
    for n in reversed(range(_IN_FLIGHT)):
        answer = {"id": {"$from": f"got{n}/id"}, "result": [n], "sessionId": {"$from": f"got{n}/sessionId"}}
        yield {"worker": f"got{n}", "send": {"jsonrpc": "2.0", **answer}}
    for n in range(_IN_FLIGHT):
        yield {"call": f"q{n}", "next": {"event": "result", "value": [n]}}


@check("sdk_many_notifications")
def sdk_many_notifications(_seed: int) -> Iterator[Mapping[str, Any]]:
    """A subscriber has room for all notifications that a worker sends, and takes none before all have come."""
    yield {"call": "s", "send": {"op": "subscribe", "max_queue": _NOTIFICATIONS}}
    yield {"call": "q", "send": {"op": "request", "method": "m"}}
    yield {"pool": "w", "next": {"method": "m"}, "as": "got"}
    ours = {"jsonrpc": "2.0", "sessionId": {"$from": "got/sessionId"}}
    for n in range(_NOTIFICATIONS):
        yield {"worker": "got", "send": {**ours, "method": "n", "params": [n]}}
    yield {"worker": "got", "send": {**ours, "id": {"$from": "got/id"}, "result": 0}}
    yield {"call": "q", "next": {"event": "result", "value": 0}}
    yield {"call": "p", "send": {"op": "next", "of": "s", "n": _NOTIFICATIONS}}
    for n in range(_NOTIFICATIONS):
        value = {"method": "n", "params": [n], "$schema": {"type": "object"}}
        yield {"call": "s", "next": {"event": "notification", "value": value}}
