"""What a kernel has to do with what happens to it: a small model, which writes down what has to arrive where.

It is careful. Where the public rules leave open what a kernel does, or when, no move is made whose outcome would depend on
it. So a client never has an id open twice; a request whose id another has open is sent when that one has arrived, and is
not looked for before that one is answered, nor is anything that its client sends after it; and who owns a session is known
only where its first message had arrived before anybody else used it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.checks.traffic import Key, key_of, messages_of
from pytest_stdiobus.kit.explore.messages import IDS
from pytest_stdiobus.kit.explore.moves import WHOLE, Answer, Ask, Collect, Manner, Notify, Plan, Stray, Take, Tell
from pytest_stdiobus.kit.explore.script import Script, the_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeVar

    from pytest_stdiobus.kit.explore.moves import Move

    T = TypeVar("T")

CLIENTS = ("alice", "bob", "carol")
_WHOLE, _SPLIT = "KRN-TRN-03", "KRN-FRM-06"
_RESPONSE, _SPELLING = "KRN-COR-01", "KRN-COR-04"
_BY_SESSION, _TO_OWNER = "KRN-RTE-05", "KRN-RTE-08"


@dataclass
class Session:
    """A session: where it is served, who owns it (empty where that is open), and whether its first message has arrived."""

    name: str
    pool: str
    owner: str
    has_begun: bool = False


@dataclass(eq=False)
class Call:
    """A request or notification of a client; `taken` is the name under which a worker has read it."""

    client: str
    line: str
    pool: str
    session: Session | None
    judges: str
    ident: str | None = None
    taken: str = ""

    @property
    def key(self) -> Key | None:
        """The value of its id; None for a notification."""
        return None if self.ident is None else _key(self.ident)


@dataclass
class Expected:
    """A line that is on its way to a client, and the request it answers, if it does."""

    client: str
    line: str
    judges: str
    answers: Call | None = None


class Model:
    """Writes the steps of a plan."""

    def __init__(self, pools: Sequence[Mapping[str, Any]], clients: Sequence[str] = CLIENTS) -> None:
        """Begin with a kernel that nothing has happened to.

        Args:
            pools: of its configuration.
            clients: who takes part.
        """
        self.script = Script()
        self._clients = clients
        self._pools = [pool["id"] for pool in pools]
        self._sessions: dict[str, Session] = {}
        self._open: list[Call] = []  # requests that no worker has answered, in the order sent
        self._spent: set[Key] = set()  # ids that a stray response may still be looking for
        self._under_way: list[Call] = []
        self._taken: list[Call] = []
        self._expected: list[Expected] = []
        self._ids: set[tuple[str, Key]] = set()  # that clients have open
        self._calls = 0

    @singledispatchmethod
    def make(self, move: Move) -> None:
        """Make a move, if there is what it is about."""
        raise NotImplementedError(move)

    def settle(self) -> None:
        """Let everything arrive and be answered."""
        self.script.finish_all()
        while self._under_way or self._open:
            while self._deliverable():
                self.make(Take())
            while self._answerable():
                self.make(Answer())
        self.script.finish_all()
        while self._expected:
            self.make(Collect())

    @make.register
    def _(self, move: Ask) -> None:
        client, key = self._client(move.client), _key(move.ident)
        session = self._session(move.session)
        pool = session.pool if session else self._pools[move.pool % len(self._pools)]
        if (client, key) in self._ids or key in self._spent or any(o.key == key and not o.taken for o in self._open):
            return
        self._ids.add((client, key))
        self._open.append(self._call(client, move, pool, move.ident, {"params": move.params, **move.extra}))

    @make.register
    def _(self, move: Tell) -> None:
        session = self._session(move.session)
        pool = session.pool if session else self._pools[move.pool % len(self._pools)]
        self._call(self._client(move.client), move, pool, None, {"params": move.params})

    @make.register
    def _(self, move: Take) -> None:
        call = _chosen(move.which, self._deliverable())
        if call is None:
            return
        self._under_way.remove(call)
        call.taken = self.script.name("w")
        self.script.find(f"pool:{call.pool}", the_line(call.line), call.judges, call.taken)
        if call.session:
            call.session.has_begun = True
        self._taken.append(call)

    @make.register
    def _(self, move: Answer) -> None:
        call = _chosen(move.which, self._answerable())
        if call is None:
            return
        self._open.remove(call)
        ident = _respelled(call.ident or "") if move.respelled else call.ident
        line = self._respond(call, ident, move.manner, error=move.error)
        judges = _SPELLING if ident != call.ident else _judged(move.manner, _RESPONSE)
        self._expected.append(Expected(call.client, line, judges, call))

    @make.register
    def _(self, move: Stray) -> None:
        call = _chosen(move.which, [call for call in self._taken if call not in self._open])
        if call is None:
            return
        key = ("str", "nobody's") if not move.again or call.key is None else call.key
        if any(other.key == key for other in self._open):
            return
        self._spent.add(key)  # a request that overtakes it would get it
        self._respond(call, call.ident if move.again and call.ident else '"nobody\'s"', WHOLE)

    @make.register
    def _(self, move: Collect) -> None:
        expected = _chosen(move.which, [one for one in self._expected if not self.script.is_begun(one.line)])
        if expected is None:
            return
        self._expected.remove(expected)
        self.script.find(f"client:{expected.client}", the_line(expected.line), expected.judges)
        if expected.answers is not None and expected.answers.key is not None:
            self._ids.remove((expected.client, expected.answers.key))

    @make.register
    def _(self, move: Notify) -> None:
        call = _chosen(move.which, [call for call in self._taken if call.session and call.session.owner])
        if call is None or call.session is None:
            return
        self._calls += 1
        message = {"jsonrpc": "2.0", "method": f"e{self._calls}", "sessionId": call.session.name}
        line = self.script.send(f"worker:{call.taken}", call.pool, message, None, move.manner)
        self._expected.append(Expected(call.session.owner, line, _judged(move.manner, _TO_OWNER)))

    def _client(self, number: int) -> str:
        return self._clients[number % len(self._clients)]

    def _session(self, name: str | None) -> Session | None:
        return self._sessions.get(name) if name is not None else None

    def _call(self, client: str, move: Ask | Tell, pool: str, ident: str | None, more: Mapping[str, Any]) -> Call:
        """A client sends a call, in its session if it has one."""
        session = self._used_by(client, move.session, pool) if move.session is not None else None
        self._calls += 1
        message = {"jsonrpc": "2.0", "method": f"m{self._calls}", **more}
        if session:
            message["sessionId"] = session.name
        if len(self._pools) > 1 and not (session and session.has_begun):
            message["pool"] = pool
        message = {"jsonrpc": "2.0", **({"id": None} if ident is not None else {}), **message}
        line = self.script.send(f"client:{client}", client, message, ident, move.manner)
        usual = _BY_SESSION if len(self._pools) > 1 and "pool" not in message else _WHOLE
        call = Call(client, line, pool, session, _judged(move.manner, usual), ident)
        self._under_way.append(call)
        return call

    def _used_by(self, client: str, name: str, pool: str) -> Session:
        session = self._sessions.setdefault(name, Session(name, pool, client))
        if client != session.owner and not session.has_begun:
            session.owner = ""  # whose message comes first is open
        return session

    def _respond(self, call: Call, ident: str | None, manner: Manner, *, error: bool = False) -> str:
        """The worker that has read a call sends a response; the name of the line."""
        self._calls += 1
        what = {"error": {"code": -32000, "message": "no"}} if error else {"result": {"n": self._calls}}
        message = {"jsonrpc": "2.0", "id": None, **what}
        if call.session:
            message["sessionId"] = call.session.name
        manner = WHOLE if error and manner.size else manner
        return self.script.send(f"worker:{call.taken}", call.pool, message, ident, manner)

    def _deliverable(self) -> list[Call]:
        """The calls that any kernel has passed on by now, or is about to."""
        held: set[str] = set()
        found = []
        for call in self._under_way:
            if call.client in held or any(other.key == call.key for other in self._before(call)):
                held.add(call.client)
            elif not self.script.is_begun(call.line):
                found.append(call)
        return found

    def _before(self, call: Call) -> list[Call]:
        """The requests that were sent before a call and are not answered: a kernel may hold equal ids apart in all pools."""
        at = self._open.index(call) if call in self._open else 0
        return self._open[:at]

    def _answerable(self) -> list[Call]:
        return [call for call in self._open if call.taken]


def written(plan: Plan, clients: Sequence[str] = CLIENTS) -> list[dict[str, Any]]:
    """The steps of a plan."""
    model = Model(plan.pools, clients)
    for move in plan.moves:
        model.make(move)
    model.settle()
    return model.script.steps


def _chosen(which: int, among: Sequence[T]) -> T | None:
    return among[which % len(among)] if among else None


def _judged(manner: Manner, usual: str) -> str:
    """The requirement that a line's arrival is held against."""
    return _SPLIT if manner.split or manner.cut else _WHOLE if manner.size else usual


def _key(ident: str) -> Key:
    return key_of(messages_of(f'{{"id":{ident}}}'.encode())[0])


def _respelled(ident: str) -> str:
    """Another spelling of the same id, if there is one."""
    return next((other for other in IDS if other != ident and _key(other) == _key(ident)), ident)
