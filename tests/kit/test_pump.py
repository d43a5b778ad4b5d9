"""How the kit waits, and that it tells when it was kept from it."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit import pump as module
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.pump import Pump

if TYPE_CHECKING:
    from collections.abc import Callable

TURN = 0.1  # seconds on the clock below, which are what a turn is to take


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """``clock(seconds)``: a clock on which every turn takes that long, without this process having used any of it."""

    def set_to(seconds: float) -> None:
        now = itertools.count(step=seconds)
        fake = SimpleNamespace(monotonic=lambda: next(now), thread_time=lambda: 0.0)
        monkeypatch.setattr(module, "time", fake)
        monkeypatch.setattr(Pump, "_turn", lambda *_: False)

    return set_to


@pytest.mark.parametrize("scale", [1, 4])
def test_a_wait_is_as_long_as_the_machine_is_slow(clock: Callable[[float], None], scale: int) -> None:
    clock(TURN / 2)  # it is read twice a turn
    turns = 0

    def done() -> bool:
        nonlocal turns
        turns += 1
        return False

    assert not Pump(History(), scale).until(done, 1)
    assert turns == pytest.approx(10 * scale, abs=2)


def test_a_machine_that_does_not_let_the_kit_run_is_noted(clock: Callable[[float], None]) -> None:
    clock(1.0)
    pump = Pump(History())
    assert not pump.until(lambda: False, 5)
    assert pump.late
    assert {(event.actor, event.kind) for event in pump.history.events} == {("kit", "late")}
    assert all(event.facts["ms"] > 800 for event in pump.history.events)


def test_a_machine_that_keeps_up_is_not_spoken_of(clock: Callable[[float], None]) -> None:
    clock(TURN / 2)
    pump = Pump(History())
    assert not pump.until(lambda: False, 1)
    assert not pump.late
    assert pump.history.events == []
