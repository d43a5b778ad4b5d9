"""Strategies for plans: which moves follow each other.

Most moves need others before them, so that a plan is made of scenes: each begins with a line that arrives, and some are what
peers of a bus do all the time, and hardly ever happens by chance.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from pytest_stdiobus.kit.explore import messages
from pytest_stdiobus.kit.explore.moves import (
    LONGEST_LINE,
    WHOLE,
    Answer,
    Ask,
    Blunder,
    Collect,
    Crash,
    Forge,
    HalfClose,
    Inquire,
    Intrude,
    Leave,
    Manner,
    Misroute,
    Notify,
    Part,
    Plan,
    Reply,
    Stall,
    StallWorker,
    Stray,
    Take,
    Tell,
    Trespass,
    Whisper,
)

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_stdiobus.kit.explore.moves import Move

    Scene = tuple[Move, ...]

LONGEST = 60  # moves; to play so many takes hardly longer than to start a kernel


@cache  # it takes as long to look through as to draw some
def plans() -> SearchStrategy[Plan]:
    """Plans of several scenes."""
    scene = st.one_of(_anything(), _several_requests(), _question(), _neighbours(), _slow_reader())
    scenes = st.lists(scene, min_size=4, max_size=10)
    moves = scenes.map(lambda found: tuple(chain.from_iterable(found))[:LONGEST])
    return st.builds(Plan, messages.pools(), moves, st.sampled_from((LONGEST_LINE, LONGEST_LINE, 4096, 70_000)))


def _anything() -> SearchStrategy[Scene]:
    """A line that arrives, and whatever happens then."""
    call = st.one_of(_ask(), _tell())
    return st.builds(
        lambda opening, taking, rest: (opening, taking, *rest), call, _take(), st.lists(_move(), max_size=12)
    )


def _several_requests() -> SearchStrategy[Scene]:
    """Requests that are at their workers at the same time, and are answered in any order."""
    asked = st.lists(st.tuples(_ask(), _take()), min_size=2, max_size=4).map(chain.from_iterable)
    answered = st.lists(_answer(), min_size=2, max_size=4)
    return st.builds(lambda requests, between, answers: (*requests, *between, *answers), asked, _few(), answered)


def _question() -> SearchStrategy[Scene]:
    """A worker asks the client that it works for, and gets its answer, and not that of another."""
    call = st.one_of(_ask(in_session=True), _tell(in_session=True))
    opened = st.lists(st.tuples(call, _take()), min_size=1, max_size=2).map(chain.from_iterable)
    asks = st.builds(Inquire, _number(4), st.just(value=True), messages.ids(), _manner())
    between = st.lists(st.one_of(_move(), st.builds(Forge, _client(), _number(4))), max_size=2)
    return st.builds(
        lambda opening, question, between, answer, reading: (*opening, question, *between, answer, reading),
        *(opened, asks, between, _reply(), _take()),
    )


def _neighbours() -> SearchStrategy[Scene]:
    """Sessions that different workers serve, and what these must not have to do with each other."""
    call = st.one_of(_ask(in_session=True), _tell(in_session=True))
    opened = st.lists(st.tuples(call, _take()), min_size=2, max_size=3).map(chain.from_iterable)
    crossing = st.one_of(_ask(in_session=True), _take(), _answer(), _trespass(), _move(), _move())
    return st.builds(
        lambda opening, parting, rest, last: (*opening, parting, *rest, last),
        *(opened, st.builds(Part, _number(2)), st.lists(crossing, min_size=1, max_size=5), _trespass()),
    )


def _slow_reader() -> SearchStrategy[Scene]:
    """A client or a worker that does not read for a while, and more for it than fits into what lies between."""
    client = _client()
    call = st.one_of(_ask(in_session=True), _tell(in_session=True))
    large = st.builds(Manner, size=st.sampled_from((70_000, messages.LARGEST)))
    spoken = st.one_of(
        st.builds(Notify, _number(4), st.one_of(large, _manner())),
        st.builds(Answer, _number(4), manner=large),
        st.builds(Tell, client, _session(in_session=True), _number(2), manner=st.one_of(large, _manner())),
        _move(),
    )
    return st.builds(
        lambda opening, taking, stalling, rest: (opening, taking, stalling, *rest),
        *(call, _take(), st.one_of(st.builds(Stall, client), st.builds(StallWorker, _number(4)))),
        st.lists(spoken, min_size=2, max_size=6),
    )


def _few() -> SearchStrategy[list[Move]]:
    return st.lists(_move(), max_size=3)


def _move() -> SearchStrategy[Move]:
    which, client = _number(4), _client()
    collect, notify = st.builds(Collect, which), st.builds(Notify, which, _manner())
    inquire = st.builds(Inquire, which, st.booleans(), messages.ids(), _manner())
    slow = st.one_of(st.builds(Stall, client), st.builds(StallWorker, which))
    odd = st.one_of(
        st.builds(Stray, which, _seldom()),
        _trespass(),
        _trespass(),
        st.builds(Forge, client, which),
        st.builds(Misroute, client, st.one_of(messages.ids(), st.none())),
        st.builds(Intrude, messages.no_messages()),
        st.builds(Blunder, client, messages.no_messages(), st.sampled_from((0, 1))),
    )
    ends = st.one_of(_crash(), _crash(), st.builds(HalfClose, client), st.builds(Leave, client))
    whisper = st.builds(Whisper, which)
    talk = (_ask(), _tell(), _take(), _take(), _answer(), _answer(), collect, notify, whisper, inquire, _reply())
    return st.one_of(*talk, slow, odd, ends)


def _answer() -> SearchStrategy[Answer]:
    return st.builds(Answer, _number(4), st.booleans(), _seldom(), _seldom(), _seldom(), _manner())


def _reply() -> SearchStrategy[Reply]:
    return st.builds(Reply, _number(4), _seldom(), _of_a_client())


def _ask(*, in_session: bool = False) -> SearchStrategy[Ask]:
    session, params, extras = _session(in_session=in_session), messages.params(), messages.extras()
    return st.builds(Ask, _client(), messages.ids(), session, _number(2), _seldom(), params, extras, _of_a_client())


def _tell(*, in_session: bool = False) -> SearchStrategy[Tell]:
    session = _session(in_session=in_session)
    return st.builds(Tell, _client(), session, _number(2), _seldom(), messages.params(), _of_a_client())


def _take() -> SearchStrategy[Take]:
    return st.builds(Take, _number(4))


def _trespass() -> SearchStrategy[Trespass]:
    return st.builds(Trespass, _number(4), _number(4))


def _crash() -> SearchStrategy[Crash]:
    return st.builds(Crash, _number(2), st.sampled_from((None, 1, 0)), _number(4))


def _session(*, in_session: bool) -> SearchStrategy[str | None]:
    some = messages.sessions()
    return some if in_session else st.one_of(some, some, st.none())


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


def _of_a_client() -> SearchStrategy[Manner]:
    return st.one_of(_manner(), _manner(), st.just(Manner(cr=True)))


def _seldom() -> SearchStrategy[bool]:
    return st.sampled_from((False, False, False, True))
