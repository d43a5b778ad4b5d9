"""What a case needs of a target, whatever kind it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pytest_stdiobus.kit import pattern, wire
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import TARGET

if TYPE_CHECKING:
    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.channel import Channel
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.pump import Pump

_LOST = "its process has ended"
_PIECE_S = 0.05  # longer than any reader takes that reads at all


class Seat(Protocol):
    """A target that runs one case."""

    history: History
    pump: Pump

    def begin(self) -> None:
        """Start it."""

    def act(self, step: Step, value: Any, index: int) -> Event | None:
        """Do what a step says with its expanded value; the event that ``as`` binds."""

    def observe(self) -> dict[str, Any]:
        """What its process has used so far (`kit.usage`)."""

    def end(self) -> None:
        """End it, read everything to the end, and see what it leaves behind."""

    def close(self) -> None:
        """Let go of everything at once, also after a failure and in the middle of a case; nothing is left running."""


def tell_exit(history: History, facts: dict[str, Any]) -> None:
    """Record that the target's process has ended, as a fact that steps can read."""
    how = {key: facts[key] for key in ("code", "signal") if key in facts}
    history.add(TARGET, "exit", data=wire.encode({"exit": how}), **facts)


def send(channel: Channel, pump: Pump, step: Step, value: Any, index: int) -> Event | None:
    """Send to a channel; with ``split: N`` in pieces of N bytes, each taken before the next.

    A line is recorded when its LF is sent, by whichever step: no answer can precede it, and none follows half of it. To a
    process that has ended unasked nothing is sent, and that is recorded instead: a target may have killed its worker.

    Returns:
        The last line that was completed, if one was.

    Raises:
        HarnessError: the case has closed the channel before.
    """
    if channel.is_closed:
        message = f"the case sends to {channel.actor} after it has closed it"
        raise HarnessError(message)
    data = pattern.payload(value)
    size = step.more.get("split", len(data)) or 1
    last: Event | None = None
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        for line in channel.completed_by(piece):
            if channel.is_lost:
                last = pump.history.add(channel.actor, "harness", data=line, what="write", error=_LOST, step=index)
            else:
                last = pump.history.add(channel.actor, "line", dir="in", data=line, step=index)
        channel.send(piece)
        if size < len(data):
            pump.until(lambda: not channel.wants_write and channel.unread_by_peer() == 0, _PIECE_S)
    return last
