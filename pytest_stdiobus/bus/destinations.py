"""Which pool and which session a message goes to."""

from __future__ import annotations

import itertools
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from pytest_stdiobus.bus.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pytest_stdiobus.bus.types import RequestOptions

# As many as the kernel itself remembers (KRN-RTE-12).
_MAX_SESSIONS = 1_000_000


class Destination(NamedTuple):
    """Where a message goes."""

    session: str
    pool: str


class Destinations:
    """The client's own session ids, and the pools of the sessions a caller named."""

    def __init__(self, pool_ids: tuple[str, ...]) -> None:
        """Begin with a generated client session id (SDK-WIR-02)."""
        self.client_session_id = f"client-{uuid.uuid4().hex}"
        self._pool_ids = pool_ids
        self._pool_of_session: OrderedDict[str, str] = OrderedDict()
        self._pool_of_agent_session: OrderedDict[str, str] = OrderedDict()
        self._numbers = itertools.count(2)
        self._only = Destination(self.client_session_id, pool_ids[0]) if len(pool_ids) == 1 else None

    def choose(
        self, method: str, pool: str | None, session_id: str | None, options: RequestOptions | None
    ) -> Destination:
        """The session a message travels on, and its pool (SDK-WIR-02, SDK-WIR-07).

        The pool is `pool`, else that of a session given explicitly, else the one whose id equals the
        method, else the only one. Without a session the message travels on the client's own session with
        that pool.

        Raises:
            InvalidArgumentError: the pool does not exist, or cannot be told.
        """
        if self._only is not None and pool is None and session_id is None and options is None:
            return self._only
        session = self.given(session_id, options)
        if session is not None and not isinstance(session, str):
            message = f"session_id: expected a string, got {session!r}"
            raise InvalidArgumentError(message)
        chosen = self._pool(method, pool, session)
        return Destination(self.session_with(chosen) if session is None else session, chosen)

    def used(self, destination: Destination) -> None:
        """Note that a message went there: its first message binds a session to its pool (KRN-RTE-06)."""
        if len(self._pool_ids) > 1:
            first = self._pool_of_session.get(destination.session, destination.pool)
            _remember(self._pool_of_session, destination.session, first)

    def given(self, session_id: str | None, options: RequestOptions | None) -> str | None:
        """The session that a caller named, if any: options win over the argument (SDK-WIR-02)."""
        return options.session_id if options is not None and options.session_id is not None else session_id

    def one_more(self, beside: Destination) -> Destination:
        """A session that nothing else uses, beside one of the client's own."""
        return Destination(f"{beside.session}#{next(self._numbers)}", beside.pool)

    def learn(self, session: str, pool: str) -> None:
        """Note a session that an agent named, or that stands in the parameters of a request to it."""
        if len(self._pool_ids) > 1:
            _remember(self._pool_of_agent_session, session, pool)

    def pool_of(self, session: str | None) -> str | None:
        """The pool that this client used a session with; None where that cannot be told (SDK-SUB-05)."""
        if len(self._pool_ids) == 1:
            return self._pool_ids[0]
        if session is None:
            return None
        for known in (self._pool_of_session, self._pool_of_agent_session):
            if session in known:
                return known[session]
        return None

    def check_pool(self, pool: str) -> None:
        """Refuse a pool that does not exist."""
        if pool not in self._pool_ids:
            message = f"there is no pool {pool!r}; the pools are: {', '.join(self._pool_ids)}"
            raise InvalidArgumentError(message)

    def session_with(self, pool: str) -> str:
        """The client's own session with a pool."""
        return self.client_session_id if pool == self._pool_ids[0] else f"{self.client_session_id}:{pool}"

    def _pool(self, method: str, pool: str | None, session: str | None) -> str:
        if pool is not None:
            self.check_pool(pool)
            return pool
        if session is not None and session in self._pool_of_session:
            return self._pool_of_session[session]
        if method in self._pool_ids:
            return method
        if len(self._pool_ids) == 1:
            return self._pool_ids[0]
        known = ", ".join(self._pool_ids)
        message = f"{method!r} names no pool and there are several: pass pool=, one of: {known}"
        raise InvalidArgumentError(message)


def _remember(pools: OrderedDict[str, str], session: str, pool: str) -> None:
    pools[session] = pool
    pools.move_to_end(session)
    if len(pools) > _MAX_SESSIONS:
        pools.popitem(last=False)
