"""A kernel between clients and workers that are the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stdiobus.kit.stage import StagedKernel


def test_equal_ids_of_two_clients_are_told_apart(stdiobus_kernel: StagedKernel) -> None:
    stdiobus_kernel.start({"pools": [{"id": "w", "worker": "scripted", "instances": 2}]}, transport="tcp")
    alice, bob = stdiobus_kernel.client("alice"), stdiobus_kernel.client("bob")
    alice.send({"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "a"})
    bob.send({"jsonrpc": "2.0", "id": 1, "method": "m", "sessionId": "b"})
    of_alice = stdiobus_kernel.pool("w").find({"sessionId": "a", "id": 1}).peer
    of_bob = stdiobus_kernel.pool("w").find({"sessionId": "b", "id": 1}).peer
    of_bob.send(b'{ "id":1, "result":"for bob", "sessionId":"b" }\n')
    of_alice.send({"jsonrpc": "2.0", "id": 1, "result": "for alice", "sessionId": "a"})
    assert bob.next().data == b'{ "id":1, "result":"for bob", "sessionId":"b" }'
    alice.next({"id": 1, "result": "for alice"})


def test_a_request_survives_being_cut_into_bytes(stdiobus_kernel: StagedKernel) -> None:
    client = stdiobus_kernel.client()
    client.send(b'{"jsonrpc":"2.0","id":1,"method":"m"}\n', split=1)
    worker = stdiobus_kernel.pool().next({"method": "m"}).peer
    worker.kill()
    client.next({"id": 1, "error": {"$schema": {"required": ["code"]}}})
    stdiobus_kernel.stop()
    assert stdiobus_kernel.breaches == []
