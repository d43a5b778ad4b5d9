"""Which lines a step reads of a pool's workers, and of one of them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import steps
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.walk import BROKEN, MET, Walk

from .histories import history


def line(actor: str, message: str) -> tuple[str, str, str, bytes, dict[str, Any]]:
    return actor, "line", "out", message.encode(), {}


FIRST, SECOND, LATER = "worker:w/0#1", "worker:w/1#1", "worker:w/0#2"
LINES = history(
    line("worker:other/0#1", '{"id":0}'),
    line(FIRST, '{"id":1}'),
    line(SECOND, '{"id":2}'),
    line(FIRST, '{"id":3}'),
    line(LATER, '{"id":4}'),
)


def walked(*data: dict[str, Any]) -> tuple[Walk, list[str]]:
    walk = Walk(LINES, Bindings({}))
    return walk, [walk.give_up(step, len(LINES.events)).outcome for step in steps(data, "KRN-COR-02")]


def test_a_pool_is_any_of_its_workers() -> None:
    ids = [1, 2, 3, 4]
    assert walked(*({"pool": "w", "next": {"id": number}} for number in ids))[1] == [MET] * 4


def test_a_worker_is_the_one_that_got_the_bound_line() -> None:
    walk, outcomes = walked({"pool": "w", "find": {"id": 2}, "as": "b"}, {"pool": "w", "next": {"id": 1}, "as": "a"})
    assert outcomes == [MET, MET]
    of_first, of_second = steps([{"worker": "a", "next": {"id": 3}}, {"worker": "b", "next": {"id": 4}}], "KRN-COR-02")
    assert (walk.who(of_first), walk.who(of_second)) == (FIRST, SECOND)
    assert walk.give_up(of_first, len(LINES.events)).outcome == MET
    assert walk.give_up(of_second, len(LINES.events)).outcome == BROKEN


def test_what_one_reader_has_read_is_read_for_all() -> None:
    _, outcomes = walked(
        {"pool": "w", "find": {"id": 1}, "as": "a"},
        {"worker": "a", "next": {"id": 3}},
        {"pool": "w", "next": {"id": 2}},
        {"pool": "w", "next": {"id": 4}},
    )
    assert outcomes == [MET] * 4


def test_a_worker_that_nothing_is_bound_to_is_a_mistake_of_the_case() -> None:
    with pytest.raises(HarnessError, match="worker:a: no step before it has read a line of a worker as 'a'"):
        walked({"worker": "a", "next": {"id": 1}})


def test_nothing_more_comes_to_a_pool_when_the_target_has_ended() -> None:
    ended = history(line(FIRST, '{"id":1}'), (TARGET, "exit", "", b"{}", {"code": 3}))
    (step,) = steps([{"pool": "w", "find": {"id": 2}}], "KRN-COR-02")
    reading = Walk(ended, Bindings({})).settle(step, len(ended.events))
    assert reading is not None
    assert "exited with status 3" in reading.why


def test_a_worker_that_has_exited_has_closed_its_streams_whether_or_not_their_end_was_seen() -> None:
    killed = history(line(FIRST, '{"id":1}'), (FIRST, "exit", "out", b"", {"pid": 7}))
    walk = Walk(killed, Bindings({}))
    read, ends = steps([{"pool": "w", "next": {"id": 1}, "as": "a"}, {"worker": "a", "ends": True}], "KRN-COR-02")
    assert walk.give_up(read, len(killed.events)).outcome == MET
    assert walk.give_up(ends, len(killed.events)).outcome == MET
