"""What the client without ``await`` iterates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import Self

    from pytest_stdiobus.bus.loop_thread import LoopThread
    from pytest_stdiobus.bus.subscriptions import Subscription

Item = TypeVar("Item")
Given_co = TypeVar("Given_co", covariant=True)


class Source(Protocol[Given_co]):
    """A stream or a subscription of the asyncio client."""

    def __anext__(self) -> Awaitable[Given_co]:
        """The next item."""

    def close(self) -> None:
        """End it."""


class SyncIterator(Generic[Item]):
    """A stream as a plain iterator."""

    def __init__(self, thread: LoopThread, source: Source[Item]) -> None:
        """Take the items of `source`, which belongs to `thread`."""
        self._thread = thread
        self.source: Source[Item] = source

    def __iter__(self) -> Self:
        """The iterator itself."""
        return self

    def __next__(self) -> Item:
        """The next item; waits for it."""
        try:
            return self._thread.run(_next(self.source))
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """End it early."""
        self._thread.call(self.source.close)


class SyncSubscription(SyncIterator[dict[str, Any]]):
    """A subscription as a plain iterator of notifications."""

    source: Subscription

    @property
    def dropped(self) -> int:
        """How many notifications did not fit."""
        return self.source.dropped

    @property
    def closed(self) -> bool:
        """Whether nothing more will be added."""
        return self.source.closed


async def _next(source: Source[Item]) -> Item:
    return await source.__anext__()
