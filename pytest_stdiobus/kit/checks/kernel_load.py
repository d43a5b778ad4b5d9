"""Kernels with a lot to do: more than anybody would write out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.checks import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CROWD = 80  # more than the descriptors that the case allows
_SESSIONS = 100  # of each client that comes and goes
_NAME = "x" * 300  # a session that is kept is seen in the memory
_GROWTH_KB = 2048  # less than the names alone of the sessions that come and go between the samples
_IN_FLIGHT = 8_200  # of each of two clients: together more than 16,384, and fewer than the kit reads of one peer


@check("descriptors_run_out")
def descriptors_run_out(_seed: int) -> Iterator[Mapping[str, Any]]:
    """More clients connect than the kernel has descriptors for; when they have gone, one that waited is served."""
    crowd = [f"c{n}" for n in range(_CROWD)]
    yield from _served("early", 1)
    yield from ({"client": name, "stall": True} for name in crowd)
    yield from _served("early", 2)
    yield {"target": "usage", "find": {"cpu_ms": {"$schema": {"maximum": 30}}}}
    yield {"client": "late", "stall": True}
    yield from ({"client": name, "close": True} for name in crowd)
    yield {"client": "late", "resume": True}
    yield from _served("late", 3)


def _served(client: str, number: int) -> Iterator[Mapping[str, Any]]:
    message = {"jsonrpc": "2.0", "id": number, "sessionId": client}
    yield {"client": client, "send": {**message, "method": "m"}, "as": f"q{number}"}
    yield {"pool": "w", "find": {"bytes": {"$from": f"q{number}"}}, "as": f"at{number}"}
    yield {"worker": f"at{number}", "send": {**message, "result": "r"}, "as": f"a{number}"}
    yield {"client": client, "next": {"bytes": {"$from": f"a{number}"}}}


@check("sessions_come_and_go")
def sessions_come_and_go(_seed: int) -> Iterator[Mapping[str, Any]]:
    """After some clients with their sessions, a hundred more with a hundred sessions each leave no trace in the memory."""
    for client in range(50):
        yield from _visit(client)
    yield {"target": "usage", "next": {"rss_kb": {"$schema": {"minimum": 1}}}, "as": "before"}
    for client in range(50, 150):
        yield from _visit(client)
    most = {"$sum": [{"$from": "before/rss_kb"}, _GROWTH_KB]}
    yield {"target": "usage", "find": {"rss_kb": {"$schema": {"maximum": most}}}}


def _visit(client: int) -> Iterator[Mapping[str, Any]]:
    pool = "ab"[client % 2]
    text = "".join(
        f'{{"jsonrpc":"2.0","method":"m","pool":"{pool}","sessionId":"{_NAME}{client}-{n}"}}\n'
        for n in range(_SESSIONS)
    )
    last = {"contains": {"required": ["sessionId"], "properties": {"sessionId": {"const": f"{_NAME}{client}-0"}}}}
    yield {"client": f"c{client}", "send": {"raw": text}}
    yield {"pool": pool, "take": _SESSIONS, "all": last}
    yield {"client": f"c{client}", "close": True}


@check("requests_in_flight")
def requests_in_flight(_seed: int) -> Iterator[Mapping[str, Any]]:
    """Two clients have thousands of requests each in flight, each in a session of its own, before the first is answered."""
    for pool in "ab":
        text = (
            f'{{"jsonrpc":"2.0","id":{n},"method":"m","pool":"{pool}","sessionId":"{pool}{n}"}}\n'
            for n in range(_IN_FLIGHT)
        )
        yield {"client": pool, "send": {"raw": "".join(text)}}
    for pool in "ab":
        each = {"required": ["id", "sessionId"]}
        yield {"pool": pool, "take": _IN_FLIGHT - 1, "all": {"items": each}}
        yield {"pool": pool, "next": {"$schema": each}, "as": f"of_{pool}"}
    for pool in "ab":
        text = (f'{{"jsonrpc":"2.0","id":{n},"result":0,"sessionId":"{pool}{n}"}}\n' for n in range(_IN_FLIGHT))
        yield {"worker": f"of_{pool}", "send": {"raw": "".join(text)}}
    for pool in "ab":
        yield {"client": pool, "take": _IN_FLIGHT, "all": {"items": {"required": ["result"]}}}
