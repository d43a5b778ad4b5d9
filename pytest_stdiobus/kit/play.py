"""Plays a case against a seated target: acts, waits for what can be observed, and stops at the first failure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import DOCKER
from pytest_stdiobus.kit.history import ADAPTER, KIT, USAGE
from pytest_stdiobus.kit.patience import ANSWER, CONTAINED, QUIET
from pytest_stdiobus.kit.usage import Watch
from pytest_stdiobus.kit.walk import MET, refers_to_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.attend import Attendant
    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.drivers.seat import Seat
    from pytest_stdiobus.kit.patience import Patience
    from pytest_stdiobus.kit.walk import Reading, Walk


@dataclass
class Player:
    """Plays steps, one after the other.

    Attributes:
        seat: the target.
        walk: how far the case has come.
        patience: how long to wait.
        attendant: who answers what the target asks.
    """

    seat: Seat
    walk: Walk
    patience: Patience
    attendant: Attendant
    _index: int = 0

    def play(self, steps: Sequence[Step]) -> None:
        """Play the steps from start to end; everything there is to know afterwards is in the history.

        Raises:
            HarnessError: the kit's own failure, or one of the case.
        """
        try:
            self.begin()
            self.perform(steps)
            self.seat.end()
        finally:
            self.seat.close()

    def begin(self) -> None:
        """Start the target."""
        self.seat.begin()
        self.walk.begin()

    def perform(self, steps: Sequence[Step]) -> bool:
        """Do what the steps say, up to the first that is not met; whether all were."""
        for step in steps:
            if step.acts:
                self.act(step)
            elif self.settle(step).outcome != MET:
                return False
        return True

    def act(self, step: Step) -> None:
        """Do what a step says.

        Raises:
            HarnessError: nobody can.
        """
        index = self._next_index()
        try:
            more = self.walk.bindings.expand(step.more)
            step, value = replace(step, actor=self.walk.who(step), more=more), self.walk.bindings.expand(step.value)
        except LookupError as error:
            raise refers_to_nothing(error) from None
        event = self.seat.act(step, value, index)
        if event is not None and "as" in step.more:
            self.walk.bindings.bind(step.more["as"], event)

    def settle(self, step: Step) -> Reading:
        """What a step that reads or states something comes to; it is waited for."""
        index = self._next_index()
        reading: Reading | None = None
        history = self.seat.history
        usage = Watch(self.seat.observe, history) if step.actor == USAGE else None
        opens = step.actor == ADAPTER and history.head.get("transport") == DOCKER
        what = CONTAINED if opens else ANSWER if usage is None else QUIET

        def settled() -> bool:
            nonlocal reading
            self.attendant.attend(self.seat, index)
            if usage is not None:
                usage.look()
            reading = self.walk.settle(step, len(history.events))
            return reading is not None

        whose = f"{step.judges} on {history.head.get('transport')}"
        wait = self.patience.wait(what, whose)
        seconds = min(wait.seconds, step.more.get("wait_ms", math.inf) / 1000 / self.patience.time_scale)
        in_time = self.seat.pump.until(settled, seconds)
        in_vain = not in_time and "wait_ms" not in step.more
        self.patience.note(what, wait, whose, seen=any(history.lines()), in_vain=in_vain)
        history.add(KIT, "step", index=index, **({} if in_time else wait.facts))
        return reading or self.walk.give_up(step, len(history.events))

    def _next_index(self) -> int:
        self._index += 1
        return self._index - 1
