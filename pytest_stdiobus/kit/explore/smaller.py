"""Makes a plan smaller for as long as the case that it stands for goes on failing."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, replace
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.explore.messages import SIMPLEST_POOLS
from pytest_stdiobus.kit.explore.moves import LONGEST_LINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.explore.moves import Plan


def smaller(plan: Plan, fails: Callable[[Plan], bool]) -> list[Plan]:
    """The plan and ever smaller ones that fail, the smallest last: without moves, and with simpler ones.

    Args:
        plan: one that fails.
        fails: whether another does.
    """
    found = [plan]
    count = 0
    while len(found) > count:  # until nothing more can be done without
        count = len(found)
        _without_moves(found, fails)
        _with_simpler_moves(found, fails)
    return found


def _without_moves(found: list[Plan], fails: Callable[[Plan], bool]) -> None:
    """Leave out moves, from the end, many at once first."""
    size = len(found[-1].moves)
    while size:
        at = len(found[-1].moves)
        while at > 0:
            moves = found[-1].moves
            at = max(at - size, 0)
            _try(found, replace(found[-1], moves=moves[:at] + moves[at + size :]), fails)
        size //= 2


def _with_simpler_moves(found: list[Plan], fails: Callable[[Plan], bool]) -> None:
    if found[-1].pools != SIMPLEST_POOLS:
        _try(found, replace(found[-1], pools=SIMPLEST_POOLS), fails)
    if found[-1].longest != LONGEST_LINE:
        _try(found, replace(found[-1], longest=LONGEST_LINE), fails)
    for at in range(len(found[-1].moves)):
        for member in fields(found[-1].moves[at]):
            moves, default = found[-1].moves, _default(member)
            if getattr(moves[at], member.name) != default:
                simpler = replace(moves[at], **{member.name: default})
                _try(found, replace(found[-1], moves=(*moves[:at], simpler, *moves[at + 1 :])), fails)


def _try(found: list[Plan], plan: Plan, fails: Callable[[Plan], bool]) -> None:
    if fails(plan):
        found.append(plan)


def _default(member: Field[Any]) -> Any:
    return member.default if member.default_factory is MISSING else member.default_factory()
