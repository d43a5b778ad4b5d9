"""In which order messages must arrive, where those of a session must go, and what may overtake what."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit.checks import invariants

from .histories import history
from .test_kernel_invariants import ALICE, BOB, ONE, OTHER, gets, line, of, sends

FIRST, SECOND = {"method": "m1", "sessionId": "s"}, {"method": "m2", "sessionId": "s"}
ASKED = {"id": 1, "method": "m1"}
NEWS, MORE = {"method": "e1", "sessionId": "s"}, {"method": "e2", "sessionId": "s"}
SENT = (sends(ALICE, FIRST), sends(ALICE, SECOND))
TOLD = (*SENT, gets(ONE, FIRST), gets(ONE, SECOND), sends(ONE, NEWS), sends(ONE, MORE))

BREACHES = {
    "a-later-one-first": ["KRN-RTE-04", *SENT, gets(ONE, SECOND), gets(ONE, FIRST)],
    "a-request-overtaken": ["KRN-RTE-04", sends(ALICE, ASKED), sends(ALICE, SECOND), gets(ONE, SECOND), gets(ONE, ASKED)],
    "one-of-a-worker-overtaken": ["KRN-RTE-04", *TOLD, gets(ALICE, MORE), gets(ALICE, NEWS)],
    "twice-to-a-worker": ["KRN-RTE-04", *SENT, gets(ONE, FIRST), gets(ONE, FIRST)],
    "twice-to-a-client": ["KRN-RTE-04", *TOLD, gets(ALICE, NEWS), gets(ALICE, NEWS)],
    "a-session-at-two-workers": ["KRN-RTE-01", *SENT, gets(ONE, FIRST), gets(OTHER, SECOND)],
    "from-two-clients": ["KRN-RTE-01", sends(ALICE, FIRST), sends(BOB, SECOND), gets(ONE, FIRST), gets(OTHER, SECOND)],
}  # fmt: skip
INNOCENT = {
    "in-order": (*TOLD, gets(ALICE, NEWS), gets(ALICE, MORE)),
    "handed-over-in-a-callback": (line("client:host", "in", SECOND, planned=True), sends("client:host", FIRST), gets(ONE, FIRST), gets(ONE, SECOND)),
    "of-two-clients": (sends(ALICE, FIRST), sends(BOB, SECOND), gets(ONE, SECOND), gets(ONE, FIRST)),
    "held-because-of-its-id": (sends(BOB, {"id": 1, "method": "b"}), sends(ALICE, ASKED), sends(ALICE, SECOND), gets(ONE, SECOND), gets(ONE, ASKED)),
    "sent-twice": (*SENT, *SENT, gets(ONE, FIRST), gets(ONE, SECOND), gets(ONE, FIRST), gets(ONE, SECOND)),
    "without-a-session": (sends(ONE, {"method": "e1"}), sends(ONE, {"method": "e2"}), gets(ALICE, {"method": "e2"}), gets(ALICE, {"method": "e1"})),
    "after-a-death": (*SENT, gets(ONE, FIRST), of("exit", ONE), gets(OTHER, SECOND)),
    "after-its-client-has-left": (*SENT, gets(ONE, FIRST), of("close", ALICE), gets(OTHER, SECOND)),
    "in-another-pool": (*SENT, gets(ONE, FIRST), gets("worker:v/0#1", SECOND)),
    "sessions-apart": (sends(ALICE, FIRST), sends(ALICE, {"method": "m2", "sessionId": "t"}), gets(ONE, FIRST), gets(OTHER, {"method": "m2", "sessionId": "t"})),
}  # fmt: skip


def accused(*events: Any) -> list[str]:
    observed = history(*events)
    return [finding.requirement for invariant in invariants("kernel") for finding in invariant(observed)]


@pytest.mark.parametrize("breach", BREACHES.values(), ids=BREACHES)
def test_a_breach_of_order_is_accused_of_its_requirement_alone(breach: list[Any]) -> None:
    requirement, *events = breach
    assert accused(*events) == [requirement]


@pytest.mark.parametrize("events", INNOCENT.values(), ids=INNOCENT)
def test_what_may_be_overtaken_or_move_accuses_nobody(events: tuple[Any, ...]) -> None:
    assert accused(*events) == []
