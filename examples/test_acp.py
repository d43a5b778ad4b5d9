"""A real ACP agent behind the bus, with nothing between: it knows only its own protocol."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import BusConfig, PoolConfig

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("acp") is None,
    reason="agent-client-protocol is not installed: pip install 'pytest-stdiobus[acp]'",
)

AGENT = Path(__file__).parent / "agents" / "acp_echo.py"


@pytest.fixture
def stdiobus_config() -> BusConfig:
    return BusConfig(pools=[PoolConfig(id="agent", command=sys.executable, args=[str(AGENT)])])


def text(words: str) -> list[dict[str, Any]]:
    """A prompt of one block for every word."""
    return [{"type": "text", "text": word} for word in words.split()]


async def new_session(bus: AsyncStdioBus) -> str:
    """Greet the agent as ACP asks, and open a session."""
    await bus.request("initialize", {"protocolVersion": 1, "clientCapabilities": {}})
    session = await bus.request("session/new", {"cwd": str(Path.cwd()), "mcpServers": []})
    return str(session["sessionId"])


async def test_it_negotiates_the_version(stdiobus: AsyncStdioBus) -> None:
    answer = await stdiobus.request("initialize", {"protocolVersion": 1, "clientCapabilities": {}})
    assert answer["protocolVersion"] == 1


async def test_its_answer_holds_all_that_it_streamed(stdiobus: AsyncStdioBus) -> None:
    session = await new_session(stdiobus)
    answer = await stdiobus.request("session/prompt", {"sessionId": session, "prompt": text("over the bus")})
    assert answer["stopReason"] == "end_turn"
    assert answer["text"] == "overthebus"


async def test_two_sessions_never_mix(stdiobus: AsyncStdioBus) -> None:
    sessions = [await new_session(stdiobus), await new_session(stdiobus)]
    for session, words in zip(sessions, ["first", "second"], strict=True):
        answer = await stdiobus.request("session/prompt", {"sessionId": session, "prompt": text(words)})
        assert answer["text"] == words
