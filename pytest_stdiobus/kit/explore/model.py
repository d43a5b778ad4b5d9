"""From a plan to the steps of a case: every move is made, and then all that is under way arrives and is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.explore import crashes, lives, moves, strays, talk
from pytest_stdiobus.kit.explore.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAKES: Mapping[type[Any], Callable[[State, Any], None]] = {
    moves.Ask: talk.ask,
    moves.Tell: talk.tell,
    moves.Take: talk.take,
    moves.Answer: talk.answer,
    moves.Stray: strays.stray,
    moves.Blunder: strays.blunder,
    moves.Whisper: talk.whisper,
    moves.Trespass: strays.trespass,
    moves.Misroute: strays.misroute,
    moves.Forge: strays.forge,
    moves.Collect: talk.collect,
    moves.Notify: talk.notify,
    moves.Inquire: talk.inquire,
    moves.Reply: talk.reply,
    moves.Stall: lives.stall,
    moves.StallWorker: lives.stall_worker,
    moves.Crash: crashes.crash,
    moves.Part: crashes.part,
    moves.HalfClose: lives.half_close,
    moves.Leave: lives.leave,
    moves.Intrude: lives.intrude,
}


def written(plan: moves.Plan, transport: str) -> list[dict[str, Any]]:
    """The steps of a plan, as a case on a transport has them."""
    state = State(plan, transport)
    for move in plan.moves:
        _MAKES[type(move)](state, move)
    _settle(state)
    return state.script.steps


def _settle(state: State) -> None:
    state.script.finish_all()
    while state.deliverable() or state.under_way or state.open:
        while state.deliverable():
            talk.take(state, moves.Take())
        while state.answerable():
            talk.answer(state, moves.Answer())
        state.script.finish_all()
    while state.expected:
        talk.collect(state, moves.Collect())
