"""What can happen in a generated case, and strategies for it.

A move names what it is about by numbers that are taken modulo what there is when it is made, and does nothing where there
is nothing. So every list of moves is a case, and so is every list with some moves left out, or with simpler ones in their
place: this is how the cases get small that fail. The simplest of each kind is the one without arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from pytest_stdiobus.kit.explore import messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

LONGEST = 40  # moves; a case of so many takes a tenth of a second


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
    """A worker answers a request it has read: with an error, or under another spelling of the id, where that is wanted."""

    which: int = 0
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


Move = Ask | Tell | Take | Answer | Collect | Notify | Stray


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
    """Plans; in parts, because a list of many moves would be drawn too seldom."""
    parts = st.lists(st.lists(_move(), max_size=12), min_size=2, max_size=8)
    moves = parts.map(lambda lists: tuple(move for part in lists for move in part)[:LONGEST])
    return st.builds(Plan, messages.pools(), moves)


def _move() -> SearchStrategy[Move]:
    which = st.sampled_from(range(4))
    client, pool = st.sampled_from(range(3)), st.sampled_from(range(2))
    session = st.one_of(st.none(), messages.sessions())
    ask = st.builds(Ask, client, messages.ids(), session, pool, messages.params(), messages.extras(), _manner())
    take, answer = st.builds(Take, which), st.builds(Answer, which, _seldom(), _seldom(), _manner())
    tell = st.builds(Tell, client, session, pool, messages.params(), _manner())
    notify = st.builds(Notify, which, _manner())
    return st.one_of(
        ask,
        ask,
        tell,
        take,
        take,
        answer,
        answer,
        st.builds(Collect, which),
        notify,
        st.builds(Stray, which, _seldom()),
    )


def _manner() -> SearchStrategy[Manner]:
    return st.one_of(
        st.just(WHOLE),
        st.builds(Manner, size=messages.sizes()),
        st.builds(Manner, split=messages.splits()),
        st.builds(Manner, cut=st.sampled_from((1, 20, 50))),
    )


def _seldom() -> SearchStrategy[bool]:
    return st.sampled_from((False, False, False, True))
