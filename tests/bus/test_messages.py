from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_stdiobus.bus import AuditEvent, Identity, InvalidArgumentError, RequestOptions, messages

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_a_message_is_one_line_that_reads_back_the_same(message: dict[str, Any]) -> None:
    line = messages.encode(message)
    assert b"\n" not in line
    assert messages.decode(line.decode()) == message


@pytest.mark.parametrize("fast", ["in C", None])
@given(message=st.dictionaries(st.text(), JSON))
def test_a_line_is_what_the_standard_encoder_writes_compactly(fast: str | None, message: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if fast is None:
            patch.setattr("json.encoder.c_make_encoder", None)
        encode = messages._fast_encoder()
        assert encode(message) == json.dumps(message, separators=(",", ":"), ensure_ascii=False)


def test_what_contains_itself_is_refused() -> None:
    message: dict[str, Any] = {}
    message["params"] = message
    with pytest.raises(InvalidArgumentError):
        messages.encode(message)


@pytest.mark.parametrize("line", [' {"a":1}', '{"a":1} ', '\t{"a":1}\r'])
def test_white_space_around_a_message_is_allowed(line: str) -> None:
    assert messages.decode(line) == {"a": 1}


def test_a_lone_surrogate_is_written_as_an_escape() -> None:
    assert messages.encode({"a": "\ud800é"}) == b'{"a":"\\ud800\\u00e9"}'


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        messages.encode({"params": value})


def test_an_integer_of_any_length_is_read() -> None:
    digits = "7" * 10_000
    assert messages.decode(f'{{"n":{digits}}}')["n"] % 10 == 7


@pytest.mark.parametrize("line", ["", "[]", "1", "{", "null"])
def test_what_is_no_object_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        messages.decode(line)


def test_a_bare_request_has_nothing_that_was_not_asked_for() -> None:
    message = messages.request("1", "m", None, session_id="s", pool=None, options=None)
    assert message == {"jsonrpc": "2.0", "id": "1", "method": "m", "sessionId": "s"}


def test_options_become_agent_id_and_extensions_without_absent_members() -> None:
    options = RequestOptions(
        agent_id="a", identity=Identity("u", "admin"), audit=AuditEvent("e1", "read", parent_event_id="e0")
    )
    message = messages.notification("m", {}, session_id="s", pool="p", options=options)
    assert message == {
        "jsonrpc": "2.0",
        "method": "m",
        "sessionId": "s",
        "params": {},
        "pool": "p",
        "agentId": "a",
        "_ext": {
            "identity": {"subjectId": "u", "role": "admin", "assertedBy": "self"},
            "audit": {"eventId": "e1", "action": "read", "parentEventId": "e0"},
        },
    }


@pytest.mark.parametrize(
    "params", [None, [], {}, {"update": 1}, {"update": {"sessionUpdate": "plan", "content": {"text": "x"}}}]
)
def test_only_a_message_chunk_has_text(params: Any) -> None:
    assert messages.chunk_text({"method": "session/update", "params": params}) is None


def test_the_text_of_a_chunk_is_found() -> None:
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "hi"}}
    assert messages.chunk_text({"method": "session/update", "params": {"update": update}}) == "hi"


def test_a_refusal_repeats_id_and_session() -> None:
    refusal = messages.refusal({"id": 0, "method": "ask", "sessionId": "s"})
    assert json.loads(json.dumps(refusal))["error"]["code"] == -32601
    assert (refusal["id"], refusal["sessionId"]) == (0, "s")
