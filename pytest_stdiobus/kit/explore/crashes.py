"""The move in which a worker dies, and what is known of the other workers of its pool."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.explore.lives import AN_ERROR, let_arrive, let_be_read
from pytest_stdiobus.kit.explore.moves import Answer
from pytest_stdiobus.kit.explore.parties import Expected
from pytest_stdiobus.kit.explore.state import chosen
from pytest_stdiobus.kit.explore.talk import answer

if TYPE_CHECKING:
    from pytest_stdiobus.kit.explore.moves import Crash, Part
    from pytest_stdiobus.kit.explore.parties import Call, Session
    from pytest_stdiobus.kit.explore.state import State

_IN_FLIGHT, _RESTART, _EXIT_0 = "KRN-ERR-03", "KRN-WRK-03", "KRN-WRK-04"
_CRASHES = 2  # of a pool; the third restart is no longer at once everywhere


def part(state: State, move: Part) -> None:
    """Two sessions of a pool are taken to be at different workers; where they are not, the case ends here."""
    latest = {call.session: call for call in state.taken if call.session and _is_settled(state, call)}
    begun = sorted((session for session in state.sessions.values() if session in latest), key=lambda one: one.pool)
    pairs = [(one, two) for one, two in pairwise(begun) if _may_part(state, one, two)]
    found = chosen(move.which, pairs)
    if found is None:
        return
    one, two = found
    names = [f"{latest[session].taken}/worker" for session in found]
    state.script.steps.append({"assume": {"distinct": names}})
    one.apart.add(two)
    two.apart.add(one)


def crash(state: State, move: Crash) -> None:
    """A worker dies; what it has not answered fails, what others have goes on, and another takes its place."""
    pool = list(state.instances)[move.pool % len(state.instances)]
    if state.lives[pool] - state.instances[pool] >= _CRASHES or state.is_draining:
        return
    if not let_arrive(state, lambda call: call.pool == pool):
        return
    dying = chosen(move.which, [call for call in state.taken if call.pool == pool and state.is_current(call)])
    if dying is None:
        return
    state.script.finish(pool)
    _answer_the_doubtful(state, dying)
    let_be_read(state, lambda one: one.pool == pool)
    if state.instances[pool] > 1:
        state.wake(pool)  # which of them stall may not be known any more
    verb, value = ("kill", True) if move.status is None else ("exit", move.status)
    state.script.act(f"worker:{dying.taken}", pool, verb, value)
    _lose(state, dying)
    state.lives[pool] += 1
    judges = _EXIT_0 if move.status == 0 else _RESTART
    state.script.steps.append({"pool": pool, "starts": state.lives[pool], "judges": judges})


def _answer_the_doubtful(state: State, dying: Call) -> None:
    """What may be at the worker that dies, or at another one, is answered before."""
    for call in state.answerable():
        if call.pool == dying.pool and not (_is_with(state, call, dying) or _is_elsewhere(call, dying)):
            answer(state, Answer(state.answerable().index(call)))


def _lose(state: State, dying: Call) -> None:
    """What is known after a worker has died."""
    pool = dying.pool
    state.prune()
    for call in [call for call in state.open if call.pool == pool and not _is_elsewhere(call, dying)]:
        state.open.remove(call)
        if not call.client.has_left:
            what = {"id": json.loads(call.ident or ""), "error": AN_ERROR}
            state.expected.append(Expected(call.client, "", what, _IN_FLIGHT, answers=call))
    state.taken = [call for call in state.taken if call.pool != pool or _is_elsewhere(call, dying)]
    state.inquiries = [one for one in state.inquiries if one.cause.pool != pool or _is_elsewhere(one.cause, dying)]
    state.telling.discard(pool)
    state.stalled[pool].clear()
    lost = [session for session in state.sessions.values() if session.pool == pool]
    for session in [session for session in lost if dying.session not in session.apart]:
        if state.instances[pool] == 1 or session is dying.session:
            session.join()
            session.is_reborn = True
            session.owner = session.owner if len(session.users) == 1 else None
        else:
            state.detach(session)


def _is_with(state: State, call: Call, dying: Call) -> bool:
    """Whether a call is certainly at the worker that dies."""
    alone = state.instances[dying.pool] == 1
    return alone or call is dying or (call.session is not None and call.session is dying.session)


def _is_elsewhere(call: Call, dying: Call) -> bool:
    """Whether a call is certainly at another worker of the pool."""
    return call.session is not None and dying.session in call.session.apart


def _is_settled(state: State, call: Call) -> bool:
    session = call.session
    return session is not None and session.has_begun and not session.is_reborn and state.is_current(call)


def _may_part(state: State, one: Session, two: Session) -> bool:
    return one.pool == two.pool and state.instances[one.pool] > 1 and two not in one.apart
