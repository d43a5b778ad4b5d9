"""What an adapter says that its SDK has not leaves undecided what came after it, and hides nothing that was seen."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import Case, steps
from pytest_stdiobus.kit.history import SCRIPTED_KERNEL
from pytest_stdiobus.kit.judge import judge
from pytest_stdiobus.kit.result import Outcome

from .histories import decided, history

Observed = tuple[str, str, str, bytes, dict[str, Any]]


def line(actor: str, direction: str, message: Any) -> Observed:
    return actor, "line", direction, wire.encode(message), {}


def call(ident: str, op: str, **more: Any) -> Observed:
    return line(f"call:{ident}", "in", {"command": "call", "id": ident, "op": op, **more})


def refuses(name: str) -> Observed:
    return line(f"call:{name}", "out", {"call": name, "event": "unsupported"})


def outcomes(*events: Observed, names: tuple[str, ...] = ("SDK-STA-01", "SDK-AGG-01")) -> dict[str, Outcome]:
    """Of a case whose first step judges one requirement, and whose last judges the other by a call that is refused."""
    first, second = names
    played = steps(
        [
            {"call": "a", "next": {"event": "result"}, "judges": first},
            {"call": "b", "send": {"op": "request", "method": "m", "pool": "w"}},
            {"call": "b", "next": {"event": "result"}, "judges": second},
        ],
        first,
    )
    case = Case("sdk/test/refused", "A call is refused", names, "sdk", played, transport="scripted")
    observed = history(
        call("a", "state"),
        line("call:a", "out", {"call": "a", "event": "result", "value": 1}),
        decided(0),
        *events,
        decided(2),
        capabilities=["request", "state", "next", "probe", "subscribe"],
    )
    return {finding.requirement: finding.outcome for finding in judge(case, played, observed, "sdk")}


REFUSED = (call("b", "request", method="m", pool="w"), refuses("b"))


def test_what_was_decided_before_a_call_was_refused_stands() -> None:
    assert outcomes(*REFUSED) == {"SDK-STA-01": Outcome.PASS, "SDK-AGG-01": Outcome.NOT_APPLICABLE}


def test_a_requirement_that_is_judged_again_after_a_call_was_refused_is_undecided() -> None:
    assert outcomes(*REFUSED, names=("SDK-STA-01", "SDK-STA-01")) == {"SDK-STA-01": Outcome.NOT_APPLICABLE}


def test_a_refused_call_does_not_hide_what_an_invariant_saw() -> None:
    wrong: tuple[Observed, ...] = (
        line(SCRIPTED_KERNEL, "out", {"id": "1", "method": "m"}),
        (f"{SCRIPTED_KERNEL}#2", "open", "", b"", {}),
    )
    found = outcomes(*REFUSED, *wrong)
    assert {name for name, outcome in found.items() if outcome is Outcome.FAIL} == {"SDK-WIR-01", "SDK-CAN-05"}


@pytest.mark.parametrize(
    "refused",
    [
        call("b", "request", method="m", pool="w"),
        call("b", "request", method="m", params=[1]),
        call("b", "subscribe", policy="close"),
        call("b", "next", of="s", n=1),
        call("b", "probe", name="descriptor"),
        call("b", "stats"),
    ],
    ids=["pool", "params", "policy", "handle", "probe", "not described"],
)
def test_what_an_sdk_need_not_have_is_refused_rightly(refused: Observed) -> None:
    assert outcomes(refused, refuses("b"))["SDK-AGG-01"] is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    "refused",
    [
        call("b", "request", method="m"),
        call("b", "request", method="m", params={"of": 1}),
        call("b", "state"),
        call("b", "subscribe"),
    ],
    ids=["request", "params", "state", "subscribe"],
)
def test_an_adapter_that_refuses_what_it_describes_is_no_witness(refused: Observed) -> None:
    assert set(outcomes(refused, refuses("b")).values()) == {Outcome.HARNESS_ERROR}
