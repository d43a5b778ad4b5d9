"""What can happen in a generated case, and strategies for it.

A move names what it is about by numbers that are taken modulo what there is when it is made, and does nothing where there
is nothing. So every list of moves is a case, and so is every list with some moves left out, or with simpler ones in their
place: this is how the cases get small that fail. The simplest of each kind is the one without arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from pytest_stdiobus.kit.explore import messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

LONGEST = 60  # moves; to play so many takes hardly longer than to start a kernel


@dataclass(frozen=True)
class Manner:
    """How a line is written.

    Attributes:
        size: so many bytes longer than it had to be.
        split: in writes of so many bytes; 0 is one write.
        cut: after so many characters its author pauses, and others go on; 0 is at no place.
    """

    size: int = 0
    split: int = 0
    cut: int = 0


WHOLE = Manner()


@dataclass(frozen=True)
class Ask:
    """A client sends a request, in a session or in none."""

    client: int = 0
    ident: str = "1"
    session: str | None = None
    pool: int = 0
    params: Any = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Tell:
    """A client sends a notification."""

    client: int = 0
    session: str | None = None
    pool: int = 0
    params: Any = field(default_factory=dict)
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Take:
    """A worker reads a line that is on its way to it."""

    which: int = 0


@dataclass(frozen=True)
class Answer:
    """A worker answers a request it has read.

    Attributes:
        which: of the requests.
        at_once: whether the client reads the answer before anything else happens.
        error: whether it is one.
        respelled: whether the id has another spelling.
        manner: how it is written.
    """

    which: int = 0
    at_once: bool = False
    error: bool = False
    respelled: bool = False
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Collect:
    """A client reads a line that is on its way to it."""

    which: int = 0


@dataclass(frozen=True)
class Notify:
    """A worker sends a notification in a session it serves."""

    which: int = 0
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Stray:
    """A worker sends a response to no request: one of its own making, or one of its answers again."""

    which: int = 0
    again: bool = False


@dataclass(frozen=True)
class Inquire:
    """A worker sends a request of its own in a session it serves; the client may read it before anything else happens."""

    which: int = 0
    at_once: bool = False
    ident: str = "1"
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Reply:
    """A client answers what a worker has asked it."""

    which: int = 0
    error: bool = False
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Stall:
    """A client stops reading, until it has to read."""

    client: int = 0


@dataclass(frozen=True)
class StallWorker:
    """A worker stops reading, until it has to read."""

    which: int = 0


@dataclass(frozen=True)
class Crash:
    """The only worker of a pool dies: it exits with a status, or is killed."""

    pool: int = 0
    status: int | None = None


@dataclass(frozen=True)
class HalfClose:
    """A client ends what it sends."""

    client: int = 0


@dataclass(frozen=True)
class Leave:
    """A client closes its connection."""

    client: int = 0


@dataclass(frozen=True)
class Intrude:
    """A client comes that sends a line which is no message, and leaves."""

    line: str = "x"


Talk = Ask | Tell | Take | Answer | Collect | Notify | Stray | Inquire | Reply
Move = Talk | Stall | StallWorker | Crash | HalfClose | Leave | Intrude


@dataclass(frozen=True)
class Plan:
    """A case to be.

    Attributes:
        pools: of its configuration.
        moves: what happens in it; then everything under way arrives and is answered.
    """

    pools: Sequence[Mapping[str, Any]]
    moves: tuple[Move, ...]


def plans() -> SearchStrategy[Plan]:
    """Plans; in parts that each begin with a line which arrives, because most moves need one that has."""
    call = st.one_of(_ask(), _tell())
    part = st.builds(
        lambda opening, taking, rest: (opening, taking, *rest), call, _take(), st.lists(_move(), max_size=12)
    )
    parts = st.lists(part, min_size=4, max_size=10)
    return st.builds(Plan, messages.pools(), parts.map(lambda found: tuple(chain.from_iterable(found))[:LONGEST]))


def _move() -> SearchStrategy[Move]:
    which, client = _number(4), _client()
    answer = st.builds(Answer, which, st.booleans(), _seldom(), _seldom(), _manner())
    collect, notify = st.builds(Collect, which), st.builds(Notify, which, _manner())
    inquire, reply = (
        st.builds(Inquire, which, st.booleans(), messages.ids(), _manner()),
        st.builds(Reply, which, _seldom(), _manner()),
    )
    slow = st.one_of(st.builds(Stall, client), st.builds(StallWorker, which))
    last = st.one_of(st.builds(HalfClose, client), st.builds(Leave, client))
    odd = st.one_of(st.builds(Stray, which, _seldom()), st.builds(Intrude, messages.no_messages()))
    ends = st.one_of(st.builds(Crash, _number(2), st.sampled_from((None, 1, 0))), odd, odd, last)
    talk = (_ask(), _tell(), _take(), _take(), answer, answer, collect, notify, inquire, reply)
    return st.one_of(*talk, slow, ends)


def _ask() -> SearchStrategy[Ask]:
    params, extras = messages.params(), messages.extras()
    return st.builds(Ask, _client(), messages.ids(), _session(), _number(2), params, extras, _manner())


def _tell() -> SearchStrategy[Tell]:
    return st.builds(Tell, _client(), _session(), _number(2), messages.params(), _manner())


def _take() -> SearchStrategy[Take]:
    return st.builds(Take, _number(4))


def _session() -> SearchStrategy[str | None]:
    return st.one_of(messages.sessions(), messages.sessions(), st.none())


def _client() -> SearchStrategy[int]:
    return st.sampled_from((0, 0, 0, 1, 1, 2))  # unevenly, so that some have much to do


def _number(count: int) -> SearchStrategy[int]:
    return st.sampled_from(range(count))


def _manner() -> SearchStrategy[Manner]:
    return st.one_of(
        st.just(WHOLE),
        st.builds(Manner, size=messages.sizes()),
        st.builds(Manner, split=messages.splits()),
        st.builds(Manner, cut=st.sampled_from((1, 20, 50))),
    )


def _seldom() -> SearchStrategy[bool]:
    return st.sampled_from((False, False, False, True))
