"""What is true of every history of a worker, whatever the case was about."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

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
    """Every line is one JSON object, and the last one is ended by its LF."""
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
            if not isinstance(value, dict):
                yield _fail("WRK-01", event, f"{wire.preview(event.data)} is not a JSON object")
            elif not event.facts.get("terminated", True) and not killed:
                yield _fail("WRK-01", event, f"{wire.preview(event.data)} was not ended by a line feed")


@invariant("WRK-03", subject="worker")
def at_most_one_response_to_a_request(history: History) -> Iterator[Finding]:
    """Every response answers a request that was sent, with the very id, and only once."""
    asked: Counter[bytes] = Counter()
    for event in history.events:
        message = wire.parsed(event.data) if event.kind == "line" else None
        if message is None:
            continue
        kind, key = wire.kind_of(message), wire.encode(message.get("id"))
        if event.dir == "in" and kind is Kind.REQUEST:
            asked[key] += 1
        elif event.dir == "out" and kind is Kind.RESPONSE:
            if asked[key] == 0 and not (message["id"] is None and "error" in message):
                yield _fail(
                    "WRK-03", event, f"{wire.preview(event.data)} answers no open request with the id {key.decode()}"
                )
            asked[key] -= 1


@invariant("WRK-08", subject="worker")
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


def _is_cut(event: Event) -> bool:
    """Whether the kit has stopped reading, which ends many a writer."""
    return event.kind == "harness" and event.facts["what"] == "flood"


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
