"""What an adapter says of its SDK, asked once before its cases; and whether it admits what it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import schemas, wire
from pytest_stdiobus.kit.case import SCRIPTED, SUBPROCESS, Step
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import ADAPTER
from pytest_stdiobus.kit.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_stdiobus.kit.drivers.sdk import SdkSeat
    from pytest_stdiobus.kit.play import Player

UNKNOWN = "sing"  # no command of any version
_DESCRIPTION = {"$ref": f"{schemas.URN}adapter#/$defs/answer"}


@dataclass(frozen=True)
class Description:
    """An SDK, as its adapter describes it.

    Attributes:
        name: what the SDK is called.
        version: of the SDK.
        language: that it is for.
        backends: those it has, such as ``subprocess``.
        capabilities: the ops it can do.
        fault: what is wrong with the adapter; nothing is known of the SDK then.
    """

    name: str = ""
    version: str = ""
    language: str = ""
    backends: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    fault: str = ""

    def obstacle(self, backend: str, ops: Iterable[str]) -> tuple[Outcome, str] | None:
        """Why a case on a backend that calls these ops cannot be played against this SDK."""
        if self.fault:
            return Outcome.HARNESS_ERROR, self.fault
        needed = SUBPROCESS if backend == SCRIPTED else backend
        if needed not in self.backends:
            return Outcome.NOT_APPLICABLE, f"its adapter describes no backend {needed}"
        if missing := sorted(set(ops) - self.capabilities):
            return Outcome.NOT_APPLICABLE, f"its adapter does not describe the capability {missing[0]}"
        return None


def ops(steps: Iterable[Step]) -> frozenset[str]:
    """The ops that steps call."""
    sent = (step.value for step in steps if step.actor.startswith("call:") and step.verb == "send")
    return frozenset(value["op"] for value in sent if isinstance(value.get("op"), str))


def describe(seat: SdkSeat, seconds: float) -> Description:
    """Ask an adapter what its SDK is, and something that no adapter knows; wait so long for each answer."""
    try:
        seat.begin()
        told = _asked(seat, "describe", seconds)
        if found := schemas.faults(told, _DESCRIPTION):
            return Description(fault=f"the adapter's answer to describe is none: {found[0]}")
        if "name" not in told:
            return Description(fault=f"the adapter does not describe its SDK: {wire.preview(wire.encode(told))}")
        if _asked(seat, UNKNOWN, seconds).get("unsupported") is not True:
            return Description(fault=f"the adapter lies: it accepts the command {UNKNOWN!r}, which nobody knows")
        seat.end()
    except HarnessError as error:
        return Description(fault=str(error))
    finally:
        seat.close()
    known = {**told, "backends": frozenset(told["backends"]), "capabilities": frozenset(told["capabilities"])}
    return Description(**{key: value for key, value in known.items() if key != "answer"})


def refusal(player: Player, opening: Sequence[Step]) -> str:
    """Why an SDK does not open with the kernel it has here; nothing where it does, or where that cannot be told."""
    try:
        player.begin()
        opened = player.perform(opening)
        player.seat.end()
    except HarnessError:
        return ""
    finally:
        player.seat.close()
    answers = [wire.parsed(event.data) for event in player.seat.history.lines(ADAPTER)]
    error: dict[str, Any] = next((answer["error"] for answer in answers if answer and "error" in answer), {})
    return "" if opened else str(error.get("message") or error.get("name") or "no answer to open came in time")


def _asked(seat: SdkSeat, command: str, seconds: float) -> dict[str, Any]:
    """The adapter's answer.

    Raises:
        HarnessError: it does not answer.
    """
    known = len(seat.history.events)
    seat.act(Step(ADAPTER, "send", {"command": command}, ""), {"command": command}, known)
    answers: list[Any] = []

    def answered() -> bool:
        said = (event for event in seat.history.events[known:] if event.kind == "line" and event.dir == "out")
        answers.extend(message for event in said if (message := wire.parsed(event.data)) is not None)
        return bool(answers) or seat.has_exited

    seat.pump.until(answered, seconds)
    if not answers:
        message = f"the adapter is silent: it did not answer {command}"
        raise HarnessError(message)
    answer: dict[str, Any] = answers[0]
    return answer
