"""What is recorded of a wire, and how it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_stdiobus.testing import wire as module
from pytest_stdiobus.testing.wire import Wire, shortened


def line(**members: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", **members})


def test_an_entry_says_who_sent_what_to_whom() -> None:
    wire = Wire()
    bus = wire.add_bus("stdiobus", ("agent",), "c")
    bus.record("out", line(id="1", method="go", sessionId="c"))
    bus.record("in", line(id="1", result=7, sessionId="c"))
    asked, answered = wire.entries
    assert (asked.bus, asked.direction, asked.sender, asked.receiver) == ("stdiobus", "out", "client", "agent")
    assert (answered.sender, answered.receiver, answered.message["result"]) == ("agent", "client", 7)
    assert (asked.method, answered.method) == ("go", None)
    assert 0 <= asked.time <= answered.time


def test_an_error_of_the_kernel_comes_from_the_kernel() -> None:
    wire = Wire()
    error = {"code": -32090, "message": "gone", "data": {"source": "stdio_bus", "reason": "worker_exited"}}
    wire.add_bus("stdiobus", ("agent",), "c").record("in", line(id="1", error=error))
    assert wire.entries[0].sender == "kernel"


@pytest.mark.parametrize(
    ("members", "peer"),
    [
        ({"method": "m", "pool": "two", "sessionId": "s"}, "two"),
        ({"method": "m", "sessionId": "c"}, "one"),
        ({"method": "m", "sessionId": "c:two"}, "two"),
        ({"method": "two", "sessionId": "x"}, "two"),
        ({"method": "m", "sessionId": "unheard"}, "bus"),
        ({"method": "m", "sessionId": ["no", "string"]}, "bus"),
    ],
)
def test_among_several_pools_the_message_tells_which(members: dict[str, Any], peer: str) -> None:
    wire = Wire()
    wire.add_bus("stdiobus", ("one", "two"), "c").record("out", line(**members))
    assert wire.entries[0].receiver == peer


def test_a_session_keeps_the_pool_it_was_opened_with() -> None:
    wire = Wire()
    bus = wire.add_bus("stdiobus", ("one", "two"), "c")
    bus.record("out", line(id="1", method="m", pool="two", sessionId="s"))
    bus.record("in", line(id="1", result=1, sessionId="s"))
    assert wire.entries[1].sender == "two"


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "7", '"text"', '{"error": 5}'])
def test_a_line_that_is_no_message_is_kept_as_it_is(text: str) -> None:
    wire = Wire()
    wire.add_bus("stdiobus", ("one",), "c").record("in", text)
    assert wire.entries[0].line == text
    assert wire.entries[0].method is None
    assert str(wire)


def test_sent_and_received_are_told_apart() -> None:
    wire = Wire()
    bus = wire.add_bus("stdiobus", ("a",), "c")
    bus.record("out", "1")
    bus.record("in", "2")
    assert [[entry.line for entry in some] for some in (wire.sent, wire.received)] == [["1"], ["2"]]


def test_several_buses_are_told_apart_and_ordered_by_time() -> None:
    wire = Wire()
    first, second = wire.add_bus("stdiobus", ("a",), "c"), wire.add_bus("make_stdiobus", ("b",), "d")
    second.record("out", "1")
    first.record("out", "2")
    assert [(entry.bus, entry.line) for entry in wire.entries] == [("make_stdiobus", "1"), ("stdiobus", "2")]
    assert [shown.split()[1:] for shown in str(wire).splitlines()] == [
        ["[make_stdiobus]", "client", "->", "b", "1"],
        ["[stdiobus]", "client", "->", "a", "2"],
    ]


def test_the_oldest_lines_go_first_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_LINES", 3)
    wire = Wire()
    bus = wire.add_bus("stdiobus", ("a",), "c")
    for number in range(5):
        bus.record("out", str(number))
    assert [entry.line for entry in wire.entries] == ["2", "3", "4"]
    assert wire.dropped == 2
    assert str(wire).startswith("(2 earlier lines are left out)\n")


def test_what_is_kept_is_bounded_in_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT_CHARACTERS", 10)
    wire = Wire()
    bus = wire.add_bus("stdiobus", ("a",), "c")
    for text in ("1234", "56789", "0"):
        bus.record("out", text)
    assert not wire.dropped
    bus.record("out", "x" * 100)
    assert [entry.line for entry in wire.entries] == ["x" * 100]


def test_a_report_shows_the_last_hundred_lines_and_says_so() -> None:
    wire = Wire()
    bus = wire.add_bus("stdiobus", ("a",), "c")
    for number in range(130):
        bus.record("out", str(number))
    shown = str(wire).splitlines()
    assert shown[0] == "(30 earlier lines are left out)"
    assert len(shown) == 101
    assert shown[-1].endswith(" 129")


def test_a_long_line_is_cut_in_a_report_and_says_by_how_much() -> None:
    assert shortened("x" * 500, 400) == "x" * 400 + "... (100 more characters)"


def test_a_line_in_a_report_cannot_move_the_cursor() -> None:
    assert shortened("a\x1b[2Jb\rc\u2028") == "a\\x1b[2Jb\\x0dc\\x2028"
