"""A request whose text is handed out as it arrives."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus.mailbox import Mailbox
from pytest_stdiobus.bus.types import StreamEvent, StreamEventType

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from pytest_stdiobus.bus.calls import Ticket
    from pytest_stdiobus.bus.errors import StdioBusError


class StreamBuffer(Mailbox[StreamEvent]):
    """What a stream has not handed out yet. To the table of calls it is the one who waits for the answer."""

    def done(self) -> bool:
        """Whether the answer came, or nobody waits for it any more."""
        return self.ended

    def chunk(self, text: str) -> None:
        """Take a piece of text."""
        self.put(StreamEvent(StreamEventType.CHUNK, text))

    def set_result(self, result: Any) -> None:
        """Take the answer."""
        self.put(StreamEvent(StreamEventType.RESULT, result=result))
        self.end()

    def set_exception(self, error: StdioBusError) -> None:
        """Take the reason why there is no answer."""
        self.end(error)


class Stream:
    """The events of one request: every chunk, then one result (SDK-AGG-02).

    The request is sent when the first event is asked for. What ends the iteration early (`aclose`, a
    cancelled task, a timeout, or a `break` that drops the stream) leaves nothing behind (SDK-CAN-03).
    """

    def __init__(self, begin: Callable[[StreamBuffer], Ticket], check_loop: Callable[[], object]) -> None:
        """Prepare; `begin` sends the request."""
        self._begin = begin
        self._buffer = StreamBuffer(check_loop)
        self._ticket: Ticket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __aiter__(self) -> Self:
        """The stream itself."""
        return self

    async def __anext__(self) -> StreamEvent:
        """The next event. Raises what `request` raises, in place of the result."""
        if self._ticket is None and not self._buffer.ended:
            try:
                self._ticket = self._begin(self._buffer)
            except BaseException:
                self._buffer.end()
                raise
            self._loop = asyncio.get_running_loop()
        try:
            return await self._buffer.take()
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            if self._ticket is not None and self._buffer.ended:
                self._ticket.close()

    async def aclose(self) -> None:
        """Give the request up; what still arrives for it is dropped. Repeating it is allowed."""
        self.close()

    def close(self) -> None:
        """What `aclose` does, without ``await``."""
        self._buffer.end()
        self._buffer.items.clear()
        if self._ticket is not None:
            self._ticket.close()

    def __del__(self) -> None:
        """Give up what nobody can ask for any more, on the thread it belongs to."""
        if self._ticket is None or self._loop is None:
            return
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self.close()
        elif not self._buffer.ended:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and everything on it has ended
                self._loop.call_soon_threadsafe(self._ticket.close)
