# SPDX-License-Identifier: Apache-2.0
"""Pools, workers and sessions (PROTOCOL section 4)."""

import collections
import json

import pytest

from .harness import Rig, notification, request, result
from .harness.peer import Peer
from .harness.worker import Worker


def await_gone(rig: Rig, worker: Worker, session: str) -> None:
    """Wait until the kernel knows that the only client of a session has left: nobody can be asked any more."""

    def asked() -> bool:
        worker.send(request("anybody?", session=session))
        answer = worker.recv()
        assert "error" in answer, answer
        return True

    rig.world.until_true(asked, f"the client of {session} to be gone")


@pytest.mark.req("KRN-RTE-01", "KRN-COR-03")
@pytest.mark.transports("unix", "embedded")
def test_a_session_is_bound_by_its_first_request_even_while_that_is_held(rig: Rig) -> None:
    bus = rig.start(2)
    alice, bob, workers = bus.client("alice"), bus.client("bob"), rig.workers.take(2)
    for session in ("a1", "a2"):
        alice.send(request(1, session=session))
    for worker in workers:
        worker.recv()
    bob.send(request(1, session="b", params="held"))
    bob.send(request(2, session="other"))
    rig.receiver(workers).recv()
    bob.send(request(3, session="b"))
    home = rig.receiver(workers)
    assert home.recv()["id"] == 3
    for worker in workers:
        worker.send(result(1))
    assert rig.receiver(workers) is home
    assert home.recv()["params"] == "held"


@pytest.mark.req("KRN-RTE-02")
@pytest.mark.transports("unix", "embedded")
def test_new_sessions_go_to_the_worker_with_fewest(rig: Rig) -> None:
    bus = rig.start(4)
    client, workers = bus.client(), rig.workers.take(4)
    homes = rig.homes(client, workers, *(f"s{n}" for n in range(12)))
    assert sorted(collections.Counter(home.pid for home in homes).values()) == [3, 3, 3, 3]


@pytest.mark.req("KRN-RTE-02")
def test_sessions_that_ended_make_room(rig: Rig) -> None:
    bus = rig.start(2)
    alice, bob, workers = bus.client("alice"), bus.client("bob"), rig.workers.take(2)
    (first,) = rig.homes(bob, workers, "b0")
    second = next(worker for worker in workers if worker is not first)
    homes = rig.homes(alice, workers, *(f"a{n}" for n in range(3)))
    assert homes.count(second) == 2
    alice.close()
    await_gone(rig, second, f"a{homes.index(second)}")
    assert rig.homes(bob, workers, "b1") == [second]


@pytest.mark.req("KRN-RTE-02")
@pytest.mark.transports("unix", "embedded")
def test_requests_without_a_session_go_round(rig: Rig) -> None:
    bus = rig.start(4)
    client, workers = bus.client(), rig.workers.take(4)
    for n in range(12):
        client.send(request(n))
    for worker in workers:
        worker.recv_many(3)


@pytest.mark.req("KRN-RTE-03")
def test_the_latest_request_is_remembered_for_each_pool(rig: Rig) -> None:
    bus = rig.start(pools=[rig.workers.pool("a", 2), rig.workers.pool("b", 2)])
    client = bus.client()
    of_a, of_b = rig.workers.take(2, "a"), rig.workers.take(2, "b")
    client.send(request(1, pool="a"))
    in_a = rig.receiver(of_a)
    in_a.recv()
    client.send(request(2, pool="b"))
    in_b = rig.receiver(of_b)
    in_b.recv()
    client.send(notification(pool="a"))
    assert in_a.recv() == notification(pool="a")
    client.send(notification(pool="b"))
    assert in_b.recv() == notification(pool="b")


def two_pools(rig: Rig) -> tuple[Peer, Worker, Worker]:
    """Start pools a and b of one worker each."""
    bus = rig.start(pools=[rig.workers.pool("a"), rig.workers.pool("b")])
    return bus.client(), rig.worker("a"), rig.worker("b")


@pytest.mark.req("KRN-RTE-06")
def test_pool_comes_before_method(rig: Rig) -> None:
    client, of_a, _ = two_pools(rig)
    client.send(request(1, method="b", pool="a"))
    assert of_a.recv()["id"] == 1


@pytest.mark.req("KRN-RTE-06")
def test_the_sessions_pool_comes_before_method(rig: Rig) -> None:
    client, of_a, _ = two_pools(rig)
    client.send(request(1, session="s", pool="a"))
    of_a.serve_one()
    client.recv()
    client.send(request(2, session="s", method="b"))
    assert of_a.recv()["id"] == 2


@pytest.mark.req("KRN-RTE-06")
def test_pool_ids_are_compared_decoded(rig: Rig) -> None:
    client, of_a, of_b = two_pools(rig)
    client.send(b'{"id":1,"method":"m","pool":"\\u0062"}')
    assert of_b.recv()["id"] == 1
    client.send(b'{"id":2,"method":"\\u0061"}')
    assert of_a.recv()["id"] == 2


@pytest.mark.req("KRN-RTE-07")
@pytest.mark.parametrize("members", [{"pool": "nowhere"}, {}], ids=["unknown-pool", "no-pool"])
def test_a_notification_that_cannot_be_routed_is_logged_and_counted_only(rig: Rig, members: dict[str, str]) -> None:
    bus = rig.launch(rig.config(pools=[rig.workers.pool("a"), rig.workers.pool("b")]))
    client, of_a, of_b = bus.client(), rig.worker("a"), rig.worker("b")
    known = len(bus.log)
    client.send(notification(**members))
    client.send(request("next", pool="a", method="x"))
    of_a.serve_one()
    assert client.recv()["id"] == "next"
    rig.world.until_true(lambda: len(bus.log) > known, "a log line about the notification")
    client.close()
    of_a.exit()
    of_b.exit()
    assert bus.not_routed() == 1


@pytest.mark.req("KRN-RTE-08")
@pytest.mark.parametrize("session", ["unknown", ""])
def test_a_workers_message_with_an_unknown_session_is_discarded_logged_and_counted(rig: Rig, session: str) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    known = len(bus.log)
    worker.send(notification(session=session))
    client.fence(worker, "s")
    rig.world.until_true(lambda: len(bus.log) > known, "a log line about the message")
    client.close()
    worker.exit()
    assert bus.not_routed() == 1


@pytest.mark.req("KRN-RTE-09")
def test_a_value_is_learned_for_its_worker_only(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    first, second = rig.homes(client, workers, "a", "b")
    assert first is not second
    client.send(request(1, session="a", params={"sessionId": "inner"}))
    first.serve_one()
    client.recv()
    second.send(notification(params={"sessionId": "inner"}))
    client.fence(second, "b")


@pytest.mark.req("KRN-RTE-09")
def test_learned_values_end_with_their_session(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1, session="a", params={"sessionId": "inner"}))
    worker.serve_one()
    alice.recv()
    rig.homes(bob, [worker], "b")
    alice.close()
    await_gone(rig, worker, "a")
    worker.send(notification(params={"sessionId": "inner"}))
    bob.fence(worker, "b")


@pytest.mark.req("KRN-RTE-12")
@pytest.mark.slow
@pytest.mark.transports("unix", "embedded")
def test_100000_sessions_with_a_request_in_flight_each_are_served(rig: Rig) -> None:
    count = 100_000
    client, worker = rig.pair()
    client.absorbs = worker.absorbs = True
    for n in range(count):
        client.queue(b'{"id":%d,"method":"m","sessionId":"s%d"}' % (n, n))
    ids = [message["id"] for message in worker.recv_many(count, 60)]
    assert ids == list(range(count))
    for n in reversed(ids):
        worker.queue(b'{"id":%d,"result":0,"sessionId":"s%d"}' % (n, n))
    answers = client.recv_many(count, 60)
    assert [answer["id"] for answer in answers] == list(reversed(range(count)))


@pytest.mark.req("KRN-RTE-12")
@pytest.mark.slow
def test_beyond_a_million_sessions_the_oldest_idle_one_is_forgotten_and_logged(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.send(request("kept", session="with a request in flight"))
    worker.recv()
    client.send(notification(session="oldest"))
    worker.recv()
    for start in range(0, 1_000_000, 20_000):
        client.queue_bytes(b"".join(b'{"method":"n","sessionId":"s%d"}\n' % n for n in range(start, start + 20_000)))
        worker.recv_lines(20_000, 60)
    rig.world.until_true(lambda: any("session" in line for line in bus.log), "a log line about sessions")
    worker.send(notification(session="oldest", params="forgotten"))
    worker.send(notification(session="with a request in flight", params="known"))
    assert client.recv()["params"] == "known"


def strip(rig: Rig) -> tuple[Peer, Worker]:
    """Start a pool whose worker receives no envelope."""
    return rig.pair(envelope="strip")


@pytest.mark.req("KRN-RTE-13")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b'{"sessionId":"s","jsonrpc":"2.0","id":1,"method":"m"}', b'{"jsonrpc":"2.0","id":1,"method":"m"}'),
        (b'{"jsonrpc":"2.0","sessionId":"s","id":1,"method":"m"}', b'{"jsonrpc":"2.0","id":1,"method":"m"}'),
        (b'{"jsonrpc":"2.0","id":1,"method":"m","sessionId":"s"}', b'{"jsonrpc":"2.0","id":1,"method":"m"}'),
        (
            b'{"pool":"w","_ext":{"a":[1,"}"]},"id":1.0,"agentId":"x","method":"m","sessionId":"s"}',
            b'{"id":1.0,"method":"m"}',
        ),
        (b'{"id":1,"method":"m","\\u0073essionId":"s","params":[1.0]}', b'{"id":1,"method":"m","params":[1.0]}'),
        (b'{"id":1,"method":"m","sessionId":null,"pool":null}', b'{"id":1,"method":"m"}'),
        (
            b'{"id":1,"method":"m","params":{"sessionId":"x","pool":"y","_ext":1}}',
            b'{"id":1,"method":"m","params":{"sessionId":"x","pool":"y","_ext":1}}',
        ),
    ],
    ids=["first", "middle", "last", "all", "escaped", "null", "nested"],
)
def test_a_stripped_worker_receives_no_envelope_and_every_other_byte(rig: Rig, sent: bytes, received: bytes) -> None:
    client, worker = strip(rig)
    client.send(sent)
    assert worker.recv_line() == received


@pytest.mark.req("KRN-RTE-13")
def test_white_space_around_stripped_members_leaves_valid_json(rig: Rig) -> None:
    client, worker = strip(rig)
    client.send(b' { "sessionId" : "s" , "id" : 1 , "pool" : "w" , "_ext" : { } , "method" : "m" , "agentId" : "a" } ')
    assert worker.recv() == {"id": 1, "method": "m"}


@pytest.mark.req("KRN-RTE-13")
@pytest.mark.transports("unix", "embedded")
def test_a_stripped_workers_response_regains_its_session_as_it_was_spelled(rig: Rig) -> None:
    client, worker = strip(rig)
    client.send(b'{"id":1,"method":"m","sessionId":"\\u0073\\/1"}')
    assert worker.recv() == {"id": 1, "method": "m"}
    worker.send(b'{"id":1,"result":{"x":1.50}}')
    line = client.recv_line()
    assert json.loads(line) == {"id": 1, "result": {"x": 1.5}, "sessionId": "s/1"}
    assert b'"\\u0073\\/1"' in line
    assert b'{"x":1.50}' in line
    client.send(b'{"id":2,"method":"m"}')
    worker.recv()
    worker.send(b'{"id":2,"result":0}')
    assert client.recv_line() == b'{"id":2,"result":0}'


@pytest.mark.req("KRN-RTE-13")
def test_a_stripped_workers_message_belongs_to_its_only_session(rig: Rig) -> None:
    client, worker = strip(rig)
    client.send(request(1, session="s"))
    worker.recv()
    worker.send(notification(params=1))
    assert client.recv() == notification(params=1, session="s")
    worker.send(request("ask"))
    assert client.recv() == request("ask", session="s")
    client.send(result("ask", "yes", session="s"))
    assert worker.recv() == result("ask", "yes")


@pytest.mark.req("KRN-RTE-13")
def test_a_stripped_workers_message_belongs_to_the_learned_session(rig: Rig) -> None:
    client, worker = strip(rig)
    client.send(request(1, session="a", params={"sessionId": "inner-a"}))
    client.send(request(2, session="b", params={"sessionId": "inner-b"}))
    worker.recv_many(2)
    update = notification(params={"sessionId": "inner-b"})
    worker.send(update)
    assert client.recv() == update | {"sessionId": "b"}


@pytest.mark.req("KRN-RTE-13")
def test_a_stripped_workers_message_that_could_be_of_two_sessions_is_not_routed(rig: Rig) -> None:
    bus = rig.launch(rig.config(envelope="strip"))
    client, worker = bus.client(), rig.worker()
    client.send(request(1, session="a"))
    client.send(request(2, session="b"))
    worker.recv_many(2)
    worker.send(notification(params="whose?"))
    worker.send(result(1))
    worker.send(result(2))
    assert [m["id"] for m in client.recv_many(2)] == [1, 2]
    client.close()
    worker.exit()
    assert bus.not_routed() == 1
