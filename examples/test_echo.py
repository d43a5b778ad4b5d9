"""The smallest suite: a bus with the bundled echo worker, nothing to configure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import InvalidArgumentError, LimitsConfig

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus


async def test_a_worker_answers(stdiobus: AsyncStdioBus) -> None:
    assert (await stdiobus.request("echo", {"message": "hi"}))["echo"] == {"message": "hi"}


async def test_every_request_gets_its_own_answer(stdiobus: AsyncStdioBus) -> None:
    answers = await asyncio.gather(*[stdiobus.request("echo", {"number": number}) for number in range(100)])
    assert [answer["echo"]["number"] for answer in answers] == list(range(100))


@pytest.mark.stdiobus(limits=LimitsConfig(max_input_buffer=10_000))
async def test_a_message_above_the_limit_is_refused(stdiobus: AsyncStdioBus) -> None:
    with pytest.raises(InvalidArgumentError, match="max_input_buffer"):
        await stdiobus.request("echo", {"message": "x" * 10_000})
