"""What names stand for, and how a case writes it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.history import Event

VALUES: dict[str, Any] = {
    "row": {"line": {"$repeat": ["ab", 3]}, "text": "x", "times": 4, "list": [{"deep": 1}]},
    "probe": {"ok": {"method": "echo"}, "slow": {"method": "wait", "params": {"s": 1}}},
}


def bindings() -> Bindings:
    bound = Bindings(VALUES)
    bound.bind("answer", Event(0, 0, "target", "line", "out", b'{"id": 1, "result": {"a/b": [10, 20]}}'))
    return bound


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"$from": "row/text"}, "x"),
        ({"$from": "row/list/0/deep"}, 1),
        ({"$from": "answer/result/a~1b/1"}, 20),
        ({"$from": "row/line"}, "ababab"),
        ({"$repeat": ["ab", 2]}, "abab"),
        ({"$repeat": [{"$from": "row/text"}, {"$from": "row/times"}]}, "xxxx"),
        ({"maximum": {"$sum": [{"$from": "answer/result/a~1b/1"}, {"$from": "row/times"}, 1]}}, {"maximum": 25}),
        ([{"a": {"$from": "row/text"}}, 1], [{"a": "x"}, 1]),
        ({"bytes": {"$from": "answer"}}, {"bytes": b'{"id": 1, "result": {"a/b": [10, 20]}}'}),
        ({"id": 1, "$from": "probe/slow"}, {"id": 1, "method": "wait", "params": {"s": 1}}),
        ({"id": 1, "$from": "probe/ok"}, {"id": 1, "method": "echo"}),
        ({"method": "mine", "$from": "probe/slow"}, {"method": "mine", "params": {"s": 1}}),
    ],
)
def test_what_is_written_stands_for_what_is_bound(written: Any, meant: Any) -> None:
    assert bindings().expand(written) == meant


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"$from": "reply/id"}, "reply/id: no step before it has 'reply' as its name"),
        ({"$from": "answer/error"}, "answer/error: .*there is no 'error'"),
        ({"bytes": {"$from": "reply"}}, "no step before it has 'reply' as its name"),
        ({"$from": "row/text", "id": 1}, "row/text: expected an object"),
        ({"$repeat": [{"$from": "row/times"}, 2]}, "expected a text and how often"),
        ({"$repeat": ["x", {"$from": "row/text"}]}, "expected a text and how often"),
        ({"$sum": [{"$from": "row/text"}, 2]}, "expected an array of numbers"),
        ({"$repeat": ["x", 2**40]}, "at most 67108864 characters"),
    ],
)
def test_what_stands_for_nothing_is_told_by_its_reference(written: Any, told: str) -> None:
    with pytest.raises(LookupError, match=told):
        bindings().expand(written)
