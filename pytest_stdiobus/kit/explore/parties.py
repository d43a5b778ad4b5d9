"""Who takes part in a generated case, and what is between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_stdiobus.kit.checks.traffic import Key, key_of, messages_of


@dataclass(eq=False)
class Client:
    """A client.

    Attributes:
        name: under which it takes part.
        has_come: whether it has connected.
        stalled: whether it does not read.
        has_ended: whether it has closed what it sends on.
        has_left: whether it has closed everything.
    """

    name: str
    has_come: bool = False
    stalled: bool = False
    has_ended: bool = False
    has_left: bool = False

    @property
    def actor(self) -> str:
        """Its name as an actor."""
        return f"client:{self.name}"

    @property
    def is_silent(self) -> bool:
        """Whether it sends nothing more."""
        return self.has_ended or self.has_left


@dataclass(eq=False)
class Session:
    """A session.

    Attributes:
        name: its id.
        pool: where it is served.
        owner: the client whose message made it; None where that is open.
        users: the clients that have used it.
        has_begun: whether its first message has arrived, so that its pool is known.
        is_reborn: whether its worker has died, and it was not used since.
        apart: the sessions that are known to be at other workers of its pool.
    """

    name: str
    pool: str
    owner: Client | None
    users: set[Client]
    has_begun: bool = False
    is_reborn: bool = False
    apart: set[Session] = field(default_factory=set)

    def join(self) -> None:
        """Forget that other sessions are at other workers."""
        for other in self.apart:
            other.apart.discard(self)
        self.apart.clear()


@dataclass(eq=False)
class Call:
    """A line of a client: a request, a notification, or its answer to what a worker has asked.

    Attributes:
        client: who sends it.
        line: the name of the line.
        pool: where it goes.
        session: its session, if it has one.
        what: the line as its worker reads it.
        judges: the requirement that its arrival is held against.
        ident: the id of a request as it is spelled; None for the others.
        answers: what a worker has asked, where this is the answer.
        is_told: whether the kernel knew when it was sent that the only worker of its pool repeats sessions.
        taken: the name under which a worker has read it.
        response: the name of the line that answers it.
    """

    client: Client
    line: str
    pool: str
    session: Session | None
    what: Any
    judges: str
    ident: str | None = None
    answers: Inquiry | None = None
    is_told: bool = False
    taken: str = ""
    response: str = ""

    @property
    def key(self) -> Key | None:
        """The value of its id, if it is a request."""
        return None if self.ident is None else key(self.ident)


@dataclass(eq=False)
class Inquiry:
    """A request of a worker's own: to whom, the call whose worker sends it, and its id as it is spelled."""

    client: Client
    cause: Call
    ident: str


@dataclass(eq=False)
class Expected:
    """A line that is on its way to a client.

    Attributes:
        client: who reads it.
        pool: where it comes from; empty where that is the kernel itself.
        what: the line as a step expects it.
        judges: the requirement that its arrival is held against.
        line: the name of the line; empty where the kernel itself has written it.
        answers: the request that it answers, if it does.
        asks: the request that it is, if it is one.
        teaches: the session that its worker has made, if it tells of one.
    """

    client: Client
    pool: str
    what: dict[str, Any]
    judges: str
    line: str = ""
    answers: Call | None = None
    asks: Inquiry | None = None
    teaches: str = ""


def key(ident: str) -> Key:
    """The value of an id."""
    return key_of(messages_of(f'{{"id":{ident}}}'.encode())[0])
