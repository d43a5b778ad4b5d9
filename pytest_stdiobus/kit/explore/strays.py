"""Moves that send what must not arrive anywhere: nobody looks for it, and it is held against a kernel that hands it over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.bindings import REPEAT
from pytest_stdiobus.kit.case import EMBEDDED
from pytest_stdiobus.kit.explore import messages
from pytest_stdiobus.kit.explore.lives import AN_ERROR, REJECTED
from pytest_stdiobus.kit.explore.moves import LONGEST_LINE, WHOLE
from pytest_stdiobus.kit.explore.parties import Call, Expected, key
from pytest_stdiobus.kit.explore.state import chosen
from pytest_stdiobus.kit.explore.talk import response

if TYPE_CHECKING:
    from pytest_stdiobus.kit.explore.moves import Blunder, Forge, Misroute, Stray, Trespass
    from pytest_stdiobus.kit.explore.state import State

_TOO_LONG, _UNROUTABLE = "KRN-FRM-08", "KRN-RTE-07"
_NOBODYS = '"nobody\'s"'
_NOWHERE = "nowhere"  # a session that no client uses, and a pool that there is not


def stray(state: State, move: Stray) -> None:
    """A worker sends a response that must not arrive anywhere."""
    call = chosen(move.which, [call for call in state.taken if call not in state.open])
    if call is None:
        return
    ident = call.ident if move.again and call.ident else _NOBODYS
    if any(other.key == key(ident) for other in state.open):
        return
    state.spent.add(key(ident))  # a request that overtakes it would get it
    response(state, call, ident, WHOLE, {"result": {"n": state.number()}})


def trespass(state: State, move: Trespass) -> None:
    """A worker sends a notification in a session of another worker, of the one before it, or of none."""
    call = chosen(move.which, state.taken)
    if call is None:
        return
    apart = call.session.apart if call.session else set()
    reborn = {session for session in state.sessions.values() if session.is_reborn}
    reborn -= {other.session for other in state.under_way if other.session}
    others = [
        session.name
        for session in state.sessions.values()
        if session.pool != call.pool or session in apart or session in reborn
    ]
    name = chosen(move.session, [*others, _NOWHERE])
    message = {"jsonrpc": "2.0", "method": f"e{state.number()}", "sessionId": name}
    state.script.send(f"worker:{call.taken}", call.pool, message, None, WHOLE)


def blunder(state: State, move: Blunder) -> None:
    """A client sends what is no message, or too long for one, and is told so; a host would be told by the call itself."""
    client = state.client(move.client)
    if client is None or state.transport == EMBEDDED:
        return
    client.has_come = True
    sent: Any = {"raw": f"{move.line}\n"}
    judges = messages.NO_MESSAGES.get(move.line, REJECTED)
    if move.beyond and state.script.longest < LONGEST_LINE:
        judges = _TOO_LONG
        message = {"jsonrpc": "2.0", "method": "m", "params": {"fill": ""}}
        size = state.script.longest + move.beyond - len(wire.encode(message))
        sent = {**message, "params": {"fill": {REPEAT: ["x", size]}}}
    state.script.act(client.actor, client.name, "send", sent)
    state.expected.append(Expected(client, "", {"id": None, "error": AN_ERROR}, judges))


def misroute(state: State, move: Misroute) -> None:
    """A client sends what can go nowhere; if it is a request, it is told so."""
    client = state.client(move.client)
    if client is None or (move.ident is not None and (client, key(move.ident)) in state.ids):
        return
    head = {"jsonrpc": "2.0", **({"id": None} if move.ident is not None else {})}
    message = {**head, "method": f"m{state.number()}", "pool": _NOWHERE}
    line, what = state.send(client, _NOWHERE, message, move.ident, WHOLE)
    if move.ident is not None:
        call = Call(client, line, _NOWHERE, None, what, _UNROUTABLE, move.ident)
        state.ids.add((client, key(move.ident)))
        error = {"id": json.loads(move.ident), "error": AN_ERROR}
        state.expected.append(Expected(client, "", error, _UNROUTABLE, answers=call))


def forge(state: State, move: Forge) -> None:
    """A client answers what a worker has asked another."""
    client = state.client(move.client)
    inquiry = chosen(move.which, [one for one in state.inquiries if one.client is not client])
    if client is None or inquiry is None or inquiry.cause.session is None:
        return
    state.forged.add(key(inquiry.ident))
    client.has_come = True
    message = {"jsonrpc": "2.0", "id": json.loads(inquiry.ident), "result": {"n": state.number()}}
    session = {"sessionId": inquiry.cause.session.name}
    state.script.act(client.actor, client.name, "send", {**message, **session})
