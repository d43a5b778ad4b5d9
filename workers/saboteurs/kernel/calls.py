"""Requests in flight, in both directions: who asked whom, and which of them a response answers."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from envelopes import Envelope
    from loop import Timer
    from peers import Peer
    from sessions import Session


class Call:
    """A request that has not been answered yet."""

    def __init__(self, caller: Peer, envelope: Envelope, session: Session | None) -> None:
        """Take down who asked, and how the request was spelled."""
        self.caller: Peer | None = caller
        self.callee: Peer | None = None
        self.envelope = envelope
        self.key: Any = envelope.id
        self.id_text = envelope.spelled("id")
        self.session = session
        self.session_text = envelope.spelled("sessionId")
        self.mark = 0  # how much its callee had been sent before it
        self.timer: Timer | None = None


class Calls:
    """Opens calls, closes them, and finds the one that a response is for."""

    def ask(self, call: Call, caller: Peer) -> None:
        """A request is taken from its caller."""
        caller.asked[call] = None
        caller.open_ids.add((call.key, call.session))

    def open(self, call: Call, callee: Peer) -> None:
        """A request has been sent."""
        call.callee = callee
        call.mark = callee.channel.total
        callee.calls.setdefault(call.key, []).append(call)

    def close(self, call: Call) -> None:
        """It has been answered, or will not be."""
        if call.timer:
            call.timer.cancel()
        if call.caller:
            call.caller.asked.pop(call, None)
            call.caller.open_ids.discard((call.key, call.session))
        if call.callee and call in call.callee.calls.get(call.key, ()):
            call.callee.calls[call.key].remove(call)
            if not call.callee.calls[call.key]:
                del call.callee.calls[call.key]

    def matches(self, callee: Peer, envelope: Envelope) -> list[Call]:
        """The calls that a response of this peer may answer."""
        found = list(callee.calls.get(envelope.id, ()))
        if envelope.session is None:
            return found
        return [call for call in found if call.session and call.session.name == envelope.session]

    def is_duplicate(self, call: Call) -> bool:
        """Whether its caller still has this id open on that session."""
        return bool(call.caller and (call.key, call.session) in call.caller.open_ids)

    def collides(self, callee: Peer, call: Call) -> bool:
        """Whether a response of this peer could not be told from that to another request."""
        return any(not self.are_distinct(callee, call, other) for other in callee.calls.get(call.key, ()))

    def are_distinct(self, callee: Peer, one: Call, other: Call) -> bool:
        """Whether sessions tell two calls with one id apart, at a peer that has repeated one before."""
        return bool(
            callee.repeats_sessions and one.session and other.session and one.session.name != other.session.name
        )

    def everyone(self, callee: Peer) -> list[Call]:
        """All calls that a peer has not answered, in the order they were asked."""
        return sorted((call for calls in callee.calls.values() for call in calls), key=lambda call: call.mark)
