"""What a line is compared with, and what is said when it differs."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_stdiobus.kit import pattern

ANSWER = {"$ref": "urn:pytest-stdiobus:message#/$defs/answer"}
OBJECT = {"$schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("expected", "line"),
    [
        ({"id": 1}, '{"id":1,"result":2}'),
        ({"result": {}}, '{"result":{}}'),
        ({"result": [1, "a", None]}, '{"result":[1,"a",null]}'),
        ({"result": OBJECT}, '{"result":{"a":1}}'),
        ({"result": {"a": 1, **OBJECT}}, '{"result":{"a":1,"b":2}}'),
        ({"id": 1, "$schema": ANSWER}, '{"jsonrpc":"2.0","id":1,"result":null}'),
        ({"id": "\u00e9"}, '{"id":"\\u00e9"}'),
        ({"bytes": '{"id": 1}'}, '{"id": 1}'),
        ({"bytes": {"base64": "//4="}}, b"\xff\xfe"),
    ],
)
def test_what_was_expected_is_met(expected: Any, line: Any) -> None:
    assert pattern.mismatch(expected, line if isinstance(line, bytes) else line.encode()) is None


@pytest.mark.parametrize(
    ("expected", "line", "told"),
    [
        ({"id": 1}, '{"id":"1"}', '/id: expected 1, got "1"'),
        ({"id": 1}, '{"id":1.0}', "/id: expected 1, got 1.0"),
        ({"id": 1}, '{"id":true}', "/id: expected 1, got true"),
        ({"id": 1}, "{}", "/id is missing"),
        ({"id": 1}, "[1]", 'expected {"id": 1}, got [1]'),
        ({"result": {"a": 1}}, '{"result":{"a":1,"b":2}}', "/result/b was not expected"),
        ({"result": [1]}, '{"result":[1,2]}', "/result: expected [1], got [1,2]"),
        ({"result": OBJECT}, '{"result":[]}', "/result: expected an object, got []"),
        ({"id": 1, "$schema": ANSWER}, '{"jsonrpc":"2.0","id":1}', 'expected a response, got {"jsonrpc":"2.0","id":1}'),
        ({"id": 1}, "{", "is not JSON: "),
        ({"bytes": "{}"}, "{ }", "expected the bytes {}"),
    ],
)
def test_a_difference_is_told_with_its_place(expected: Any, line: str, told: str) -> None:
    assert (pattern.mismatch(expected, line.encode()) or "").startswith(told)


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"id": 1, "$schema": ANSWER}, 'a response with {"id": 1}'),
        ({"result": {"stopReason": "cancelled", **OBJECT}}, '{"result": an object with {"stopReason": "cancelled"}}'),
        ({"error": {"code": {"$schema": {"enum": [-32700, -32600]}}}}, '{"error": {"code": -32700 or -32600}}'),
        ([{"$schema": {"type": ["string", "null"]}}], "[a text or null]"),
        ({"bytes": "a\tb"}, "the bytes a\\tb"),
    ],
)
def test_what_is_expected_is_told_in_words(expected: Any, words: str) -> None:
    assert pattern.words(expected) == words


def test_a_long_expectation_is_cut() -> None:
    assert len(pattern.words({"id": "x" * 10_000})) < 300
