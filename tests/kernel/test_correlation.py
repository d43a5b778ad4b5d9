# SPDX-License-Identifier: Apache-2.0
"""Which answer belongs to whom (PROTOCOL section 3), as far as no case says it."""

import pytest

from .harness import Rig, request, result

DIFFERENT = {
    "null-and-string": (b"null", b'"null"'),
    "zero-and-null": (b"0", b"null"),
    "empty-and-null": (b'""', b"null"),
    "huge-exponents": (b"1e99999999999999999999", b"1e99999999999999999998"),
}


@pytest.mark.req("KRN-COR-04", "KRN-COR-08")
@pytest.mark.parametrize(("first", "second"), [pytest.param(*v, id=k) for k, v in DIFFERENT.items()])
def test_different_ids_stay_different(rig: Rig, first: bytes, second: bytes) -> None:
    client, worker = rig.pair()
    for id_ in (first, second):
        client.send(b'{"id":' + id_ + b',"method":"m"}')
        worker.recv_line()
    back = b'{"id":' + second + b',"result":2}'
    worker.send(back)
    worker.send(back)
    last = b'{"id":' + first + b',"result":1}'
    worker.send(last)
    assert client.recv_lines(2) == [back, last]


@pytest.mark.req("KRN-COR-04")
@pytest.mark.transports("unix", "embedded")
def test_sessions_are_compared_decoded(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    (home,) = rig.homes(client, workers, "é/1")
    for n, spelling in enumerate((b'"\\u00e9/1"', b'"\\u00E9\\/\\u0031"', '"é\\/1"'.encode())):
        client.send(b'{"id":%d,"method":"m","sessionId":%s}' % (n, spelling))
        assert home.recv()["id"] == n


@pytest.mark.req("KRN-COR-05")
def test_a_response_that_matches_nothing_is_discarded_logged_and_counted(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    known = len(bus.log)
    worker.send(result("never asked"))
    client.fence(worker, "s")
    rig.world.until_true(lambda: len(bus.log) > known, "a log line about the stray response")
    client.close()
    worker.exit()
    assert bus.not_routed() == 1


@pytest.mark.req("KRN-COR-07")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_a_client_that_omits_sessions_is_asked_one_after_the_other(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    first, second = rig.homes(client, workers, "a", "b")
    first.send(request(0, session="a"))
    client.recv()
    client.send(result(0, "no session"))
    first.recv()
    first.send(request(1, session="a"))
    assert client.recv()["sessionId"] == "a"
    second.send(request(1, session="b"))
    second.send(request(2, session="b"))
    assert client.recv() == request(2, session="b")
    client.send(result(1, "for a"))
    assert first.recv() == result(1, "for a")
    assert client.recv() == request(1, session="b")
    client.send(result(1, "for b"))
    assert second.recv() == result(1, "for b")
