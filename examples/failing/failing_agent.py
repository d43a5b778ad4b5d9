"""A test that fails because its worker dies: `pytest examples/failing/failing_agent.py` shows what that looks like."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import PoolConfig

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus

AGENT = PoolConfig(id="agent", command=sys.executable, args=[str(Path(__file__).parent / "agent.py")])


@pytest.mark.stdiobus(pools=[AGENT])
async def test_summary(stdiobus: AsyncStdioBus) -> None:
    assert await stdiobus.request("summarise", {"text": "a long story"}) == "a story"
