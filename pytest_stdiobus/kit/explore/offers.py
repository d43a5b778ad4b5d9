"""What not every kernel offers, or may be asked for: a case is made of it only where it works by itself.

The written cases judge whether it does. Here it would stand in the way of all that comes after it in a case.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.explore.messages import SIMPLEST_POOLS, STRIPPED
from pytest_stdiobus.kit.explore.moves import LONGEST_LINE, Answer, Ask, Blunder, Collect, Manner, Plan, Take, Whisper

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Offer:
    """Something that a kernel may not offer: the simplest case of it, and a plan without it."""

    simplest: Plan
    without: Callable[[Plan], Plan]


def _without_strip(plan: Plan) -> Plan:
    pools = [{name: value for name, value in pool.items() if name not in STRIPPED} for pool in plan.pools]
    return replace(plan, pools=pools)


def _without(kind: type[Blunder | Whisper]) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, moves=tuple(move for move in plan.moves if not isinstance(move, kind)))


OFFERS = (
    Offer(Plan([{**SIMPLEST_POOLS[0], **STRIPPED}], (Ask(session="s"),)), _without_strip),
    Offer(Plan(SIMPLEST_POOLS, (Blunder(), Ask())), _without(Blunder)),
    Offer(
        Plan(SIMPLEST_POOLS, (Ask(session="s"), Take(), Answer(names=True), Collect(), Whisper())), _without(Whisper)
    ),
    Offer(
        Plan(SIMPLEST_POOLS, (Blunder(beyond=1), Ask(manner=Manner(size=LONGEST_LINE))), 4096),
        lambda plan: replace(plan, longest=LONGEST_LINE),
    ),
)
