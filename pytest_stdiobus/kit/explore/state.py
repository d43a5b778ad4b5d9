"""What a kernel has been told, and what has to arrive where: what a generated case knows while it is being written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_stdiobus.kit.case import EMBEDDED, STDIO
from pytest_stdiobus.kit.explore.parties import Client, Session
from pytest_stdiobus.kit.explore.script import Script
from pytest_stdiobus.kit.through import STRIP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.checks.traffic import Key
    from pytest_stdiobus.kit.explore.moves import Manner, Plan
    from pytest_stdiobus.kit.explore.parties import Call, Expected, Inquiry

T = TypeVar("T")
CLIENTS = ("alice", "bob", "carol")
WHOLE_LINE, SPLIT, RETURN, SLOW = "KRN-TRN-03", "KRN-FRM-06", "KRN-FRM-02", "KRN-LIM-01"


class State:
    """All of it, with what several kinds of move do."""

    def __init__(self, plan: Plan, transport: str) -> None:
        """Begin with a kernel that nothing has happened to.

        Args:
            plan: whose moves will be made.
            transport: what it is played on, which decides how many clients there are.
        """
        self.script = Script(plan.longest)
        self.transport = transport
        self.has_one_client = transport in {STDIO, EMBEDDED}
        self.clients = [Client(name) for name in (CLIENTS[:1] if self.has_one_client else CLIENTS)]
        self.instances = {pool["id"]: pool["instances"] for pool in plan.pools}
        self.stripping = {pool["id"] for pool in plan.pools if pool.get("envelope") == STRIP}
        self.lives = dict(self.instances)  # how many workers of each pool have started
        self.stalled: dict[str, set[str]] = {
            name: set() for name in self.instances
        }  # names of calls their workers took
        self.telling: set[str] = set()  # pools of one worker, which is known to repeat sessions on its responses
        self.sessions: dict[str, Session] = {}
        self.under_way: list[Call] = []
        self.taken: list[Call] = []
        self.open: list[Call] = []  # requests that no worker has answered, in the order sent
        self.spent: set[Key] = set()  # ids that a stray response may still be looking for
        self.asked: set[Key] = set()  # ids that workers use, or have used for what was never answered
        self.learned: list[tuple[Call, str]] = []  # sessions that workers have made, with what they were made for
        self.forged: set[Key] = set()  # ids of what somebody else has answered too
        self.inquiries: list[Inquiry] = []  # that have reached their clients
        self.expected: list[Expected] = []
        self.ids: set[tuple[Client, Key]] = set()  # that clients have open
        self.is_draining = False
        self._numbers = 0

    def number(self) -> int:
        """A number that no message has yet."""
        self._numbers += 1
        return self._numbers

    def client(self, number: int) -> Client | None:
        """A client that can send; one that has left comes again under another name."""
        at = number % len(self.clients)
        if self.clients[at].has_left:
            self.clients[at] = Client(f"{CLIENTS[at]}{self.number()}")
        return None if self.clients[at].is_silent or self.is_draining else self.clients[at]

    def pool(self, session: str | None, number: int) -> str:
        """The pool of a session, or where there is none yet any."""
        known = self.sessions.get(session) if session is not None else None
        return known.pool if known else list(self.instances)[number % len(self.instances)]

    def manner(self, wanted: Manner) -> Manner:
        """How a client can write a line: a host hands over messages and no lines."""
        return replace(wanted, cr=wanted.cr and self.transport != EMBEDDED)

    def send(
        self, client: Client, pool: str, message: dict[str, Any], ident: str | None, manner: Manner
    ) -> tuple[str, Any]:
        """A client sends a message to a pool; the name of the line, and the line as a worker reads it."""
        client.has_come = True
        line = self.script.send(client.actor, client.name, message, ident, manner)
        return line, self.script.stripped(message, ident, manner) if pool in self.stripping else self.script.line(line)

    def respond(self, call: Call, message: dict[str, Any], ident: str | None, manner: Manner) -> tuple[str, Any]:
        """The worker that has read a call sends a message, in the call's session; its name, and how a client reads it."""
        of_session = {"sessionId": call.session.name} if call.session else {}
        strips = call.pool in self.stripping
        message = message if strips else {**message, **of_session}
        line = self.script.send(f"worker:{call.taken}", call.pool, message, ident, manner)
        regains = strips and of_session
        return line, {**self.script.members(message, ident, manner), **of_session} if regains else self.script.line(
            line
        )

    def deliverable(self) -> list[Call]:
        """The lines that any kernel has passed on by now, or is about to."""
        self.prune()
        held: set[Client] = set()
        found = []
        for call in self.under_way:
            if call.client in held or any(other.key == call.key for other in self._before(call)):
                held.add(call.client)
            elif not self.script.is_begun(call.line):
                found.append(call)
        return found

    def answerable(self) -> list[Call]:
        """The requests that a worker has read and not answered."""
        return [call for call in self.open if call.taken and not call.response]

    def prune(self) -> None:
        """Forget the open requests whose responses are written to their ends."""
        self.open = [call for call in self.open if not call.response or self.script.is_begun(call.response)]

    def speaking(self) -> list[Call]:
        """The calls whose workers can speak in their sessions, to a client that is known."""
        speaking = [call for call in self.taken if call.session and call.session.owner and not call.answers]
        return [call for call in speaking if call.pool not in self.stripping or self._is_its_only(call)]

    def wake(self, pool: str) -> None:
        """Every worker of a pool reads again."""
        for name in sorted(self.stalled[pool]):
            self.script.act(f"worker:{name}", pool, "resume")
        self.stalled[pool].clear()

    def attend(self, client: Client) -> None:
        """A client reads again."""
        if client.stalled:
            self.script.act(client.actor, client.name, "resume")
            client.stalled = False

    def is_current(self, call: Call) -> bool:
        """Whether the session of a call is still at the worker that has read it, if that lives."""
        return call.session is None or self.sessions[call.session.name] is call.session

    def detach(self, session: Session) -> None:
        """Where a session is from now on, and whose, is open."""
        session.join()
        session.owner = None
        self.sessions[session.name] = replace(session, has_begun=False, apart=set())

    def _is_its_only(self, call: Call) -> bool:
        """Whether the session of a call is the only one that its worker has."""
        in_pool = [session for session in self.sessions.values() if session.pool == call.pool]
        return self.instances[call.pool] == 1 and in_pool == [call.session] and in_pool[0].has_begun

    def _before(self, call: Call) -> list[Call]:
        """The requests sent before another to its pool, and not answered, of which a kernel may have to hold it apart."""
        before = self.open[: self.open.index(call)] if call in self.open else []
        return [other for other in before if other.pool == call.pool and not self.can_tell(call, other)]

    def can_tell(self, call: Call, other: Call) -> bool:
        """Whether a kernel can tell the responses to two requests by their sessions or workers, and knew it at once."""
        if call.session is None or other.session is None:
            return False
        return other.session in call.session.apart or (call.is_told and call.session.name != other.session.name)


def chosen(which: int, among: Sequence[T]) -> T | None:
    """One of several, or None where there is none."""
    return among[which % len(among)] if among else None


def judged(manner: Manner, usual: str, *, slow: bool = False) -> str:
    """The requirement that a line's arrival is held against."""
    if manner.split or manner.cut:
        return SPLIT
    if manner.cr:
        return RETURN
    return SLOW if slow else WHOLE_LINE if manner.size else usual
