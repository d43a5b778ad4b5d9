"""What a run knows of an SDK: its description, whether it opens here, and its seats."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.attend import Attendant
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import DOCKER, SCRIPTED, steps, transports_of
from pytest_stdiobus.kit.description import Description, describe, ops, refusal
from pytest_stdiobus.kit.drivers.container import Containers
from pytest_stdiobus.kit.drivers.sdk import SdkSeat
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.patience import DEADLINE_S
from pytest_stdiobus.kit.play import Player
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


def opening_of(case: Case) -> Sequence[Mapping[str, Any]]:
    """How a case begins: a container's port accepts a client also while nothing serves there, and no kernel has seen it then."""
    if case.transport != DOCKER or not case.has_stand_in:
        return START
    who = {"pool": case.acting_pool} if case.acting_pool else {"kernel": "main"}
    return (*START, {**who, "starts": 1, "judges": "SDK-STA-01"})


def not_contained(cases: Iterable[Case]) -> list[Case]:
    """Cases of an SDK that are not played on docker, each as one there, which has an obstacle."""
    others = {case.base: case for case in cases if DOCKER not in transports_of(case)}
    return [replace(case, id=f"{case.base}[{DOCKER}]", transport=DOCKER) for case in others.values()]


@dataclass
class Sdk:
    """An SDK in one run.

    Attributes:
        target: its adapter.
        patience: how long it is waited for.
        adapters: the processes of the adapter.
        kernels: the executable or image that it starts, by the backend; where none is named its own.
        containers: those it starts on its docker backend.
    """

    target: Target
    patience: Patience
    adapters: Adapters
    kernels: Mapping[str, str] = field(default_factory=dict)
    containers: Containers = field(default_factory=Containers)
    _refusals: dict[str, str] = field(default_factory=dict)

    @cached_property
    def description(self) -> Description:
        """What its adapter says of it, asked before the first case."""
        seat = self.seat(self.target, History({"target": self.target.name}))
        return describe(seat, DEADLINE_S)

    def close(self) -> None:
        """End its adapter, and whatever that started."""
        with suppress(HarnessError):
            self.adapters.close()
        self.containers.remove()

    def seat(self, target: Target, history: History, *, backend: str = SCRIPTED, **more: Any) -> SdkSeat:
        """A seat for one case; `more` is the case's configuration and pool."""
        kernel = self.kernels.get(backend, "")
        known = (target, history, self.adapters, self.patience, self.containers)
        return SdkSeat(*known, backend=backend, kernel=kernel, **more)

    def obstacle(self, case: Case, played: Sequence[Step]) -> tuple[Outcome, str] | None:
        """Why a case cannot be played against it: it has not what is called, or has no kernel here."""
        backend, played_on = case.transport, transports_of(case)
        if backend not in played_on:
            why = case.not_on_docker or "its file does not name docker"
            return Outcome.NOT_APPLICABLE, f"{why}: it is played on {', '.join(played_on)}"
        found = self.description.obstacle(backend, ops(played))
        if found or backend == SCRIPTED:
            return found
        if backend not in self._refusals:
            unfit = self.containers.unfitness(self.kernels.get(DOCKER, "")) if backend == DOCKER else ""
            seat = self.seat(self.target, History({"transport": backend}), backend=backend, stand_in=False)
            player = Player(seat, Walk(seat.history, Bindings({})), self.patience, Attendant("", ()))
            self._refusals[backend] = unfit or refusal(player, steps(START, ""))
        why = self._refusals[backend]
        return (Outcome.SKIPPED, f"it does not open here on its backend {backend}: {why}") if why else None
