"""The adapter of the reference client."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.data import bundled_kernel

from .conversation import ADAPTERS, Conversation, pools

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = [sys.executable, str(ADAPTERS / "python" / "reference.py")]


@pytest.fixture
def adapter() -> Iterator[Conversation]:
    with Conversation(REFERENCE) as conversation:
        yield conversation


@pytest.fixture
def opened(adapter: Conversation) -> Conversation:
    opens(adapter, pools("stream"))
    return adapter


MIRROR = {"pools": [{"id": "mirror", "command": "cat"}]}


def opens(adapter: Conversation, config: dict[str, Any], backend: str = "subprocess") -> None:
    answer = adapter.ask("open", config=config, backend=backend, kernel=str(bundled_kernel()))
    assert answer == {"answer": "open"}


def test_it_says_what_it_is_and_what_it_can_do(adapter: Conversation) -> None:
    about = adapter.ask("describe")
    assert about["name"] == "pytest-stdiobus"
    assert about["backends"] == ["native", "subprocess", "docker"]
    assert {"request", "stream", "subscribe", "next", "cancel", "unsubscribe", "probe"} <= {*about["capabilities"]}


def test_what_it_does_not_know_is_unsupported(opened: Conversation) -> None:
    assert opened.ask("dance") == {"answer": "dance", "unsupported": True}
    assert opened.last(opened.call("dance"))["event"] == "unsupported"
    assert opened.last(opened.call("probe", name="colour"))["event"] == "unsupported"


@pytest.mark.parametrize("backend", ["native", "subprocess"])
def test_a_request_has_its_result(adapter: Conversation, backend: str) -> None:
    opens(adapter, pools("echo"), backend)
    assert adapter.done("request", method="m", params={"n": [1.0, "ü"]})["echo"] == {"n": [1.0, "ü"]}
    assert adapter.done("pending") == 0
    assert adapter.done("state") == "RUNNING"
    assert adapter.ask("close") == {"answer": "close"}
    assert adapter.done("state") == "STOPPED"


def test_a_stream_gives_no_more_than_is_pulled(opened: Conversation) -> None:
    stream = opened.call("stream", method="stream", params={"prompt": "word by word"})
    assert [event["value"] for event in opened.pull(stream, 1)] == ["word"]
    rest = opened.pull(stream, 9)
    assert [event["event"] for event in rest] == ["chunk", "chunk", "result"]
    assert rest[-1]["value"]["text"] == "word by word"
    assert opened.pull(stream, 1) == []


def test_a_subscription_keeps_what_is_not_pulled(opened: Conversation) -> None:
    narrow = opened.call("subscribe", max_queue=1, policy="drop_oldest")
    opened.done("request", method="stream", params={"prompt": "word by word"})
    (event,) = opened.pull(narrow, 1)
    assert event["value"]["params"]["update"]["content"]["text"] == " word"
    assert event["dropped"] == 2
    opened.done("unsubscribe", of=narrow)
    assert opened.pull(narrow, 1) == [{"call": narrow, "event": "end", "dropped": 2}]


def test_a_line_comes_unasked_to_those_who_listen(opened: Conversation) -> None:
    messages, notifications = opened.call("on_message"), opened.call("on_notification")
    opened.done("request", method="stream", params={"prompt": "word by"})
    opened.done("state")
    assert len(opened.taken(messages)) == 3
    assert [json.loads(event["value"])["method"] for event in opened.taken(notifications)] == ["session/update"] * 2


def test_what_is_cancelled_ends_and_leaves_nothing(adapter: Conversation) -> None:
    opens(adapter, MIRROR)
    request, stream = adapter.call("request", method="m"), adapter.call("stream", method="m", session="other")
    pull = adapter.call("next", of=stream, n=1)
    assert adapter.done("pending") == 2
    adapter.done("cancel", of=request)
    adapter.done("cancel", of=stream)
    assert [adapter.last(call)["event"] for call in (request, stream, pull)] == ["end", "end", "end"]
    assert adapter.done("pending") == 0


def test_an_error_has_name_code_and_what_the_worker_said(opened: Conversation) -> None:
    error = opened.last(opened.call("request", method="rpc.none"))["error"]
    assert error["name"] == "REMOTE"
    assert error["rpc"]["code"] == -32601
    opened.done("stop", timeout_ms=1000)
    error = opened.last(opened.call("request", method="stream"))["error"]
    assert (error["code"], error["name"]) == (5, "TRANSPORT_ERROR")


def test_a_request_waits_no_longer_than_it_says(adapter: Conversation) -> None:
    opens(adapter, MIRROR)
    assert adapter.last(adapter.call("request", method="m", timeout_ms=1))["error"]["name"] == "TIMEOUT"


def test_a_client_that_cannot_start_is_an_answer(adapter: Conversation) -> None:
    answer = adapter.ask("open", config=pools("echo"), backend="subprocess", kernel="/no/such/kernel")
    assert "/no/such/kernel" in answer["error"]["message"]


def test_the_uses_that_are_not_allowed_are_refused(opened: Conversation) -> None:
    assert opened.done("probe", name="threads") == 0
    assert opened.done("probe", name="foreign_thread_send")["name"] == "TRANSPORT_ERROR"
    assert opened.done("probe", name="second_loop")["name"] == "INVALID_STATE"


def test_the_members_of_a_request_are_those_of_the_call(adapter: Conversation) -> None:
    opens(adapter, MIRROR)
    lines = adapter.call("on_message")
    more = {"agent": "a", "extension": {"identity": {"subjectId": "s", "role": "r"}}, "options": {"session": "chosen"}}
    asked = adapter.call("request", method="m", pool="mirror", session="other", params={"n": 1}, **more)
    (sent,) = [json.loads(event["value"]) for event in adapter.coming(lines, 1)]
    assert sent == {
        "jsonrpc": "2.0",
        "id": sent["id"],
        "method": "m",
        "params": {"n": 1},
        "sessionId": "chosen",
        "pool": "mirror",
        "agentId": "a",
        "_ext": {"identity": {"subjectId": "s", "role": "r", "assertedBy": "self"}},
    }
    adapter.done("respond", request=sent, result=[1.0])
    assert adapter.last(asked)["value"] == [1.0]
