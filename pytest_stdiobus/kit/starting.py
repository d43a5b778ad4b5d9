"""Whether a target starts at all: one that does not breaks no rule, and whoever runs it has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit.history import TARGET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.drivers.seat import Seat
    from pytest_stdiobus.kit.history import Event, History

_WORDS = 5  # lines of its stderr


def died_in_silence(history: History) -> bool:
    """Whether a target ended by its own fault before it had written a line."""
    return not any(history.lines()) and _death(history) is not None


def why_it_does_not_start(seat: Seat, seconds: float) -> str:
    """Start a target of which nothing is asked; how it ended by itself, or nothing where it goes on."""
    history = seat.history
    try:
        seat.begin()
        seat.pump.until(lambda: any(_exits(history)), seconds)
        if not died_in_silence(history):
            return ""
        seat.end()
    finally:
        seat.close()
    death = _death(history)
    assert death is not None
    how = f"is ended by {death.facts['signal']}" if "signal" in death.facts else f"exits with {death.facts['code']}"
    text = b"".join(event.data for event in history.of_kind("stderr")).decode("utf-8", "backslashreplace")
    said = "".join(f"\n  {line}" for line in text.splitlines()[-_WORDS:])
    return f"it {how} before anything is asked of it{', and its last words are:' if said else ''}{said}"


def _death(history: History) -> Event | None:
    """The end of a target that nobody had asked to end, if it was a failure."""
    exited = next(_exits(history), None)
    if exited is None or exited.facts.get("code") == 0:
        return None
    asked = any(event.kind in {"ending", "signal"} for event in history.events[: exited.n])
    return None if asked else exited


def _exits(history: History) -> Iterator[Event]:
    return (event for event in history.of_kind("exit") if event.actor == TARGET)
