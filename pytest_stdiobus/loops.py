"""On which event loop the bus of a test runs."""

from __future__ import annotations

import pytest

LOOP_SCOPES = ("function", "class", "module", "package", "session")  # of pytest-asyncio
ANYIO = "anyio"


def loop_of(request: pytest.FixtureRequest, fixture: str) -> str:
    """Which private fixture runs on the event loop of the test: a loop scope of pytest-asyncio, or anyio."""
    node = request.node
    marker = node.get_closest_marker("asyncio")
    if marker is not None:
        scope = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
        return str(scope or request.config.getini("asyncio_default_test_loop_scope") or "function")
    if node.get_closest_marker("anyio") is not None:
        backend = request.getfixturevalue("anyio_backend")
        name = backend if isinstance(backend, str) else backend[0]
        if name == "asyncio":
            return ANYIO
        pytest.fail(f"{fixture} runs on asyncio, this test runs on {name}", pytrace=False)
    pytest.fail(
        f"{fixture} is asynchronous: make the test a coroutine (async def), or ask for stdiobus_sync", pytrace=False
    )
