"""What is true of every history of a worker, whatever the case was about."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.result import Finding, Outcome
from pytest_stdiobus.kit.wire import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.history import Event, History


@invariant("WRK-01", subject="worker")
def only_json_objects_on_stdout(history: History) -> Iterator[Finding]:
    """Every line is one JSON object, and the last one is ended by its LF.

    An array that answers a batch is left alone: JSON-RPC 2.0 asks for one, whoever sent the batch.
    """
    batched = any(isinstance(_value(event), list) for event in history.lines(direction="in"))
    killed = any(event.kind == "signal" for event in history.events)
    for event in history.lines():
        try:
            value = wire.parse(event.data)
        except wire.TooDeepError:
            continue
        except ValueError as error:
            if event.facts.get("terminated", True) or not killed:
                yield _fail("WRK-01", event, f"{wire.preview(event.data)} is not JSON: {error}")
        else:
            if isinstance(value, list) and batched:
                continue
            if not isinstance(value, dict):
                yield _fail("WRK-01", event, f"{wire.preview(event.data)} is not a JSON object")
            elif not event.facts.get("terminated", True) and not killed:
                yield _fail("WRK-01", event, f"{wire.preview(event.data)} was not ended by a line feed")


@invariant("WRK-02", subject="worker")
def no_logs_among_the_messages(history: History) -> Iterator[Finding]:
    """A JSON object without any member of JSON-RPC is no message: a log that was written as JSON."""
    for event in history.lines():
        message = wire.parsed(event.data)
        if message is not None and wire.is_no_message(message):
            yield _fail("WRK-02", event, f"{wire.preview(event.data)} is no message, but stands on stdout")


@invariant("WRK-03", subject="worker")
def at_most_one_response_to_a_request(history: History) -> Iterator[Finding]:
    """Every response answers a request that was sent, with the very id, and only once.

    What is no valid request may be answered too, with an error (JSON-RPC 2.0, section 5.1). An answer has an id and either
    a result or an error (section 5).
    """
    for event, message, what in _answers(history):
        if what == _NOTHING:
            why = f"{wire.preview(event.data)} answers no open request with the id {_key(message)}"
            yield _fail("WRK-03", event, why)
    for event in history.lines():
        half = wire.parsed(event.data)
        if half is not None and wire.kind_of(half) is Kind.OTHER and half.keys() & {"id", "result"}:
            yield _fail("WRK-03", event, f"{wire.preview(event.data)} has not both an id and a result or error")


@invariant("WRK-16", subject="worker")
def no_answer_to_a_response(history: History) -> Iterator[Finding]:
    """What has a result or an error is not answered, not by an error either."""
    for event, _, what in _answers(history):
        if what == _RESPONSE:
            yield _fail("WRK-16", event, f"{wire.preview(event.data)} answers a response")


@invariant("WRK-08", subject="worker", of_process=True)
def it_ends_when_its_input_ends(history: History) -> Iterator[Finding]:
    """At the end of its input a worker exits with status 0 by itself, and no process of its own is left."""
    ending = next(history.of_kind("ending"), None)
    if ending is None:
        return
    before = [event for event in history.events[: ending.n] if event.kind in {"signal", "exit"} or _is_cut(event)]
    after = [event for event in history.events[ending.n :] if event.actor == TARGET]
    forced = next((event for event in after if event.kind == "signal"), None)
    exited = next((event for event in after if event.kind == "exit"), None)
    hurried = "shortened" in ending.facts  # not given its full time, because it has been judged for this before
    if not before and forced is not None and not hurried:
        seconds = (forced.t_us - ending.t_us) / 1_000_000
        yield _fail("WRK-08", forced, f"it had not exited {seconds:.1f} s after the end of its input")
    elif not before and forced is None and exited is not None and exited.facts.get("code") != 0:
        yield _fail(
            "WRK-08", exited, f"at the end of its input it ended with {exited.data.decode()}, not with status 0"
        )
    for event in history.of_kind("orphans"):
        left = ", ".join(f"{process['pid']} {process['command']}" for process in event.facts["processes"])
        yield _fail("WRK-08", event, f"it left processes behind: {left}")


@invariant("WRK-09", subject="worker", of_process=True)
def a_failure_says_why(history: History) -> Iterator[Finding]:
    """A worker that ends by itself with a status other than 0 has written something to stderr."""
    for event in history.events:
        if event.kind in {"signal", "closing", "ending"} or _is_cut(event):
            return
        if event.kind == "exit":
            if event.facts.get("code") and not any(history.of_kind("stderr")):
                yield _fail("WRK-09", event, f"it ended with {event.data.decode()} and without a word on stderr")
            return


_REQUEST, _RESPONSE, _OTHER, _NOTHING = "a request", "a response", "something else", "nothing"


def _answers(history: History) -> Iterator[tuple[Event, dict[str, Any], str]]:
    """Every response of the worker, and what it answers."""
    sent = _Sent()
    for event in history.of_kind("line"):
        if event.dir == "in":
            sent.add(event)
            continue
        message = wire.parsed(event.data)
        if wire.kind_of(message) is Kind.RESPONSE:
            yield event, message, sent.take(message)


class _Sent:
    """What a worker was sent, and has not answered."""

    def __init__(self) -> None:
        self._open: Counter[tuple[str, str]] = Counter()
        self._unreadable: list[bytes] = []

    def add(self, event: Event) -> None:
        """Remember the ids of a line, of a batch too."""
        value = _value(event)
        if value is None:
            self._unreadable.append(event.data)
        for message in value if isinstance(value, list) else [value]:
            if isinstance(message, dict) and "id" in message:
                what = {Kind.REQUEST: _REQUEST, Kind.RESPONSE: _RESPONSE}.get(wire.kind_of(message), _OTHER)
                self._open[what, _key(message)] += 1

    def take(self, answer: dict[str, Any]) -> str:
        """What there is for it to answer, which is answered then."""
        key, is_error = _key(answer), "error" in answer
        for what in (_REQUEST, _OTHER, _RESPONSE) if is_error else (_REQUEST,):
            if self._open[what, key] > 0:
                self._open[what, key] -= 1
                return what
        refuses_a_line = is_error and answer["id"] is None
        return _OTHER if refuses_a_line or any(key.encode() in line for line in self._unreadable) else _NOTHING


def _value(event: Event) -> Any:
    """The JSON value of a line; None where it has none that can be read."""
    try:
        return wire.parse(event.data)
    except ValueError:
        return None


def _key(message: dict[str, Any]) -> str:
    """An id as one text for what any reader of JSON takes for it: 1, 1.0 and 1e0 are one number.

    Integers beyond 2^53 count by their doubles: that they come back exactly is a matter of WRK-14.
    """
    value = message["id"]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            value = float(value)
    exact = int(value) if isinstance(value, float) and value.is_integer() else value
    return wire.encode(exact).decode("utf-8", "surrogatepass")


def _is_cut(event: Event) -> bool:
    """Whether the kit has stopped reading, which ends many a writer."""
    return event.kind == "harness" and event.facts["what"] == "flood"


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
