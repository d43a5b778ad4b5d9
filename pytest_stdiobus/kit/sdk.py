"""What a run knows of an SDK: its description, whether it opens here, and its seats."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.attend import Attendant
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import SCRIPTED, steps
from pytest_stdiobus.kit.description import Description, describe, ops, refusal
from pytest_stdiobus.kit.drivers.sdk import SdkSeat
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.patience import DEADLINE_S
from pytest_stdiobus.kit.play import Player
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.case import Case, Step
    from pytest_stdiobus.kit.drivers.adapter_process import Adapters
    from pytest_stdiobus.kit.patience import Patience
    from pytest_stdiobus.kit.target import Target

# How the cases of an SDK begin that are not about its start.
START = (
    {"target": "adapter", "send": {"command": "open"}},
    {
        "target": "adapter",
        "next": {"answer": "open", "$schema": {"not": {"required": ["error"]}}},
        "judges": "SDK-STA-01",
    },
)


@dataclass
class Sdk:
    """An SDK in one run.

    Attributes:
        target: its adapter.
        patience: how long it is waited for.
        adapters: the processes of the adapter.
        kernel: the executable that it starts on its subprocess backend; empty is its own.
    """

    target: Target
    patience: Patience
    adapters: Adapters
    kernel: str = ""
    _refusals: dict[str, str] = field(default_factory=dict)

    @cached_property
    def description(self) -> Description:
        """What its adapter says of it, asked before the first case."""
        seat = self.seat(self.target, History({"target": self.target.name}))
        return describe(seat, DEADLINE_S * self.patience.time_scale)

    def seat(self, target: Target, history: History, **more: Any) -> SdkSeat:
        """A seat for one case; `more` is the case's configuration, backend and pool."""
        return SdkSeat(target, history, self.adapters, self.patience, kernel=self.kernel, **more)

    def obstacle(self, case: Case, played: Sequence[Step]) -> tuple[Outcome, str] | None:
        """Why a case cannot be played against it: it has not what is called, or has no kernel here."""
        backend = case.transport
        found = self.description.obstacle(backend, ops(played))
        if found or backend == SCRIPTED or not case.prelude:
            return found
        if backend not in self._refusals:
            seat = self.seat(self.target, History(), backend=backend)
            player = Player(seat, Walk(seat.history, Bindings({})), self.patience, Attendant("", ()))
            self._refusals[backend] = refusal(player, steps(START, ""))
        why = self._refusals[backend]
        return (Outcome.SKIPPED, f"it does not open here on its backend {backend}: {why}") if why else None
