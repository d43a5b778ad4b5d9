# SPDX-License-Identifier: Apache-2.0
"""Lines: what is a message, and what happens to what is none (PROTOCOL section 1)."""

import json

import pytest

from .harness import Rig, kernel_error, notification, request, result
from .harness.peer import StreamPeer

NOT_JSON = {
    "garbage": b"garbage",
    "spaces": b"   ",
    "byte-order-mark": b'\xef\xbb\xbf{"id":1,"method":"m"}',
    "raw-nul": b'\x00{"id":1,"method":"m"}',
    "nul-in-string": b'{"id":1,"method":"a\x00b"}',
    "control-character-in-string": b'{"id":1,"method":"a\x01b"}',
    "unterminated-string": b'{"id":1,"method":"m',
    "unterminated-object": b'{"id":1,"method":"m"',
    "two-objects": b'{"method":"m"}{"method":"m"}',
    "http": b"GET / HTTP/1.1",
    "escape-characters": b"\x1b[31mred\x1b[0m",
}
NOT_AN_OBJECT = {
    "array": b"[]",
    "batch": b'[{"jsonrpc":"2.0","id":1,"method":"m"}]',
    "number": b"1",
    "string": b'"text"',
    "null": b"null",
    "true": b"true",
}
BAD_LINES = [pytest.param(line, -32700, id=name) for name, line in NOT_JSON.items()] + [
    pytest.param(line, -32600, id=name) for name, line in NOT_AN_OBJECT.items()
]


@pytest.mark.req("KRN-FRM-01")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_each_message_is_one_line_ended_by_lf_in_both_directions(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    first, second = b'{"id":1,"method":"m"}', b'{"id":2,"method":"m"}'
    client.send_bytes(first + b"\n" + second + b"\n")
    assert worker.recv_lines(2) == [first, second]
    assert worker.received_bytes() == 0
    answers = [b'{"id":2,"result":0}', b'{"id":1,"result":0}']
    worker.send_bytes(b"\n".join(answers) + b"\n")
    assert client.recv_lines(2) == answers
    assert client.received_bytes() == 0


@pytest.mark.req("KRN-FRM-01")
def test_a_line_without_its_end_is_not_yet_a_message(rig: Rig) -> None:
    bus = rig.start()
    slow, quick, worker = bus.client("slow"), bus.client("quick"), rig.worker()
    assert isinstance(slow, StreamPeer)
    slow.send_bytes(b'{"id":1,"method":"m"}')
    quick.fence(worker)
    slow.send_bytes(b"\n")
    assert worker.recv()["id"] == 1


@pytest.mark.req("KRN-FRM-02")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_an_empty_line_from_a_client_is_ignored(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    client.send_bytes(b"\n\n\r\n\n")
    client.fence(worker)


@pytest.mark.req("KRN-FRM-02")
@pytest.mark.transports("unix", "embedded")
def test_an_empty_line_from_a_worker_is_ignored(rig: Rig) -> None:
    client, worker = rig.pair()
    worker.send_bytes(b"\n\n\r\n")
    client.fence(worker)


@pytest.mark.req("KRN-FRM-02")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_a_cr_before_the_lf_is_not_forwarded(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    client.send_bytes(b'{"id":1,"method":"m"}\r\n')
    assert worker.recv_line() == b'{"id":1,"method":"m"}'
    worker.send_bytes(b'{"id":1,"result":0}\r\n')
    assert client.recv_line() == b'{"id":1,"result":0}'


@pytest.mark.req("KRN-FRM-02")
def test_a_cr_and_its_lf_may_arrive_apart(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    client.send_bytes(b'{"id":1,"method":"m"}\r')
    client.send_bytes(b'\n{"id":2,"method":"m"}\r')
    client.send_bytes(b"\n")
    assert worker.recv_lines(2) == [b'{"id":1,"method":"m"}', b'{"id":2,"method":"m"}']


@pytest.mark.req("KRN-FRM-03")
@pytest.mark.transports("unix", "tcp")
@pytest.mark.parametrize(("line", "code"), BAD_LINES)
def test_a_line_that_is_no_object_is_rejected_and_others_work_on(rig: Rig, line: bytes, code: int) -> None:
    bus = rig.start()
    offender, other, worker = bus.client("offender"), bus.client("other"), rig.worker()
    other.send(request("early", session="s"))
    assert worker.recv()["id"] == "early"
    offender.send(line)
    assert offender.recv() == kernel_error(None, code=code)
    worker.send(result("early", session="s"))
    assert other.recv() == result("early", session="s")
    other.fence(worker, "s")
    assert worker.alive


@pytest.mark.req("KRN-FRM-04")
@pytest.mark.transports("unix", "tcp", "stdio")
@pytest.mark.parametrize(("line", "code"), BAD_LINES)
def test_after_a_line_that_is_no_object_its_connection_works_on(rig: Rig, line: bytes, code: int) -> None:
    client, worker = rig.pair()
    client.send(line)
    assert client.recv() == kernel_error(None, code=code)
    client.fence(worker)


INVALID_VALUES = {
    "nan": b"NaN",
    "infinity": b"Infinity",
    "minus-infinity": b"-Infinity",
    "mismatched-brackets": b"{]}",
    "leading-zero": b"01",
    "minus-leading-zero": b"-01",
    "lone-minus": b"-",
    "plus": b"+1",
    "no-integer-part": b".5",
    "no-fraction": b"1.",
    "no-exponent": b"1e",
    "no-exponent-digits": b"1e+",
    "hexadecimal": b"0x1",
    "trailing-comma-in-array": b"[1,]",
    "trailing-comma-in-object": b'{"a":1,}',
    "only-comma": b"[,]",
    "missing-comma": b"[1 2]",
    "missing-colon": b'{"a" 1}',
    "missing-value": b'{"a":}',
    "missing-name": b"{:1}",
    "number-as-name": b"{1:1}",
    "single-quotes": b"'a'",
    "bare-word": b"word",
    "true-cut": b"tru",
    "true-long": b"truee",
    "null-upper-case": b"NULL",
    "comment": b"/* c */ 1",
    "form-feed": b"\x0c1",
    "no-break-space": b"\xc2\xa01",
    "unescaped-tab": b'"\t"',
    "unescaped-del-is-fine-but-us-is-not": b'"\x1f"',
    "unknown-escape": b'"\\x41"',
    "short-unicode-escape": b'"\\u12"',
    "bad-unicode-escape": b'"\\u12g4"',
    "bytes-ff-fe": b'"\xff\xfe"',
    "bytes-ff-fe-outside": b"\xff\xfe",
    "lone-continuation": b'"\x80"',
    "overlong-slash": b'"\xc0\xaf"',
    "overlong-three": b'"\xe0\x80\xaf"',
    "overlong-four": b'"\xf0\x80\x80\xaf"',
    "encoded-surrogate": b'"\xed\xa0\x80"',
    "beyond-unicode": b'"\xf4\x90\x80\x80"',
    "five-byte-form": b'"\xf8\x88\x80\x80\x80"',
    "cut-sequence": b'"\xe2\x82"',
    "unclosed-array": b"[1",
}


@pytest.mark.req("KRN-FRM-05")
@pytest.mark.parametrize("value", [pytest.param(v, id=k) for k, v in INVALID_VALUES.items()])
def test_a_line_that_is_invalid_anywhere_is_refused_and_not_forwarded(rig: Rig, value: bytes) -> None:
    client, worker = rig.pair()
    client.send(b'{"id":1,"method":"m","params":{"deep":[' + value + b"]}}")
    assert client.recv() == kernel_error(None, code=-32700)
    client.fence(worker)


@pytest.mark.req("KRN-FRM-05")
@pytest.mark.parametrize("tail", [b",", b"}", b"x", b'{"a":1}', b" ]", b"\x00", b"\xff"], ids=repr)
def test_anything_after_the_object_is_refused(rig: Rig, tail: bytes) -> None:
    client, worker = rig.pair()
    client.send(b'{"id":1,"method":"m"}' + tail)
    assert client.recv() == kernel_error(None, code=-32700)
    client.fence(worker)


VALID_VALUES = {
    "lone-high-surrogate": b'"\\ud800"',
    "lone-low-surrogate": b'"\\udc00"',
    "reversed-surrogates": b'"\\udc00\\ud800"',
    "surrogate-pair": b'"\\ud83d\\ude00"',
    "escaped-nul": b'"\\u0000"',
    "every-escape": b'"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9"',
    "del": b'"\x7f"',
    "line-separator": b'"\xe2\x80\xa8"',
    "noncharacter": b'"\xef\xbf\xbf"',
    "highest-character": b'"\xf4\x8f\xbf\xbf"',
    "byte-order-mark-in-string": b'"\xef\xbb\xbf"',
    "minus-zero": b"-0",
    "exponents": b"[1E+2,1e-2,0e0,0.0e-0]",
    "beyond-double": b"[1e400,1e-400,123456789012345678901234567890]",
    "empty-name": b'{"":{"":""}}',
    "repeated-foreign-member": b'{"a":1,"a":2}',
    "white-space": b" [ \t\r 1 , { } ] ",
}


@pytest.mark.req("KRN-FRM-05")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize("value", [pytest.param(v, id=k) for k, v in VALID_VALUES.items()])
def test_unusual_but_valid_json_passes_unchanged(rig: Rig, value: bytes) -> None:
    client, worker = rig.pair()
    line = b'{"id":1,"method":"m","params":{"deep":[' + value + b"]}}"
    client.send(line)
    assert worker.recv_line() == line
    back = b'{"id":1,"result":[' + value + b"]}"
    worker.send(back)
    assert client.recv_line() == back


def nested(levels: int, opening: bytes, closing: bytes) -> bytes:
    """Return a request of so many levels, its own braces included."""
    inner = opening * (levels - 1) + b"1" + closing * (levels - 1)
    return b'{"id":1,"method":"m","params":' + inner + b"}"


@pytest.mark.req("KRN-FRM-05")
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_512_levels_of_nesting_pass(rig: Rig, opening: bytes, closing: bytes) -> None:
    client, worker = rig.pair()
    line = nested(512, opening, closing)
    client.send(line)
    assert worker.recv_line() == line


@pytest.mark.req("KRN-FRM-05")
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")], ids=["arrays", "objects"])
def test_100000_levels_of_nesting_are_refused(rig: Rig, opening: bytes, closing: bytes) -> None:
    client, worker = rig.pair()
    client.send(nested(100_000, opening, closing))
    assert client.recv() == kernel_error(None, code=-32700)
    client.fence(worker)


@pytest.mark.req("KRN-FRM-06")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_a_message_may_arrive_byte_by_byte(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    line = '{"id":"é😀","method":"m","params":{"a":[1,"\\u00e9"]}}'.encode()
    for byte in line + b"\n":
        client.send_bytes(bytes([byte]))
    assert worker.recv_line() == line
    back = '{"id":"é😀","result":"\\ud83d\\ude00"}'.encode()
    for byte in back + b"\n":
        worker.send_bytes(bytes([byte]))
    assert client.recv_line() == back


@pytest.mark.req("KRN-FRM-06")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_many_messages_may_arrive_in_one_write(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    lines = [json.dumps(request(n, params="x" * (n % 50))).encode() for n in range(500)]
    client.send_bytes(b"\n".join(lines) + b"\n")
    assert worker.recv_lines(500) == lines
    backs = [json.dumps(result(n, "y" * (n % 70))).encode() for n in range(500)]
    worker.send_bytes(b"\n".join(backs) + b"\n")
    assert client.recv_lines(500) == backs


@pytest.mark.req("KRN-FRM-06")
@pytest.mark.parametrize("size", [2, 3, 7, 19, 4093])
def test_messages_may_be_cut_anywhere(rig: Rig, size: int) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    lines = [json.dumps(request(n, params="é" * (n * 3)), ensure_ascii=False).encode() for n in range(60)]
    data = b"\n".join(lines) + b"\n"
    for start in range(0, len(data), size):
        client.send_bytes(data[start : start + size])
    assert worker.recv_lines(60) == lines


@pytest.mark.req("KRN-FRM-07")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_a_complete_object_at_end_of_input_is_processed_without_its_lf(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    client.send_bytes(b'{"id":1,"method":"m"}')
    client.half_close()
    assert worker.recv_line() == b'{"id":1,"method":"m"}'
    worker.send(result(1))
    assert client.recv() == result(1)


@pytest.mark.req("KRN-FRM-07")
@pytest.mark.transports("unix", "embedded")
def test_a_workers_last_object_needs_no_lf(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request(1))
    worker.recv()
    worker.send_bytes(b'{"id":1,"result":0}')
    worker.die()
    assert client.recv_line() == b'{"id":1,"result":0}'


LIMIT = 4096


def sized(length: int, id_: object = 1) -> bytes:
    """Return a request whose line is exactly so long."""
    head = b'{"id":' + json.dumps(id_).encode() + b',"method":"m","params":"'
    return head + b"x" * (length - len(head) - 2) + b'"}'


@pytest.mark.req("KRN-FRM-08")
@pytest.mark.transports("unix", "tcp", "stdio")
@pytest.mark.parametrize("length", [LIMIT + 1, LIMIT + 2, 2 * LIMIT, 70_000, 1_000_000])
def test_a_line_above_the_limit_is_refused_with_id_null(rig: Rig, length: int) -> None:
    client, _ = rig.pair(limits={"max_input_buffer": LIMIT})
    client.queue(sized(length))
    message = client.recv()
    assert message["id"] is None
    assert "error" in message


@pytest.mark.req("KRN-FRM-13")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_a_line_of_exactly_the_limit_passes(rig: Rig) -> None:
    client, worker = rig.pair(limits={"max_input_buffer": LIMIT})
    client.send(sized(LIMIT))
    assert worker.recv_line() == sized(LIMIT)


@pytest.mark.req("KRN-FRM-09")
@pytest.mark.transports("unix", "tcp", "stdio")
@pytest.mark.parametrize("length", [LIMIT + 1, 2 * LIMIT, 70_000, 1_000_000])
def test_the_rest_of_a_long_line_is_skipped_and_the_connection_lives_on(rig: Rig, length: int) -> None:
    client, worker = rig.pair(limits={"max_input_buffer": LIMIT})
    client.send(sized(length))
    assert client.recv() == kernel_error(None, "message_too_large")
    client.fence(worker)
    client.send(sized(LIMIT, 2))
    assert worker.recv_line() == sized(LIMIT, 2)


@pytest.mark.req("KRN-FRM-09")
def test_a_long_line_is_refused_once_however_it_arrives(rig: Rig) -> None:
    client, worker = rig.pair(limits={"max_input_buffer": LIMIT})
    assert isinstance(client, StreamPeer)
    line = sized(5 * LIMIT)
    for start in range(0, len(line), 1000):
        client.send_bytes(line[start : start + 1000])
    client.send_bytes(b"\n")
    assert client.recv() == kernel_error(None, "message_too_large")
    client.fence(worker)


@pytest.mark.req("KRN-FRM-09")
def test_what_looks_like_a_message_inside_a_long_line_is_skipped(rig: Rig) -> None:
    client, worker = rig.pair(limits={"max_input_buffer": LIMIT})
    client.send(b"x" * LIMIT + b'{"id":1,"method":"m"}')
    assert client.recv() == kernel_error(None, "message_too_large")
    client.fence(worker)


BAD_FROM_WORKER = {
    "garbage": b"garbage-line",
    "array": b'[{"id":7}]',
    "number": b"42",
    "string": b'"text"',
    "traceback": b"Traceback (most recent call last):",
    "not-utf-8": b'{"method":"\xff\xfe"}',
    "raw-control": b'{"method":"a\x01"}',
    "nan": b'{"method":"n","params":NaN}',
    "neither-result-nor-error": b'{"id":999}',
    "no-class": b'{"params":1}',
    "session-of-wrong-type": b'{"method":"n","sessionId":5}',
    "session-twice": b'{"method":"n","sessionId":"s","sessionId":"s"}',
    "too-deep": b'{"method":"n","params":' + b"[" * 3000 + b"]" * 3000 + b',"x":' + b"[" * 100_000,
}


@pytest.mark.req("KRN-FRM-10")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in BAD_FROM_WORKER.items()])
def test_a_workers_bad_line_never_reaches_a_client_and_the_worker_lives_on(rig: Rig, line: bytes) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    client.send(request(1, session="s"))
    worker.recv()
    worker.send(line)
    worker.send(result(1, "good", session="s"))
    assert client.recv() == result(1, "good", session="s")
    client.fence(worker, "s")
    assert worker.alive


@pytest.mark.req("KRN-FRM-10")
def test_a_workers_bad_line_is_logged_by_its_first_bytes_and_counted(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    worker.send(b"oops: this is a stray print")
    bus.wait_log("oops: this is a stray print")
    client.fence(worker)
    client.close()
    worker.exit()
    assert bus.not_routed() == 1


SALVAGED = {
    "invalid-value": b'{"id":1,"result":}',
    "truncated": b'{"id":1,"result":"xxx',
    "nan": b'{"jsonrpc":"2.0","id":1,"result":NaN}',
    "not-utf-8": b'{"id":1,"result":"\xff"}',
    "id-after-the-fault": b'{"result":nope,"id":1}',
    "trailing-garbage": b'{"id":1,"result":0}}',
    "result-and-error": b'{"id":1,"result":0,"error":{"code":1,"message":"m"}}',
    "neither-result-nor-error": b'{"jsonrpc":"2.0","id":1}',
    "two-responses-in-a-line": b'{"id":1,"result":0}{"id":1,"result":0}',
    "id-spelled-otherwise": b'{"id":1.0,"result":}',
}


@pytest.mark.req("KRN-FRM-10", "KRN-ERR-02")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in SALVAGED.items()])
def test_a_broken_response_that_shows_its_id_fails_its_request(rig: Rig, line: bytes) -> None:
    client, worker = rig.pair()
    client.send(request(1))
    worker.recv()
    worker.send(line)
    assert client.recv() == kernel_error(1, "invalid_response")
    client.fence(worker)


@pytest.mark.req("KRN-FRM-10")
@pytest.mark.transports("unix", "embedded")
def test_a_response_above_the_limit_that_shows_its_id_fails_its_request(rig: Rig) -> None:
    client, worker = rig.pair(limits={"max_input_buffer": LIMIT})
    client.send(request(1, session="s"))
    worker.recv()
    worker.send(b'{"jsonrpc":"2.0","id":1,"sessionId":"s","result":"' + b"x" * 100_000 + b'"}')
    assert client.recv() == kernel_error(1, "invalid_response", session="s")
    client.fence(worker, "s")


@pytest.mark.req("KRN-FRM-10")
@pytest.mark.parametrize(
    "line",
    [b'{"result":{"id":1},', b'{"params":"\\"id\\":1",', b'{"a":[{"id":1}],"b":nope}', b'{"a":"id","b":1,'],
    ids=["nested", "in-a-string", "nested-in-array", "name-as-value"],
)
def test_only_a_top_level_id_counts_in_a_broken_line(rig: Rig, line: bytes) -> None:
    client, worker = rig.pair()
    client.send(request(1))
    worker.recv()
    worker.send(line)
    worker.send(result(1, "good"))
    assert client.recv() == result(1, "good")


NO_CLASS = {
    "empty": (b"{}", None),
    "only-jsonrpc": (b'{"jsonrpc":"2.0"}', None),
    "only-id": (b'{"id":1}', 1),
    "id-and-params": (b'{"id":"a","params":{}}', "a"),
    "method-is-a-number": (b'{"id":2,"method":5}', 2),
    "method-is-null": (b'{"id":2,"method":null}', 2),
    "method-is-an-object": (b'{"id":2,"method":{}}', 2),
    "notification-with-number-method": (b'{"method":5}', None),
    "result-and-error": (b'{"id":3,"result":1,"error":{"code":1,"message":"m"}}', 3),
    "result-without-id": (b'{"result":1}', None),
    "id-is-an-object": (b'{"id":{},"method":"m"}', None),
    "id-is-an-array": (b'{"id":[1],"method":"m"}', None),
    "id-is-true": (b'{"id":true,"method":"m"}', None),
    "session-is-a-number": (b'{"id":4,"method":"m","sessionId":5}', 4),
    "session-is-an-object": (b'{"id":4,"method":"m","sessionId":{}}', 4),
    "session-is-false": (b'{"id":4,"method":"m","sessionId":false}', 4),
    "pool-is-a-number": (b'{"id":5,"method":"m","pool":5}', 5),
    "pool-is-an-array": (b'{"id":5,"method":"m","pool":["w"]}', 5),
    "notification-with-number-session": (b'{"method":"m","sessionId":5}', None),
}


@pytest.mark.req("KRN-FRM-11")
@pytest.mark.parametrize(("line", "id_"), [pytest.param(*v, id=k) for k, v in NO_CLASS.items()])
def test_an_object_of_no_class_is_refused_with_its_id_if_that_is_valid(rig: Rig, line: bytes, id_: object) -> None:
    client, worker = rig.pair()
    client.send(line)
    assert client.recv() == kernel_error(id_, code=-32600)
    client.fence(worker)


ACCEPTED = {
    "no-jsonrpc": b'{"id":1,"method":"m"}',
    "other-jsonrpc": b'{"jsonrpc":"1.0","id":1,"method":"m"}',
    "jsonrpc-is-a-number": b'{"jsonrpc":2.0,"id":1,"method":"m"}',
    "session-is-null": b'{"id":1,"method":"m","sessionId":null}',
    "pool-is-null": b'{"id":1,"method":"m","pool":null}',
    "id-is-null": b'{"id":null,"method":"m"}',
    "id-is-a-fraction": b'{"id":1.5,"method":"m"}',
    "id-is-empty": b'{"id":"","method":"m"}',
    "method-is-empty": b'{"id":1,"method":""}',
    "params-are-a-scalar": b'{"id":1,"method":"m","params":5}',
    "session-is-empty": b'{"id":1,"method":"m","sessionId":""}',
}


@pytest.mark.req("KRN-FRM-11")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in ACCEPTED.items()])
def test_unusual_but_allowed_members_make_a_request(rig: Rig, line: bytes) -> None:
    client, worker = rig.pair()
    client.send(line)
    assert worker.recv_line() == line
    id_ = json.loads(line)["id"]
    worker.send({"id": id_, "result": 0})
    assert client.recv() == {"id": id_, "result": 0}


@pytest.mark.req("KRN-FRM-11")
@pytest.mark.transports("unix", "embedded")
def test_a_message_with_method_and_without_id_is_a_notification_and_never_answered(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(notification())
    assert worker.recv() == notification()
    worker.send({"id": None, "result": 0})
    client.fence(worker)


@pytest.mark.req("KRN-FRM-11")
@pytest.mark.transports("unix", "embedded")
def test_an_error_response_is_a_response(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request(1))
    worker.recv()
    answer = {"id": 1, "error": {"code": 3, "message": "no"}}
    worker.send(answer)
    assert client.recv() == answer


DUPLICATES = {
    "id": (b'{"id":1,"id":2,"method":"m"}', None),
    "same-id": (b'{"id":1,"id":1,"method":"m"}', None),
    "id-escaped": (b'{"id":1,"\\u0069d":2,"method":"m"}', None),
    "method": (b'{"id":1,"method":"a","method":"b"}', 1),
    "method-escaped": (b'{"id":1,"method":"a","\\u006dethod":"b"}', 1),
    "session": (b'{"id":1,"method":"m","sessionId":"a","sessionId":"b"}', 1),
    "session-escaped": (b'{"id":1,"method":"m","sessionId":"a","session\\u0049d":"b"}', 1),
    "session-null-first": (b'{"id":1,"method":"m","sessionId":null,"sessionId":"b"}', 1),
    "pool": (b'{"id":1,"method":"m","pool":"w","pool":"w"}', 1),
    "far-apart": (b'{"id":1,"method":"m","params":"' + b"x" * 9000 + b'","pool":"w","a":1,"pool":"x"}', 1),
}


@pytest.mark.req("KRN-FRM-12")
@pytest.mark.parametrize(("line", "id_"), [pytest.param(*v, id=k) for k, v in DUPLICATES.items()])
def test_a_duplicate_routing_member_is_refused(rig: Rig, line: bytes, id_: object) -> None:
    client, worker = rig.pair()
    client.send(line)
    answer = client.recv()
    assert answer["id"] == id_
    assert answer["error"]["code"] == -32600
    client.fence(worker)


@pytest.mark.req("KRN-FRM-12")
def test_other_members_may_stand_twice_and_routing_names_may_stand_twice_below(rig: Rig) -> None:
    client, worker = rig.pair()
    line = b'{"id":1,"method":"m","x":1,"x":2,"params":{"id":1,"id":2,"sessionId":"a","sessionId":"b"}}'
    client.send(line)
    assert worker.recv_line() == line
