"""Moves that send and read lines.

Where the public rules leave open what a kernel does, or when, no move is made whose outcome would depend on it. So a client
never has an id open twice; a request whose id another has open is sent when that one has arrived, and is not looked for
before that one is answered, nor is anything that its client sends after it; and who owns a session is known only where its
first message had arrived before anybody else used it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.case import STDIO
from pytest_stdiobus.kit.explore.messages import IDS
from pytest_stdiobus.kit.explore.moves import WHOLE, Collect
from pytest_stdiobus.kit.explore.parties import Call, Expected, Inquiry, Session, key
from pytest_stdiobus.kit.explore.state import WHOLE_LINE, chosen, judged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stdiobus.kit.explore.moves import (
        Answer,
        Ask,
        Inquire,
        Manner,
        Notify,
        Reply,
        Take,
        Tell,
        Whisper,
    )
    from pytest_stdiobus.kit.explore.parties import Client
    from pytest_stdiobus.kit.explore.state import State

_RESPONSE, _SPELLING, _ENDED, _END_OF_INPUT = "KRN-COR-01", "KRN-COR-04", "KRN-NET-04", "KRN-SHD-05"
_POOL, _TO_OWNER, _REBORN, _INQUIRY = "KRN-RTE-05", "KRN-RTE-08", "KRN-RTE-10", "KRN-COR-06"
_TOLD_APART, _STRIPPED, _LEARNED = "KRN-COR-03", "KRN-RTE-13", "KRN-RTE-09"


def ask(state: State, move: Ask) -> None:
    """A client sends a request, under an id that is free for it."""
    client, its_key = state.client(move.client), key(move.ident)
    waiting = any(other.key == its_key and not other.taken for other in state.open)
    if client is None or waiting or its_key in state.spent or (client, its_key) in state.ids:
        return
    state.ids.add((client, its_key))
    state.open.append(_call(state, client, move, move.ident, {"params": move.params, **move.extra}))


def tell(state: State, move: Tell) -> None:
    """A client sends a notification."""
    client = state.client(move.client)
    if client is not None:
        _call(state, client, move, None, {"params": move.params})


def take(state: State, move: Take) -> None:
    """A worker reads one of the lines that must have come to it."""
    call = chosen(move.which, state.deliverable())
    if call is None:
        return
    state.under_way.remove(call)
    state.wake(call.pool)
    call.taken = state.script.name("w")
    if call.key and any(other.key == call.key and other.pool == call.pool for other in state.open if other is not call):
        call.judges = _TOLD_APART
    actor = f"worker:{call.answers.cause.taken}" if call.answers else f"pool:{call.pool}"
    state.script.find(actor, call.what, call.judges, call.taken)
    if call.session:
        call.session.has_begun, call.session.is_reborn = True, False
    if call.answers:
        state.asked.discard(key(call.answers.ident))
    state.taken.append(call)


def answer(state: State, move: Answer) -> None:
    """A worker answers a request that it has read."""
    call = chosen(move.which, state.answerable())
    if call is None:
        return
    ident = _respelled(call.ident or "") if move.respelled else call.ident
    usual = _SPELLING if ident != call.ident else _RESPONSE
    if call.client.has_ended:
        usual = _END_OF_INPUT if state.transport == STDIO else _ENDED
    usual = _STRIPPED if call.pool in state.stripping else usual
    outcome = _outcome(state, error=move.error)
    made = f"made{outcome['result']['n']}" if move.names and "result" in outcome and not move.manner.size else ""
    if made:
        outcome["result"]["sessionId"] = made
    call.response, what = response(state, call, ident, move.manner, outcome)
    if not call.client.has_left:
        judges = judged(move.manner, usual, slow=call.client.stalled)
        state.expected.append(Expected(call.client, call.pool, what, judges, call.response, answers=call, teaches=made))
        _read_last(state, at_once=move.at_once)


def collect(state: State, move: Collect) -> None:
    """A client reads one of the lines that must have come to it."""
    expected = chosen(move.which, [one for one in state.expected if not state.script.is_begun(one.line)])
    if expected is None:
        return
    state.expected.remove(expected)
    state.attend(expected.client)
    state.script.find(expected.client.actor, expected.what, expected.judges)
    if expected.answers is not None and expected.answers.key is not None:
        state.ids.remove((expected.client, expected.answers.key))
        alone = state.instances.get(expected.pool) == 1 and expected.pool not in state.stripping
        if expected.answers.session and alone:
            state.telling.add(expected.pool)
        if expected.teaches:
            state.learned.append((expected.answers, expected.teaches))
    if expected.asks is not None:
        state.inquiries.append(expected.asks)


def notify(state: State, move: Notify) -> None:
    """A worker sends a notification to the owner of a session."""
    call = chosen(move.which, state.speaking())
    if call is not None:
        _to_owner(state, call, None, move.manner, _TO_OWNER)
        _read_last(state, at_once=call.pool in state.stripping)


def whisper(state: State, move: Whisper) -> None:
    """A worker sends a notification that shows the session it has made, and not the one of the bus."""
    known = [(call, name) for call, name in state.learned if call in state.taken and _listener(state, call)]
    found = chosen(move.which, known)
    listener = _listener(state, found[0]) if found else None
    if found is None or listener is None:
        return
    call, name = found
    message = {"jsonrpc": "2.0", "method": f"e{state.number()}", "params": {"sessionId": name}}
    line = state.script.send(f"worker:{call.taken}", call.pool, message, None, WHOLE)
    what = state.script.line(line)
    if call.pool in state.stripping and call.session:
        what = {**message, "sessionId": call.session.name}
    state.expected.append(Expected(listener, call.pool, what, _LEARNED, line))


def inquire(state: State, move: Inquire) -> None:
    """A worker asks the owner of a session something, under an id that no other worker uses."""
    call = chosen(move.which, state.speaking())
    if call is None or key(move.ident) in state.asked | state.forged:
        return
    state.asked.add(key(move.ident))
    _to_owner(state, call, move.ident, move.manner, _INQUIRY)
    _read_last(state, at_once=move.at_once or call.pool in state.stripping)


def reply(state: State, move: Reply) -> None:
    """A client answers what a worker has asked it."""
    inquiry = chosen(move.which, [one for one in state.inquiries if not (one.client.is_silent or state.is_draining)])
    if inquiry is None:
        return
    state.inquiries.remove(inquiry)
    cause = inquiry.cause
    message = {"jsonrpc": "2.0", "id": None, **_outcome(state, error=move.error)}
    message["sessionId"] = cause.session.name if cause.session else ""
    manner = WHOLE if move.error and move.manner.size else state.manner(move.manner)
    line, what = state.send(inquiry.client, cause.pool, message, inquiry.ident, manner)
    judges = judged(manner, _INQUIRY, slow=bool(state.stalled[cause.pool]))
    state.under_way.append(Call(inquiry.client, line, cause.pool, cause.session, what, judges, answers=inquiry))


def _call(state: State, client: Client, move: Ask | Tell, ident: str | None, more: Mapping[str, Any]) -> Call:
    """A client sends a call, in its session if it has one, and names the pool where that is needed."""
    pool = state.pool(move.session, move.pool)
    session = _used(state, client, move.session, pool) if move.session is not None else None
    message = {"method": f"m{state.number()}", **more}
    usual = _REBORN if session and session.is_reborn else WHOLE_LINE
    if session:
        message["sessionId"] = session.name
    several = len(state.instances) > 1
    needed = several and not (session and session.has_begun)
    if needed or move.named:
        message["pool"] = pool
    if usual == WHOLE_LINE and not needed and (several or move.named):
        usual = _POOL
    message = {"jsonrpc": "2.0", **({"id": None} if ident is not None else {}), **message}
    manner = state.manner(move.manner)
    line, what = state.send(client, pool, message, ident, manner)
    usual = _STRIPPED if pool in state.stripping else usual
    judges = judged(manner, usual, slow=bool(state.stalled[pool]))
    call = Call(client, line, pool, session, what, judges, ident, is_told=pool in state.telling)
    state.under_way.append(call)
    return call


def _used(state: State, client: Client, name: str, pool: str) -> Session:
    session = state.sessions.setdefault(name, Session(name, pool, client, {client}))
    if client is not session.owner and (session.is_reborn or not session.has_begun):
        session.owner = None  # whose message comes first is open
    session.users.add(client)
    return session


def _to_owner(state: State, call: Call, ident: str | None, manner: Manner, usual: str) -> None:
    if call.session is None or call.session.owner is None:
        return
    owner = call.session.owner
    head = {"jsonrpc": "2.0", **({"id": None} if ident is not None else {})}
    line, what = state.respond(call, {**head, "method": f"e{state.number()}"}, ident, manner)
    asks = Inquiry(owner, call, ident) if ident is not None else None
    judges = judged(manner, _STRIPPED if call.pool in state.stripping else usual, slow=owner.stalled)
    state.expected.append(Expected(owner, call.pool, what, judges, line, asks=asks))


def _read_last(state: State, *, at_once: bool) -> None:
    """The client reads what was sent last before anything else happens, if it is to.

    It has to where that would be for nobody as soon as the worker has another session.
    """
    if at_once:
        state.script.finish_all()
        collect(state, Collect(len(state.expected) - 1))


def _listener(state: State, call: Call) -> Client | None:
    """Who is told what a worker sends for a call that it has answered, where that is known."""
    if call.session:
        return call.session.owner if state.is_current(call) else None
    return None if call.client.is_silent else call.client


def response(state: State, call: Call, ident: str | None, manner: Manner, outcome: dict[str, Any]) -> tuple[str, Any]:
    """The worker that has read a call sends a response; the name of the line, and how its client reads it."""
    message = {"jsonrpc": "2.0", "id": None, **outcome}
    return state.respond(call, message, ident, WHOLE if "error" in outcome and manner.size else manner)


def _outcome(state: State, *, error: bool) -> dict[str, Any]:
    return {"error": {"code": -32000, "message": "no"}} if error else {"result": {"n": state.number()}}


def _respelled(ident: str) -> str:
    """Another spelling of the same id, if there is one."""
    return next((other for other in IDS if other != ident and key(other) == key(ident)), ident)
