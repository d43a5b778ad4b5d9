"""The same bus for tests that are no coroutines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BusConfig, PoolConfig, StdioBus, TimeoutError  # noqa: A004 - the client's own

if TYPE_CHECKING:
    from collections.abc import Iterator

CALCULATOR = PoolConfig(
    id="calculator", command=sys.executable, args=[str(Path(__file__).parent / "agents" / "calculator.py")]
)


def test_a_request(stdiobus_sync: StdioBus) -> None:
    assert stdiobus_sync.request("echo", {"message": "hi"}) == {"echo": {"message": "hi"}}


def test_a_stream_is_an_iterator(stdiobus_sync: StdioBus) -> None:
    *chunks, result = stdiobus_sync.stream_request("stream", {"prompt": "word by word"})
    assert [chunk.text for chunk in chunks] == ["word", " by", " word"]
    assert result.result["text"] == "word by word"


def test_a_subscription_is_an_iterator(stdiobus_sync: StdioBus) -> None:
    subscription = stdiobus_sync.subscribe()
    stdiobus_sync.request("stream", {"prompt": "word"})
    assert next(subscription)["method"] == "session/update"


@pytest.fixture(scope="module")
def calculator() -> Iterator[StdioBus]:
    """One bus for all tests of this module; without the plugin's fixtures it works anywhere."""
    with StdioBus(BusConfig(pools=[CALCULATOR])) as bus:
        yield bus


@pytest.mark.parametrize(("numbers", "total"), [([1, 2], 3), ([], 0)])
def test_many_cases_share_a_bus(calculator: StdioBus, numbers: list[int], total: int) -> None:
    assert calculator.request("add", numbers) == total


def test_a_worker_that_is_too_slow(stdiobus_sync: StdioBus) -> None:
    with pytest.raises(TimeoutError):
        stdiobus_sync.request("echo", {"message": "hi"}, timeout_ms=0.001)
