"""A worker that streams its answer word by word."""

from __future__ import annotations

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
