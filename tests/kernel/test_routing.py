# SPDX-License-Identifier: Apache-2.0
"""Pools, workers and sessions (PROTOCOL section 4)."""

import collections
import json

import pytest

from .harness import Rig, kernel_error, notification, request, result
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


@pytest.mark.req("KRN-RTE-01")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_a_session_stays_with_its_worker(rig: Rig) -> None:
    bus = rig.start(4)
    client, workers = bus.client(), rig.workers.take(4)
    sessions = [f"s{n}" for n in range(8)]
    homes = dict(zip(sessions, rig.homes(client, workers, *sessions), strict=True))
    for turn in range(5):
        for session in reversed(sessions):
            client.send(request(turn, session=session))
            assert homes[session].serve_one()["sessionId"] == session
            client.recv()


@pytest.mark.req("KRN-RTE-01")
@pytest.mark.transports("unix", "embedded")
def test_a_session_is_the_same_from_every_client(rig: Rig) -> None:
    bus = rig.start(4)
    alice, bob, workers = bus.client("alice"), bus.client("bob"), rig.workers.take(4)
    (home,) = rig.homes(alice, workers, "s")
    bob.send(request("from bob", session="s"))
    assert home.recv()["id"] == "from bob"


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
@pytest.mark.transports("unix", "embedded")
def test_a_notification_without_a_session_follows_its_clients_latest_request(rig: Rig) -> None:
    bus = rig.start(3)
    alice, bob, workers = bus.client("alice"), bus.client("bob"), rig.workers.take(3)
    for n in range(6):
        alice.send(request(f"a{n}"))
        for_alice = rig.receiver(workers)
        for_alice.recv()
        bob.send(request(f"b{n}"))
        for_bob = rig.receiver(workers)
        for_bob.recv()
        alice.send(request(f"elsewhere{n}", session=f"s{n}"))
        rig.receiver(workers).recv()
        alice.send(notification(params=f"cancel a{n}"))
        assert for_alice.recv()["params"] == f"cancel a{n}"
        bob.send(notification(params=f"cancel b{n}"))
        assert for_bob.recv()["params"] == f"cancel b{n}"


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


@pytest.mark.req("KRN-RTE-04")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_messages_of_one_client_to_one_worker_keep_their_order(rig: Rig) -> None:
    client, worker = rig.pair()
    messages = [
        [request(n), notification(params=n), request(n, session="a"), notification(session="b", params=n)][n % 4]
        for n in range(1000)
    ]
    worker.absorbs = True
    for message in messages:
        client.queue(message)
    assert worker.recv_many(1000) == messages


@pytest.mark.req("KRN-RTE-04")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_messages_of_a_session_from_its_worker_keep_their_order(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request("prompt", session="s"))
    worker.recv()
    client.absorbs = True
    chunks = [notification(session="s", params={"chunk": n, "text": "x" * (n % 300)}) for n in range(1000)]
    chunks[500] = request("in the middle", session="s")
    for chunk in chunks:
        worker.queue(chunk)
    worker.queue(result("prompt", "end", session="s"))
    assert client.recv_many(1001) == [*chunks, result("prompt", "end", session="s")]


def two_pools(rig: Rig) -> tuple[Peer, Worker, Worker]:
    """Start pools a and b of one worker each."""
    bus = rig.start(pools=[rig.workers.pool("a"), rig.workers.pool("b")])
    return bus.client(), rig.worker("a"), rig.worker("b")


@pytest.mark.req("KRN-RTE-05")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_pool_names_one_of_several(rig: Rig) -> None:
    client, of_a, of_b = two_pools(rig)
    for id_, pool, worker in ((1, "b", of_b), (2, "a", of_a), (3, "b", of_b)):
        client.send(request(id_, pool=pool))
        assert worker.recv() == request(id_, pool=pool)
    client.send(notification(pool="b"))
    assert of_b.recv() == notification(pool="b")


@pytest.mark.req("KRN-RTE-05")
@pytest.mark.transports("unix", "embedded")
def test_a_bound_session_needs_no_pool(rig: Rig) -> None:
    client, of_a, of_b = two_pools(rig)
    for session, pool, worker in (("x", "b", of_b), ("y", "a", of_a)):
        client.send(request(1, session=session, pool=pool))
        worker.serve_one()
        client.recv()
        client.send(request(2, session=session))
        assert worker.serve_one() == request(2, session=session)
        client.recv()
        client.send(notification(session=session))
        assert worker.recv() == notification(session=session)


@pytest.mark.req("KRN-RTE-05")
@pytest.mark.transports("unix", "embedded")
def test_the_only_pool_need_not_be_named_but_may_be(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request(1))
    assert worker.recv() == request(1)
    client.send(request(2, pool="w"))
    assert worker.recv() == request(2, pool="w")


@pytest.mark.req("KRN-RTE-06")
@pytest.mark.transports("unix", "embedded")
def test_a_pools_id_as_method_chooses_it(rig: Rig) -> None:
    client, of_a, of_b = two_pools(rig)
    client.send(request(1, method="b"))
    assert of_b.recv()["id"] == 1
    client.send(request(2, method="a"))
    assert of_a.recv()["id"] == 2
    client.send(notification(method="b"))
    assert of_b.recv() == notification(method="b")


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


@pytest.mark.req("KRN-RTE-06", "KRN-ERR-02")
@pytest.mark.transports("unix", "embedded")
def test_a_pool_that_contradicts_the_sessions_is_refused(rig: Rig) -> None:
    client, of_a, of_b = two_pools(rig)
    client.send(request(1, session="s", pool="a"))
    of_a.serve_one()
    client.recv()
    client.send(request(2, session="s", pool="b"))
    assert client.recv() == kernel_error(2, "pool_mismatch", session="s")
    client.send(request(3, session="s", pool="a"))
    assert of_a.recv()["id"] == 3
    client.send(request(4, pool="b"))
    assert of_b.recv()["id"] == 4


@pytest.mark.req("KRN-RTE-06")
def test_pool_ids_are_compared_decoded(rig: Rig) -> None:
    client, of_a, of_b = two_pools(rig)
    client.send(b'{"id":1,"method":"m","pool":"\\u0062"}')
    assert of_b.recv()["id"] == 1
    client.send(b'{"id":2,"method":"\\u0061"}')
    assert of_a.recv()["id"] == 2


@pytest.mark.req("KRN-RTE-07", "KRN-ERR-02")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
@pytest.mark.parametrize("session", [None, "s"])
@pytest.mark.parametrize(
    ("pool", "reason"), [("nowhere", "unknown_pool"), ("", "unknown_pool"), (None, "pool_required")]
)
def test_a_request_that_cannot_be_routed_is_answered(
    rig: Rig, pool: str | None, reason: str, session: str | None
) -> None:
    client, of_a, _ = two_pools(rig)
    message = request("q", session=session)
    if pool is not None:
        message["pool"] = pool
    client.send(message)
    assert client.recv() == kernel_error("q", reason, session=session)
    client.send(request("next", pool="a"))
    assert of_a.recv()["id"] == "next"


@pytest.mark.req("KRN-RTE-07")
def test_an_unknown_pool_is_refused_even_where_there_is_only_one(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request(1, pool="nowhere"))
    assert client.recv() == kernel_error(1, "unknown_pool")
    client.fence(worker)


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
@pytest.mark.transports("unix", "tcp", "embedded")
def test_a_workers_message_goes_to_the_client_that_created_the_session(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    rig.homes(alice, [worker], "s")
    rig.homes(bob, [worker], "s")
    update = notification(session="s", params="update")
    worker.send(update)
    assert alice.recv() == update
    bob.fence(worker, "s")
    alice.fence(worker, "s")


@pytest.mark.req("KRN-RTE-08")
@pytest.mark.transports("unix", "embedded")
def test_a_worker_speaks_only_for_sessions_it_serves(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    home, other = rig.homes(client, workers, "a", "b")
    assert home is not other
    other.send(notification(session="a", params="forged"))
    client.fence(other, "b")
    client.fence(home, "a")


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
@pytest.mark.transports("unix", "stdio", "embedded")
def test_a_session_in_a_clients_params_is_learned(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request(1, session="s", params={"sessionId": "inner"}))
    worker.serve_one()
    client.recv()
    update = notification(method="session/update", params={"sessionId": "inner", "n": 1})
    worker.send(update)
    assert client.recv() == update


@pytest.mark.req("KRN-RTE-09")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_a_session_in_a_result_is_learned(rig: Rig) -> None:
    bus = rig.start()
    alice, worker = bus.client("alice"), rig.worker()
    alice.send(request(1, session="s", method="session/new"))
    worker.recv()
    worker.send(result(1, {"sessionId": "inner"}))
    alice.recv()
    question = request(0, method="session/request_permission", params={"sessionId": "inner"})
    worker.send(question)
    assert alice.recv() == question
    alice.send(result(0, "allowed"))
    assert worker.recv() == result(0, "allowed")


@pytest.mark.req("KRN-RTE-09")
def test_what_a_result_taught_wins_over_what_a_client_says(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1, session="a", method="session/new"))
    worker.recv()
    worker.send(result(1, {"sessionId": "inner"}))
    alice.recv()
    bob.send(request(2, session="b", params={"sessionId": "inner"}))
    worker.serve_one()
    bob.recv()
    worker.send(notification(params={"sessionId": "inner"}))
    assert alice.recv() == notification(params={"sessionId": "inner"})
    bob.fence(worker, "b")


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


@pytest.mark.req("KRN-RTE-09")
def test_a_value_nobody_taught_routes_nothing(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    worker.send(notification(params={"sessionId": "inner"}))
    worker.send(notification(params={"deeper": {"sessionId": "s"}}))
    client.fence(worker, "s")


@pytest.mark.req("KRN-RTE-10")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_after_a_workers_death_its_session_is_bound_afresh_in_the_same_pool(rig: Rig) -> None:
    bus = rig.start(pools=[rig.workers.pool("a", 2), rig.workers.pool("b", 1)])
    client, of_a = bus.client(), rig.workers.take(2, "a")
    client.send(request(1, session="s", pool="a"))
    home = rig.receiver(of_a)
    home.serve_one()
    client.recv()
    home.die()
    of_a = [*(worker for worker in of_a if worker is not home), rig.worker("a")]
    client.send(request(2, session="s"))
    successor = rig.receiver(of_a)
    assert successor.serve_one() == request(2, session="s")
    client.recv()
    successor.send(notification(session="s"))
    assert client.recv() == notification(session="s")
    for n in range(4):
        client.send(request(n, session="s"))
        assert successor.recv()["id"] == n


@pytest.mark.req("KRN-RTE-10")
def test_a_worker_does_not_speak_for_the_sessions_of_its_predecessor(rig: Rig) -> None:
    bus = rig.start()
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    worker.die()
    successor = rig.worker()
    successor.send(notification(session="s", params="forged"))
    client.fence(successor, "other")


@pytest.mark.req("KRN-RTE-11")
@pytest.mark.transports("unix", "tcp", "embedded")
def test_when_the_owner_leaves_the_client_that_sent_last_owns_the_session(rig: Rig) -> None:
    bus = rig.start(3)
    first = bus.client("host") if rig.transport == "embedded" else None
    alice, bob, carol = bus.client("alice"), bus.client("bob"), bus.client("carol")
    workers = rig.workers.take(3)
    (home,) = rig.homes(alice, workers, "s")
    for client in (carol, bob):
        client.send(request(f"by {client.name}", session="s"))
        home.serve_one()
        client.recv()
    (private,) = rig.homes(alice, workers, "private")
    alice.close()
    await_gone(rig, private, "private")
    home.send(notification(session="s"))
    assert bob.recv() == notification(session="s")
    carol.fence(home, "s")
    bob.fence(home, "s")
    assert first is None or not first.has_line()


@pytest.mark.req("KRN-RTE-11")
def test_a_session_ends_when_the_last_client_that_sent_on_it_leaves(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, carol, worker = bus.client("alice"), bus.client("bob"), bus.client("carol"), rig.worker()
    rig.homes(alice, [worker], "s")
    rig.homes(bob, [worker], "s")
    alice.close()
    bob.close()
    await_gone(rig, worker, "s")
    worker.send(notification(session="s", params="for nobody"))
    carol.fence(worker, "other")
    carol.fence(worker, "s")
    worker.send(notification(session="s", params="for carol"))
    assert carol.recv()["params"] == "for carol"


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


@pytest.mark.req("KRN-RTE-14")
@pytest.mark.transports("unix", "embedded")
def test_agent_id_chooses_no_worker(rig: Rig) -> None:
    bus = rig.start(pools=[rig.workers.pool("a", 2), rig.workers.pool("b", 2)])
    client, of_a = bus.client(), rig.workers.take(2, "a")
    for n in range(4):
        client.send(request(n, pool="a", agentId="b"))
    for worker in of_a:
        messages = worker.recv_many(2)
        assert all(message["agentId"] == "b" for message in messages)
    client.send(request("home", session="s", pool="a", agentId="x"))
    home = rig.receiver(of_a)
    home.recv()
    for n in range(4):
        client.send(request(f"s{n}", session="s", agentId=f"agent{n}"))
        assert home.recv()["agentId"] == f"agent{n}"
