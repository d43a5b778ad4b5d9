"""Makes a plan smaller for as long as the case that it stands for goes on failing."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, replace
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.explore.messages import SIMPLEST_POOLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stdiobus.kit.explore.moves import Move, Plan


def smaller(plan: Plan, fails: Callable[[Plan], bool]) -> list[Plan]:
    """The plan and ever smaller ones that fail, the smallest last: without moves, and with simpler ones.

    Args:
        plan: one that fails.
        fails: whether another does.
    """
    found = [plan]
    while (step := next((other for other in _tries(found[-1]) if fails(other)), None)) is not None:
        found.append(step)
    return found


def _tries(plan: Plan) -> Iterator[Plan]:
    """Smaller plans, those first that save most."""
    size = len(plan.moves)
    while size:
        for start in reversed(range(0, len(plan.moves), size)):
            yield replace(plan, moves=plan.moves[:start] + plan.moves[start + size :])
        size //= 2
    if plan.pools != SIMPLEST_POOLS:
        yield replace(plan, pools=SIMPLEST_POOLS)
    for index, move in enumerate(plan.moves):
        for simpler in _simpler(move):
            yield replace(plan, moves=(*plan.moves[:index], simpler, *plan.moves[index + 1 :]))


def _simpler(move: Move) -> Iterator[Move]:
    for member in fields(move):
        default = _default(member)
        if getattr(move, member.name) != default:
            yield replace(move, **{member.name: default})


def _default(member: Field[Any]) -> Any:
    return member.default if member.default_factory is MISSING else member.default_factory()
