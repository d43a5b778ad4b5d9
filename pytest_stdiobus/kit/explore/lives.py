"""Moves about clients and workers that stop reading, and clients that end or leave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import EMBEDDED, STDIO, UNIX
from pytest_stdiobus.kit.explore import messages
from pytest_stdiobus.kit.explore.moves import Collect, Take
from pytest_stdiobus.kit.explore.state import chosen
from pytest_stdiobus.kit.explore.talk import collect, take

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.explore.moves import HalfClose, Intrude, Leave, Stall, StallWorker
    from pytest_stdiobus.kit.explore.parties import Call, Client, Expected
    from pytest_stdiobus.kit.explore.state import State

_CLIENT_GONE, REJECTED = "KRN-ERR-05", "KRN-FRM-03"
AN_ERROR = {"$schema": {"type": "object", "required": ["code", "message"]}}


def stall(state: State, move: Stall) -> None:
    """A client stops reading."""
    client = state.client(move.client)
    if client is not None and client.has_come and not client.stalled and state.transport != EMBEDDED:
        state.script.act(client.actor, client.name, "stall")
        client.stalled = True


def stall_worker(state: State, move: StallWorker) -> None:
    """A worker stops reading."""
    call = chosen(move.which, [call for call in state.taken if not state.stalled[call.pool]])
    if call is not None:
        state.script.act(f"worker:{call.taken}", call.pool, "stall")
        state.stalled[call.pool].add(call.taken)


def half_close(state: State, move: HalfClose) -> None:
    """A client ends what it sends, and goes on reading what it is still owed."""
    client = state.client(move.client)
    if client is None or not client.has_come or state.transport == EMBEDDED or not _can_go(state, client):
        return
    state.script.act(client.actor, client.name, "half_close")
    client.has_ended = True
    state.is_draining = state.transport == STDIO
    _leave_sessions(state, client)


def leave(state: State, move: Leave) -> None:
    """A client closes its connection, whatever it is still owed."""
    client = state.client(move.client)
    if client is None or not client.has_come or state.has_one_client or not _can_go(state, client, may_owe=True):
        return
    state.attend(client)
    state.script.act(client.actor, client.name, "close")
    client.has_left = True
    state.expected = [one for one in state.expected if one.client is not client]
    for inquiry in [one for one in state.inquiries if one.client is client]:
        state.inquiries.remove(inquiry)
        if state.transport == UNIX:  # over TCP a kernel sees it when it next writes
            state.wake(inquiry.cause.pool)
            what = {"id": json.loads(inquiry.ident), "error": AN_ERROR}
            state.script.find(f"worker:{inquiry.cause.taken}", what, _CLIENT_GONE)
    _leave_sessions(state, client)


def intrude(state: State, move: Intrude) -> None:
    """A client comes that sends no message, is told so, and leaves."""
    if state.has_one_client:
        return
    name = f"mallory{state.number()}"
    state.script.act(f"client:{name}", name, "send", {"raw": f"{move.line}\n"})
    judges = messages.NO_MESSAGES.get(move.line, REJECTED)
    state.script.find(f"client:{name}", {"id": None, "error": AN_ERROR}, judges)
    state.script.act(f"client:{name}", name, "close")


def _can_go(state: State, client: Client, *, may_owe: bool = False) -> bool:
    """Whether all that a client and its sessions were sent has arrived, and it owes nobody an answer, or may owe it."""
    if not let_arrive(state, lambda call: call.client is client or (call.session and client in call.session.users)):
        return False
    let_be_read(state, lambda one: one.client is client and one.answers is None)  # it is owed answers only
    return may_owe or not any(one.client is client for one in state.inquiries)


def let_arrive(state: State, meant: Callable[[Call], object]) -> bool:
    """Workers read all lines of a kind; whether that can be said of every one of them."""
    for call in state.under_way:
        if meant(call):
            state.script.finish(call.client.name)
    while (found := next((at for at, call in enumerate(state.deliverable()) if meant(call)), None)) is not None:
        take(state, Take(found))
    return not any(map(meant, state.under_way))


def let_be_read(state: State, meant: Callable[[Expected], bool]) -> None:
    """Clients read all lines of a kind."""
    for pool in state.instances:
        state.script.finish(pool)
    while (found := next((at for at, one in enumerate(state.expected) if meant(one)), None)) is not None:
        collect(state, Collect(found))


def _leave_sessions(state: State, client: Client) -> None:
    """Whether a session goes on without a client, and whose it is then, is left open."""
    for session in list(state.sessions.values()):
        if client in session.users:
            state.detach(session)
