from __future__ import annotations

import pytest

from pytest_stdiobus.bus import TransportError
from pytest_stdiobus.bus.mailbox import Mailbox

pytestmark = pytest.mark.asyncio


def mailbox(*items: int) -> Mailbox[int]:
    made: Mailbox[int] = Mailbox(lambda: None)
    for item in items:
        made.put(item)
    return made


async def test_the_end_comes_after_what_was_left() -> None:
    box = mailbox(1, 2)
    box.end()
    assert (await box.take(), await box.take()) == (1, 2)
    with pytest.raises(StopAsyncIteration):
        await box.take()


async def test_an_error_is_raised_once_where_the_end_is_met() -> None:
    box = mailbox(1)
    box.end(TransportError("gone"))
    assert await box.take() == 1
    with pytest.raises(TransportError, match="gone"):
        await box.take()
    with pytest.raises(StopAsyncIteration):
        await box.take()


async def test_the_first_end_counts() -> None:
    box, other = mailbox(), mailbox()
    box.end(TransportError("gone"))
    box.end()
    with pytest.raises(TransportError, match="gone"):
        await box.take()
    other.end()
    other.end(TransportError("gone"))
    with pytest.raises(StopAsyncIteration):
        await other.take()
