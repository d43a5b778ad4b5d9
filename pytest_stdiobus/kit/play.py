"""Plays a case against a seated target: acts, waits for what can be observed, and stops at the first failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit.history import KIT
from pytest_stdiobus.kit.walk import MET, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.drivers.seat import Seat
    from pytest_stdiobus.kit.walk import Walk

DEADLINE_S = 5.0  # a peer that is silent for so long, with nothing else to do, does not answer


def play(steps: Sequence[Step], seat: Seat, walk: Walk, deadline: float = DEADLINE_S) -> None:
    """Play the steps from start to end; everything there is to know afterwards is in the history."""
    seat.begin()
    try:
        for index, step in enumerate(steps):
            if step.acts:
                event = seat.act(step, walk.bindings.expand(step.value), index)
                if event is not None and "as" in step.more:
                    walk.bindings.bind(step.more["as"], event)
            elif _settle(walk, step, index, seat, deadline).outcome != MET:
                return
    finally:
        seat.end()


def _settle(walk: Walk, step: Step, index: int, seat: Seat, deadline: float) -> Reading:
    reading: Reading | None = None

    def settled() -> bool:
        nonlocal reading
        reading = walk.settle(step, len(seat.history.events))
        return reading is not None

    seat.pump.until(settled, deadline)
    seat.history.add(KIT, "step", index=index)
    return reading or walk.settle(step, len(seat.history.events), final=True) or Reading(MET)
