# SPDX-License-Identifier: Apache-2.0
"""Messages pass unchanged, whatever their shape and size (PROTOCOL section 2)."""

import pytest

from .harness import Rig, notification, request
from .harness.peer import StreamPeer

EXACT = {
    "white-space": b' { "id" : 1 ,\t"method" :  "m" , "params" : [ 1 , 2 ]  } ',
    "cr-inside": b'{"id":1,\r"method":"m"\r}',
    "member-order": b'{"params":{},"method":"m","id":1,"jsonrpc":"2.0"}',
    "escapes": b'{"id":1,"method":"\\u006d\\/\\n","params":"\\u00e9 \\ud83d\\ude00 \\u0000"}',
    "utf-8": '{"id":1,"method":"m","params":"é😀\u2028\x7f"}'.encode(),
    "number-spelling": b'{"id":1,"method":"m","params":[1.0,1e0,-0,0.10,1E+2,12345678901234567890123]}',
    "unknown-members": b'{"id":1,"method":"m","agentId":"a","_ext":{"identity":{"subjectId":"x"}},"zzz":null}',
    "id-spelling": b'{"id":1.0e0,"method":"m"}',
    "repeated-member": b'{"id":1,"method":"m","x":1,"x":2}',
    "empty-params": b'{"id":1,"method":"m","params":{}}',
    "session": b'{ "sessionId" : "\\u0073" , "id":1,"method":"m"}',
    "pool": b'{"id":1,"method":"m","pool":"\\u0077"}',
}


@pytest.mark.req("KRN-TRN-01")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in EXACT.items()])
def test_a_request_is_forwarded_byte_for_byte(rig: Rig, line: bytes) -> None:
    client, worker = rig.pair()
    client.send(line)
    assert worker.recv_line() == line


EXACT_BACK = {
    "white-space": b' { "id" : 1 , "result" :  [ ] } ',
    "member-order": b'{"result":{"b":1,"a":2},"id":1,"jsonrpc":"2.0"}',
    "escapes": b'{"id":1,"result":"\\u00e9 \\ud800 \\/"}',
    "number-spelling": b'{"id":1,"result":[1.0,1e0,-0,0.10,1E+2]}',
    "unknown-members": b'{"id":1,"result":null,"_ext":{"x":[1,2]},"agentId":"a","pool":"nowhere"}',
    "error-with-data": b'{"id":1,"error":{"code":-32000.0,"message":"m","data":{"x":"\\u0041"}}}',
    "id-spelling": b'{"id":10e-1,"result":0}',
}


@pytest.mark.req("KRN-TRN-01")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
@pytest.mark.parametrize("line", [pytest.param(v, id=k) for k, v in EXACT_BACK.items()])
def test_a_response_is_forwarded_byte_for_byte(rig: Rig, line: bytes) -> None:
    client, worker = rig.pair()
    client.send(b'{"id":1,"method":"m"}')
    worker.recv()
    worker.send(line)
    assert client.recv_line() == line


@pytest.mark.req("KRN-TRN-01")
@pytest.mark.transports("unix", "embedded")
def test_notifications_and_requests_of_a_worker_are_forwarded_byte_for_byte(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    lines = [
        b'{ "method":"u" , "sessionId" : "\\u0073", "params":{"x":1.50} }',
        b'{"sessionId":"s","id":"p\\u0031","method":"ask","zzz":[ ]}',
    ]
    for line in lines:
        worker.send(line)
    assert client.recv_lines(2) == lines
    answer = b'{ "id":"p1" , "result":{"x":1.50}, "sessionId":"s"}'
    client.send(answer)
    assert worker.recv_line() == answer


@pytest.mark.req("KRN-TRN-02")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize(
    "members",
    [
        {"params": {"sessionId": "b", "pool": "nowhere", "id": 99, "method": "x"}},
        {"params": [{"sessionId": "b"}, {"pool": "nowhere"}]},
        {"params": '"sessionId":"b","pool":"nowhere"'},
        {"_ext": {"sessionId": "b", "pool": "nowhere"}},
        {"x": '{"sessionId":"b"}', "y": "\\", "z": '\\"sessionId\\":\\"b\\"'},
        {"SessionId": "b", "sessionid": "b", "session_id": "b", "Pool": "nowhere"},
        {"method": "sessionId", "agentId": "b"},
    ],
    ids=["in-params", "in-array", "in-string", "in-ext", "quoted", "other-case", "as-value"],
)
def test_look_alikes_of_routing_members_never_route(rig: Rig, members: dict[str, object]) -> None:
    bus = rig.start(2)
    client = bus.client()
    home, other = rig.homes(client, rig.workers.take(2), "a", "b")
    assert home is not other
    message = request("q", session="a") | members
    client.send(message)
    assert home.recv() == message


BIG = 1 << 20
SIZES = [4095, 4096, 4097, 16_384, 65_535, 65_536, 65_537, 131_073, 262_145, BIG - 1, BIG]


def of_size(size: int, head: bytes) -> bytes:
    """Return an object of exactly that size: the head, filled up."""
    head += b',"fill":"'
    return head + b"x" * (size - len(head) - 2) + b'"}'


@pytest.mark.req("KRN-TRN-03")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_the_smallest_messages_pass_whole(rig: Rig) -> None:
    client, worker = rig.pair()
    smallest = [b'{"method":""}', b'{"id":0,"method":""}', b'{"id":"","method":""}']
    for line in smallest:
        client.send(line)
        assert worker.recv_line() == line
    for line in (b'{"id":0,"result":0}', b'{"id":"","error":0}'):
        worker.send(line)
        assert client.recv_line() == line


@pytest.mark.req("KRN-TRN-03")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
@pytest.mark.parametrize("size", SIZES)
def test_a_message_of_any_size_up_to_the_limit_passes_whole(rig: Rig, size: int) -> None:
    client, worker = rig.pair(limits={"max_input_buffer": BIG})
    line = of_size(size, b'{"id":1,"method":"m"')
    client.queue(line)
    assert worker.recv_line() == line
    back = of_size(size, b'{"id":1,"result":1')
    worker.queue(back)
    assert client.recv_line() == back


@pytest.mark.req("KRN-TRN-03")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_many_large_messages_in_both_directions_at_once_pass_whole(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    count = 40
    out = [of_size(70_000 + 997 * n, b'{"method":"m","sessionId":"s","n":%d' % n) for n in range(count)]
    back = [of_size(50_000 + 1009 * n, b'{"method":"u","sessionId":"s","n":%d' % n) for n in range(count)]
    client.absorbs = worker.absorbs = True
    for there, here in zip(out, back, strict=True):
        client.queue(there)
        worker.queue(here)
    assert worker.recv_lines(count) == out
    assert client.recv_lines(count) == back


@pytest.mark.req("KRN-TRN-03")
@pytest.mark.transports("unix", "tcp", "stdio")
def test_a_reader_that_takes_parts_receives_everything(rig: Rig) -> None:
    client, worker = rig.pair()
    assert isinstance(client, StreamPeer)
    line = of_size(300_000, b'{"id":1,"method":"m"')
    client.queue(line)
    received = _read_in_parts(rig, worker, len(line) + 1)
    assert received == line + b"\n"
    back = of_size(300_000, b'{"id":1,"result":1')
    worker.queue(back)
    assert _read_in_parts(rig, client, len(back) + 1) == back + b"\n"


def _read_in_parts(rig: Rig, peer: StreamPeer, total: int) -> bytes:
    received = bytearray()

    def enough() -> bool:
        while part := peer.read_some(1777):
            received.extend(part)
        return len(received) >= total

    rig.world.until_true(enough, f"{peer.name} to have {total} bytes", 20)
    return bytes(received)


@pytest.mark.req("KRN-TRN-03")
@pytest.mark.transports("unix", "embedded")
def test_a_message_begun_before_its_writer_paused_is_completed(rig: Rig) -> None:
    bus = rig.start()
    client, other, worker = bus.client(), bus.client("other"), rig.worker()
    client.fence(worker, "s")
    line = of_size(100_000, b'{"method":"u","sessionId":"s"')
    worker.send_bytes(line[:60_000])
    other.send(notification(method="meanwhile"))
    assert worker.recv()["method"] == "meanwhile"
    worker.queue_bytes(line[60_000:] + b"\n")
    assert client.recv_line() == line
