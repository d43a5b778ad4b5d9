"""What every history of an SDK is held to, and what no history may be accused of."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.checks import invariants
from pytest_stdiobus.kit.history import ADAPTER, SCRIPTED_KERNEL

from .histories import history

Observed = tuple[str, str, str, bytes, dict[str, Any]]

REQUEST = {"jsonrpc": "2.0", "id": "1", "method": "m", "sessionId": "s"}
NOTE = {"jsonrpc": "2.0", "method": "n"}


def line(actor: str, direction: str, message: Any) -> Observed:
    return actor, "line", direction, message if isinstance(message, bytes) else wire.encode(message), {}


def gets(message: Any, actor: str = SCRIPTED_KERNEL) -> Observed:
    return line(actor, "out", message)


def starts(actor: str = SCRIPTED_KERNEL) -> Observed:
    return actor, "open", "", b"", {"pid": 1, "argv": []}


OPENED = line(ADAPTER, "in", {"command": "open"})
SENT = line("call:c", "in", {"command": "call", "id": "c", "op": "send", "line": '{"id":1,"method":"m"}'})


def accused(*events: Observed) -> list[str]:
    observed = history(*events)
    return [finding.requirement for invariant in invariants("sdk") for finding in invariant(observed)]


@pytest.mark.parametrize(
    ("requirement", "events"),
    [
        ("SDK-WIR-01", (gets({"id": "1", "method": "m"}),)),
        ("SDK-WIR-01", (gets({**REQUEST, "jsonrpc": 2.0}),)),
        ("SDK-WIR-01", (gets({**REQUEST, "id": 1}),)),
        ("SDK-WIR-01", (gets({**REQUEST, "id": None}),)),
        ("SDK-WIR-01", (gets(REQUEST), gets({**REQUEST, "method": "other"}))),
        ("SDK-WIR-01", (gets(REQUEST, "worker:w/0#1"), gets(REQUEST, "worker:w/1#1"))),
        ("SDK-WIR-01", (SENT, gets({"id": 2, "method": "m"}))),
        ("SDK-CAN-05", (OPENED, starts(), starts(f"{SCRIPTED_KERNEL}#2"))),
        ("SDK-CAN-05", (starts(),)),
    ],
)
def test_a_breach_is_found(requirement: str, events: tuple[Observed, ...]) -> None:
    assert accused(*events) == [requirement]


@pytest.mark.parametrize(
    "events",
    [
        (OPENED, starts(), gets(REQUEST), gets(NOTE), gets({**REQUEST, "id": "2"})),
        (OPENED, starts(), OPENED, starts(f"{SCRIPTED_KERNEL}#2")),
        (SENT, gets(b'{"id":1,"method":"m"}')),
        (gets({"jsonrpc": "2.0", "id": 7, "result": "of a worker's request"}),),
        (gets(b"no message"),),
        (line(SCRIPTED_KERNEL, "in", {"id": 1, "method": "of the kernel"}),),
        (starts("worker:w/0#1"), starts("worker:w/0#2")),
    ],
)
def test_what_is_right_is_not_accused(events: tuple[Observed, ...]) -> None:
    assert accused(*events) == []
