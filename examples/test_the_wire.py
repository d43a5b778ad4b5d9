"""What crossed the wire: asked by a test, and shown where a test fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus
    from pytest_stdiobus.testing import Wire


async def test_one_request_is_one_line_each_way(stdiobus: AsyncStdioBus, stdiobus_wire: Wire) -> None:
    await stdiobus.request("echo", {"message": "hi"})
    sent, received = stdiobus_wire.entries
    assert (sent.sender, sent.receiver, sent.method) == ("client", "echo", "echo")
    assert received.message["result"] == {"echo": {"message": "hi"}}
    assert received.time >= sent.time


async def test_every_chunk_is_a_line_before_the_result(stdiobus: AsyncStdioBus, stdiobus_wire: Wire) -> None:
    await stdiobus.request("stream", {"prompt": "word by word"})
    assert [entry.method for entry in stdiobus_wire.received] == ["session/update"] * 3 + [None]
