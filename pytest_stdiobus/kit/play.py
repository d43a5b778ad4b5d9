"""Plays a case against a seated target: acts, waits for what can be observed, and stops at the first failure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.history import KIT
from pytest_stdiobus.kit.patience import ANSWER
from pytest_stdiobus.kit.walk import MET, refers_to_nothing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.drivers.seat import Seat
    from pytest_stdiobus.kit.patience import Patience
    from pytest_stdiobus.kit.walk import Reading, Walk


def play(steps: Sequence[Step], seat: Seat, walk: Walk, patience: Patience) -> None:
    """Play the steps from start to end; everything there is to know afterwards is in the history.

    Raises:
        HarnessError: the kit's own failure, or one of the case.
    """
    try:
        seat.begin()
        for index, step in enumerate(steps):
            if step.acts:
                _act(walk, step, index, seat)
            elif _settle(walk, step, index, seat, patience).outcome != MET:
                break
        seat.end()
    finally:
        seat.close()


def _act(walk: Walk, step: Step, index: int, seat: Seat) -> None:
    try:
        step, value = replace(step, actor=walk.who(step)), walk.bindings.expand(step.value)
    except LookupError as error:
        raise refers_to_nothing(error) from None
    event = seat.act(step, value, index)
    if event is not None and "as" in step.more:
        walk.bindings.bind(step.more["as"], event)


def _settle(walk: Walk, step: Step, index: int, seat: Seat, patience: Patience) -> Reading:
    reading: Reading | None = None

    def settled() -> bool:
        nonlocal reading
        reading = walk.settle(step, len(seat.history.events))
        return reading is not None

    wait = patience.wait(ANSWER)
    in_time = seat.pump.until(settled, wait.seconds)
    patience.note(ANSWER, wait, seen=any(seat.history.lines()), in_vain=not in_time)
    seat.history.add(KIT, "step", index=index, **({} if in_time else wait.facts))
    return reading or walk.give_up(step, len(seat.history.events))
