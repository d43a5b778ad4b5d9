"""A worker on its standard streams, without a bus between it and the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stdiobus.testing import DirectWorker


async def test_a_broken_line_does_not_end_it(stdiobus_worker: DirectWorker) -> None:
    await stdiobus_worker.send(b"{broken\n")
    await stdiobus_worker.expect({"error": {"code": -32700}})
    await stdiobus_worker.send({"jsonrpc": "2.0", "id": 1, "method": "echo", "params": ["still here"]})
    assert (await stdiobus_worker.expect({"id": 1}))["result"] == {"echo": ["still here"]}
    assert await stdiobus_worker.close() == 0
