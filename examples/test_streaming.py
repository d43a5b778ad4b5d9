"""A worker that streams its answer word by word."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import PoolConfig

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus

STREAM = PoolConfig(id="writer", command=sys.executable, args=["-m", "pytest_stdiobus.workers.stream"], instances=2)


@pytest.mark.stdiobus(pools=[STREAM])
async def test_the_answer_holds_all_that_was_streamed(stdiobus: AsyncStdioBus) -> None:
    answer = await stdiobus.request("stream", {"prompt": "one word after the other"})
    assert answer == {"stopReason": "end_turn", "text": "one word after the other"}


@pytest.mark.stdiobus(pools=[STREAM])
async def test_each_word_is_a_notification(stdiobus: AsyncStdioBus) -> None:
    seen: list[str] = []
    stdiobus.on_notification(seen.append)
    await stdiobus.request("stream", {"prompt": "one word after the other"})
    assert [json.loads(line)["method"] for line in seen] == ["session/update"] * 5


async def test_words_arrive_one_by_one(stdiobus: AsyncStdioBus) -> None:
    *chunks, result = [event async for event in stdiobus.stream_request("stream", {"prompt": "word by word"})]
    assert [chunk.text for chunk in chunks] == ["word", " by", " word"]
    assert result.result == {"stopReason": "end_turn", "text": "word by word"}


async def text_of(bus: AsyncStdioBus, prompt: str, session_id: str) -> str:
    """What one conversation streams."""
    events = bus.stream_request("stream", {"prompt": prompt}, session_id=session_id)
    return "".join([event.text async for event in events if event.text is not None])


async def test_streams_on_two_sessions_do_not_mix(stdiobus: AsyncStdioBus) -> None:
    alice, bob = await asyncio.gather(
        text_of(stdiobus, "to alice", session_id="alice"), text_of(stdiobus, "to bob", session_id="bob")
    )
    assert (alice, bob) == ("to alice", "to bob")


async def test_a_stream_may_be_given_up(stdiobus: AsyncStdioBus) -> None:
    stream = stdiobus.stream_request("stream", {"prompt": "a long answer"})
    async for event in stream:
        assert event.text == "a"
        break
    await stream.aclose()
    assert (await stdiobus.request("stream", {"prompt": "the next one"}))["text"] == "the next one"
