"""Notifications, for those who ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus.errors import InvalidArgumentError
from pytest_stdiobus.bus.mailbox import Mailbox
from pytest_stdiobus.bus.types import OverflowPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self


class Subscription:
    """The notifications of one pool, or of all, in order; each a dict (SDK-SUB-01).

    What nobody takes waits in a queue of its own: a slow subscriber never affects another. The iteration
    ends when the subscription is closed or the bus ends, after what is buffered (SDK-SUB-05).
    """

    def __init__(
        self,
        pool: str | None,
        max_queue: int,
        policy: OverflowPolicy | str,
        check_loop: Callable[[], object],
        forget: Callable[[Subscription], object],
    ) -> None:
        """Begin empty; `forget` is told of the end.

        Raises:
            InvalidArgumentError: no such policy, or a queue without room.
        """
        if isinstance(max_queue, bool) or not isinstance(max_queue, int) or max_queue < 1:
            message = f"max_queue: expected a positive number of notifications, got {max_queue!r}"
            raise InvalidArgumentError(message)
        try:
            self._policy = OverflowPolicy(policy)
        except ValueError as error:
            message = f"overflow_policy: {error}; policies: {', '.join(member.value for member in OverflowPolicy)}"
            raise InvalidArgumentError(message) from error
        self._pool = pool
        self._max_queue = max_queue
        self._mailbox: Mailbox[dict[str, Any]] = Mailbox(check_loop)
        self._forget = forget
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many notifications did not fit (SDK-SUB-03)."""
        return self._dropped

    @property
    def closed(self) -> bool:
        """Whether nothing more will be added."""
        return self._mailbox.ended

    def close(self) -> None:
        """End it; what is buffered can still be taken. Repeating it is allowed."""
        self._mailbox.end()
        self._forget(self)

    def offer(self, notification: dict[str, Any], pool: str | None) -> None:
        """Take a notification if it is one of ours; `pool` is None where it cannot be told."""
        if self.closed or (self._pool is not None and self._pool != pool):
            return
        if len(self._mailbox.items) >= self._max_queue:
            self._dropped += 1
            if self._policy is OverflowPolicy.CLOSE:
                self.close()
                return
            if self._policy is OverflowPolicy.DROP_NEWEST:
                return
            self._mailbox.items.popleft()
        self._mailbox.put(notification)

    def __aiter__(self) -> Self:
        """The subscription itself."""
        return self

    async def __anext__(self) -> dict[str, Any]:
        """The next notification."""
        return await self._mailbox.take()
