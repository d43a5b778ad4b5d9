"""What a worker tells without being asked: subscriptions."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import InvalidArgumentError

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus


def text_of(notification: dict[str, Any]) -> str:
    """The words of a chunk that an agent sends."""
    text: str = notification["params"]["update"]["content"]["text"]
    return text


async def test_a_subscription_gives_what_arrives_from_now_on(stdiobus: AsyncStdioBus) -> None:
    subscription = stdiobus.subscribe()
    await stdiobus.request("stream", {"prompt": "two words"})
    notification = await anext(aiter(subscription))
    assert notification["method"] == "session/update"
    assert text_of(notification) == "two"


async def test_a_listener_runs_beside_the_requests(stdiobus: AsyncStdioBus) -> None:
    subscription = stdiobus.subscribe()

    async def listen() -> list[str]:
        return [text_of(notification) async for notification in subscription]

    listener = asyncio.create_task(listen())
    await stdiobus.request("stream", {"prompt": "three more words"})
    stdiobus.unsubscribe(subscription)  # the listener ends after what has arrived
    assert await listener == ["three", " more", " words"]


async def test_a_slow_listener_loses_the_oldest(stdiobus: AsyncStdioBus) -> None:
    subscription = stdiobus.subscribe(max_queue=2, overflow_policy="drop_oldest")
    await stdiobus.request("stream", {"prompt": "one two three"})
    subscription.close()
    assert [text_of(notification) async for notification in subscription] == [" two", " three"]
    assert subscription.dropped == 1


async def test_only_pools_that_exist_can_be_subscribed_to(stdiobus: AsyncStdioBus) -> None:
    with pytest.raises(InvalidArgumentError, match="echo"):
        stdiobus.subscribe("no such pool")
