"""Real MCP servers behind the bus, with nothing between.

These servers refuse requests with members they do not know; ``envelope="strip"`` keeps the bus's own from them.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import BusConfig, PoolConfig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from pytest_stdiobus.bus import AsyncStdioBus

    MakeBus = Callable[..., Awaitable[AsyncStdioBus]]

FILESYSTEM = "mcp-server-filesystem"

TIME = PoolConfig(
    id="time",
    command=sys.executable,
    args=["-m", "mcp_server_time", "--local-timezone=UTC"],
    envelope="strip",
)


async def initialized(bus: AsyncStdioBus) -> dict[str, Any]:
    """Greet a server as MCP asks, and return what it says about itself."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "example", "version": "1"}}
    answer: dict[str, Any] = await bus.request("initialize", client)
    await bus.notify("notifications/initialized")
    return answer


@pytest.mark.skipif(
    importlib.util.find_spec("mcp_server_time") is None,
    reason="mcp-server-time is not installed: pip install 'pytest-stdiobus[mcp]'",
)
class TestTimeServer:
    @pytest.fixture
    def stdiobus_config(self) -> BusConfig:
        return BusConfig(pools=[TIME])

    async def test_it_introduces_itself(self, stdiobus: AsyncStdioBus) -> None:
        assert "tools" in (await initialized(stdiobus))["capabilities"]

    async def test_it_lists_its_tools(self, stdiobus: AsyncStdioBus) -> None:
        await initialized(stdiobus)
        tools = (await stdiobus.request("tools/list"))["tools"]
        assert {tool["name"] for tool in tools} == {"get_current_time", "convert_time"}

    async def test_it_converts_a_time(self, stdiobus: AsyncStdioBus) -> None:
        await initialized(stdiobus)
        arguments = {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}
        result = await stdiobus.request("tools/call", {"name": "convert_time", "arguments": arguments})
        assert json.loads(result["content"][0]["text"])["target"]["datetime"].endswith("T21:00:00+09:00")


@pytest.mark.skipif(
    shutil.which(FILESYSTEM) is None,
    reason="needs Node and: npm install --global @modelcontextprotocol/server-filesystem",
)
async def test_the_filesystem_server_reads_a_file(make_stdiobus: MakeBus, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("kept", encoding="utf-8")
    pool = PoolConfig(id="files", command=FILESYSTEM, args=[str(tmp_path)], envelope="strip")
    bus = await make_stdiobus([pool])
    await initialized(bus)
    result = await bus.request("tools/call", {"name": "read_file", "arguments": {"path": str(tmp_path / "note.txt")}})
    assert result["content"][0]["text"] == "kept"
