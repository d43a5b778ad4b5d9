"""Items that one part of the client leaves and one task of the user takes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_stdiobus.bus.errors import InvalidStateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.bus.errors import StdioBusError

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """A queue with an end. What was left before the end can still be taken."""

    def __init__(self, check_loop: Callable[[], object]) -> None:
        """Begin empty; `check_loop` raises where another event loop would wait in vain (SDK-THR-03)."""
        self.items: deque[Item] = deque()
        self._check_loop = check_loop
        self._waiter: asyncio.Future[None] | None = None
        self._error: StdioBusError | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether nothing will be added."""
        return self._ended

    def put(self, item: Item) -> None:
        """Leave an item."""
        self.items.append(item)
        self._wake()

    def end(self, error: StdioBusError | None = None) -> None:
        """Say that nothing follows; `error` is raised, once, where the end is met."""
        if not self._ended:
            self._ended, self._error = True, error
            self._wake()

    async def take(self) -> Item:
        """The oldest item, as soon as there is one.

        Raises:
            StopAsyncIteration: nothing is left and nothing follows.
            InvalidStateError: another task waits already, or another event loop.
        """
        if not self._ended:
            self._check_loop()
        while not self.items:
            if self._ended:
                if (error := self._error) is not None:
                    self._error = None
                    raise error
                raise StopAsyncIteration
            await self._wait()
        return self.items.popleft()

    async def _wait(self) -> None:
        if self._waiter is not None:
            message = "another task waits for the next item: iterate in one task only"
            raise InvalidStateError(message)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
