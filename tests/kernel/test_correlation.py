# SPDX-License-Identifier: Apache-2.0
"""Which answer belongs to whom (PROTOCOL section 3)."""

import pytest

from .harness import Rig, kernel_error, notification, request, result
from .harness.messages import answer_to
from .harness.peer import Peer
from .harness.worker import Worker

QUICK = {"backpressure_timeout_sec": 1}


@pytest.mark.req("KRN-COR-01")
@pytest.mark.transports("unix", "tcp", "embedded")
def test_a_response_goes_to_the_client_that_asked_and_to_no_other(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request("from-alice"))
    worker.serve_one("for alice")
    assert alice.recv() == result("from-alice", "for alice")
    bob.fence(worker)
    alice.fence(worker)


@pytest.mark.req("KRN-COR-01")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_responses_may_come_in_any_order(rig: Rig) -> None:
    client, worker = rig.pair()
    for n in range(20):
        client.send(request(n))
    asked = worker.recv_many(20)
    for message in reversed(asked):
        worker.answer(message, message["id"])
    answers = client.recv_many(20)
    assert [answer["id"] for answer in answers] == list(reversed(range(20)))
    assert all(answer["id"] == answer["result"] for answer in answers)


@pytest.mark.req("KRN-COR-02")
@pytest.mark.transports("unix", "tcp", "embedded")
def test_two_clients_may_use_one_id_on_sessions_of_different_workers(rig: Rig) -> None:
    bus = rig.start(2)
    alice, bob, workers = bus.client("alice"), bus.client("bob"), rig.workers.take(2)
    (for_alice,) = rig.homes(alice, workers, "a")
    (for_bob,) = rig.homes(bob, workers, "b")
    assert for_alice is not for_bob
    alice.send(request(1, session="a"))
    bob.send(request(1, session="b"))
    for_alice.recv()
    for_bob.recv()
    for_bob.send(result(1, "for bob", session="b"))
    assert bob.recv()["result"] == "for bob"
    for_alice.send(result(1, "for alice", session="a"))
    assert alice.recv()["result"] == "for alice"


@pytest.mark.req("KRN-COR-02")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize("sessions", [(None, None), ("a", "b"), ("a", None), (None, "b"), ("a", "a")], ids=str)
def test_two_clients_with_one_id_at_one_worker_each_get_their_own_answer(
    rig: Rig, sessions: tuple[str | None, str | None]
) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1, session=sessions[0], params="alice"))
    first = worker.recv()
    bob.send(request(1, session=sessions[1], params="bob"))
    worker.answer(first, first["params"])
    second = worker.recv()
    worker.answer(second, second["params"])
    assert alice.recv()["result"] == "alice"
    assert bob.recv()["result"] == "bob"


@pytest.mark.req("KRN-COR-03")
@pytest.mark.transports("unix", "embedded")
def test_ids_are_not_rewritten(rig: Rig) -> None:
    bus = rig.start()
    for name in ("alice", "bob"):
        client = bus.client(name)
        client.send(request("shared"))
        if name == "alice":
            worker = rig.worker()
        assert worker.recv()["id"] == "shared"
        worker.send(result("shared"))
        assert client.recv()["id"] == "shared"


@pytest.mark.req("KRN-COR-03")
@pytest.mark.transports("unix", "embedded")
def test_an_equal_id_without_a_session_goes_to_an_instance_free_of_it(rig: Rig) -> None:
    bus = rig.start(3)
    workers = rig.workers.take(3)
    clients = [bus.client(f"client{n}") for n in range(3)]
    for client in clients:
        client.send(request(1, params=client.name))
    asked = {}
    for worker in workers:
        message = worker.recv()
        asked[message["params"]] = worker
    for client in clients:
        asked[client.name].send(result(1, client.name))
        assert client.recv()["result"] == client.name


def hold(rig: Rig, **limits: int) -> tuple[Peer, Peer, Worker]:
    """Let alice's request 1 be in flight and bob's be held behind it."""
    bus = rig.start(limits=limits or None)
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1, params="alice"))
    assert worker.recv()["params"] == "alice"
    bob.send(request(1, params="bob"))
    return alice, bob, worker


@pytest.mark.req("KRN-COR-03")
@pytest.mark.transports("unix", "embedded")
def test_an_indistinguishable_request_is_held_until_the_earlier_is_answered(rig: Rig) -> None:
    alice, bob, worker = hold(rig)
    bob.fence(worker)
    worker.send(result(1, "for alice"))
    assert alice.recv()["result"] == "for alice"
    assert worker.recv()["params"] == "bob"
    worker.send(result(1, "for bob"))
    assert bob.recv()["result"] == "for bob"


@pytest.mark.req("KRN-COR-03")
@pytest.mark.transports("unix", "embedded")
def test_messages_after_a_held_one_overtake_it(rig: Rig) -> None:
    alice, bob, worker = hold(rig)
    bob.send(request(2))
    bob.send(notification())
    bob.send(request(3, session="s"))
    assert [m.get("id") for m in worker.recv_many(3)] == [2, None, 3]
    worker.send(result(1))
    alice.recv()
    assert worker.recv()["params"] == "bob"


@pytest.mark.req("KRN-COR-03", "KRN-ERR-02")
@pytest.mark.transports("unix", "embedded")
def test_a_held_request_is_refused_when_the_wait_is_over(rig: Rig) -> None:
    alice, bob, worker = hold(rig, **QUICK)
    assert bob.recv() == kernel_error(1, "id_in_use")
    worker.send(result(1, "late"))
    assert alice.recv()["result"] == "late"
    bob.fence(worker)


@pytest.mark.req("KRN-COR-03")
def test_held_requests_go_on_one_after_the_other(rig: Rig) -> None:
    bus = rig.start()
    clients = [bus.client(f"client{n}") for n in range(5)]
    worker = rig.worker()
    for client in clients:
        client.send(request("same", params=client.name))
        client.send(request(client.name))
        if client is clients[0]:
            assert worker.recv()["params"] == client.name
        assert worker.recv()["id"] == client.name
    for _ in clients:
        worker.send(result("same", "one"))
        if _ is not clients[-1]:
            assert worker.recv()["id"] == "same"
    for client in clients:
        assert client.recv() == result("same", "one")


@pytest.mark.req("KRN-COR-03")
@pytest.mark.transports("unix", "embedded")
def test_equal_ids_of_two_sessions_wait_for_a_worker_that_never_repeated_a_session(rig: Rig) -> None:
    bus = rig.start()
    client, worker = bus.client(), rig.worker()
    client.send(request(1, session="a"))
    worker.recv()
    client.send(request(1, session="b"))
    client.send(request("other"))
    assert worker.recv()["id"] == "other"
    worker.send(result(1, "without a session"))
    assert client.recv()["result"] == "without a session"
    assert worker.recv() == request(1, session="b")


@pytest.mark.req("KRN-COR-03")
@pytest.mark.transports("unix", "embedded")
def test_equal_ids_of_two_sessions_run_at_once_when_the_worker_repeats_sessions(rig: Rig) -> None:
    bus = rig.start()
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "a")
    client.send(request(1, session="a"))
    client.send(request(1, session="b"))
    assert [m["sessionId"] for m in worker.recv_many(2)] == ["a", "b"]
    worker.send(result(1, "b", session="b"))
    worker.send(result(1, "a", session="a"))
    assert [m["result"] for m in client.recv_many(2)] == ["b", "a"]


@pytest.mark.req("KRN-COR-03")
def test_a_restarted_worker_must_show_anew_that_it_repeats_sessions(rig: Rig) -> None:
    bus = rig.start()
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "a")
    worker.die()
    successor = rig.worker()
    client.send(request(1, session="a"))
    successor.recv()
    client.send(request(1, session="b"))
    client.send(request("other"))
    assert successor.recv()["id"] == "other"


@pytest.mark.req("KRN-COR-03")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
@pytest.mark.parametrize("session", [None, "s"])
def test_an_id_its_own_client_still_has_open_is_refused_at_once(rig: Rig, session: str | None) -> None:
    client, worker = rig.pair()
    client.send(request(1, session=session, params="first"))
    worker.recv()
    client.send(request(1, session=session, params="second"))
    assert client.recv() == kernel_error(1, "duplicate_id", session=session)
    worker.send(result(1, "for the first", session=session))
    assert client.recv()["result"] == "for the first"
    client.send(request(1, session=session, params="third"))
    assert worker.recv()["params"] == "third"


@pytest.mark.req("KRN-COR-03")
def test_an_id_is_open_for_its_client_on_every_instance(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    client.send(request(1))
    rig.receiver(workers).recv()
    client.send(request(1))
    assert client.recv() == kernel_error(1, "duplicate_id")


@pytest.mark.req("KRN-COR-03")
def test_one_client_may_use_an_id_with_and_without_a_session(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    (home,) = rig.homes(client, workers, "s")
    client.send(request(1, session="s"))
    home.recv()
    client.send(request(1))
    other = next(worker for worker in workers if worker is not home)
    assert other.recv() == request(1)


@pytest.mark.req("KRN-COR-03", "KRN-ERR-02")
@pytest.mark.transports("unix", "embedded")
def test_a_response_that_matches_several_fails_each_and_none_is_guessed(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.fence(worker, "a")
    alice.send(request(1, session="a"))
    bob.send(request(1, session="b"))
    worker.recv_many(2)
    worker.send(result(1, "whose?"))
    assert alice.recv() == kernel_error(1, "ambiguous_response", session="a")
    assert bob.recv() == kernel_error(1, "ambiguous_response", session="b")
    alice.fence(worker, "a")
    bob.fence(worker, "b")


@pytest.mark.req("KRN-COR-03")
def test_a_response_with_the_wrong_session_matches_nothing(rig: Rig) -> None:
    bus = rig.start()
    client, worker = bus.client(), rig.worker()
    rig.homes(client, [worker], "a", "b")
    client.send(request(1, session="a"))
    worker.recv()
    worker.send(result(1, "wrong", session="b"))
    worker.send(result(1, "right", session="a"))
    assert client.recv() == result(1, "right", session="a")


EQUAL = {
    "escape": (b'"\\u00e9"', '"é"'.encode()),
    "surrogate-pair": (b'"\\ud83d\\ude00"', '"😀"'.encode()),
    "solidus": (b'"a\\/b"', b'"a/b"'),
    "escaped-letter": (b'"\\u0061"', b'"a"'),
    "exponent": (b"1e3", b"1000.0"),
    "minus-zero": (b"-0", b"0"),
    "zero-exponent": (b"0e5", b"0.00"),
    "fraction": (b"15e-1", b"1.5"),
    "exponent-sign": (b"1E+2", b"100"),
    "beyond-double": (b"1e400", b"10e399"),
    "long": (b"12345678901234567890.0", b"12345678901234567890"),
    "small": (b"0.000001", b"1e-6"),
    "huge-exponent": (b"1e99999999999999999999", b"10e99999999999999999998"),
    "null": (b"null", b"null"),
}
DIFFERENT = {
    "number-and-string": (b"1", b'"1"'),
    "null-and-string": (b"null", b'"null"'),
    "zero-and-null": (b"0", b"null"),
    "empty-and-null": (b'""', b"null"),
    "beyond-double-precision": (b"9007199254740993", b"9007199254740992"),
    "many-digits": (b"123456789012345678901", b"123456789012345678902"),
    "beyond-double-range": (b"1e400", b"1e401"),
    "below-double-range": (b"1e-400", b"0"),
    "sign": (b"-1", b"1"),
    "tiny-difference": (b"0.1", b"0.1000000000000000000001"),
    "case": (b'"a"', b'"A"'),
    "normal-forms": ('"é"'.encode(), '"e\u0301"'.encode()),
    "lone-surrogates": (b'"\\ud800"', b'"\\ud801"'),
    "escaped-nul": (b'"a\\u0000b"', b'"a"'),
    "backslash-u": (b'"\\\\u0061"', b'"a"'),
    "huge-exponents": (b"1e99999999999999999999", b"1e99999999999999999998"),
}


@pytest.mark.req("KRN-COR-04", "KRN-COR-08")
@pytest.mark.transports("unix", "embedded")
@pytest.mark.parametrize(("asked", "answered"), [pytest.param(*v, id=k) for k, v in EQUAL.items()])
def test_an_id_matches_however_it_is_spelled(rig: Rig, asked: bytes, answered: bytes) -> None:
    client, worker = rig.pair()
    for there, here in ((asked, answered), (answered, asked)):
        client.send(b'{"id":' + there + b',"method":"m"}')
        worker.recv_line()
        back = b'{"id":' + here + b',"result":0}'
        worker.send(back)
        assert client.recv_line() == back


@pytest.mark.req("KRN-COR-04", "KRN-COR-08")
@pytest.mark.parametrize(("first", "second"), [pytest.param(*v, id=k) for k, v in EQUAL.items()])
def test_an_open_id_is_recognised_however_it_is_spelled(rig: Rig, first: bytes, second: bytes) -> None:
    client, worker = rig.pair()
    client.send(b'{"id":' + first + b',"method":"m"}')
    worker.recv_line()
    client.send(b'{"id":' + second + b',"method":"m"}')
    line = client.recv_line()
    assert b'"duplicate_id"' in line
    assert b'"id":' + second in line.replace(b": ", b":")


@pytest.mark.req("KRN-COR-04", "KRN-COR-08")
@pytest.mark.transports("unix", "embedded")
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
def test_member_names_are_compared_decoded(rig: Rig) -> None:
    client, worker = rig.pair()
    line = b'{"\\u0069d":1,"m\\u0065thod":"m","session\\u0049d":"s"}'
    client.send(line)
    assert worker.recv_line() == line
    back = b'{"i\\u0064":1,"r\\u0065sult":0,"\\u0073essionId":"s"}'
    worker.send(back)
    assert client.recv_line() == back


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
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
@pytest.mark.parametrize("session", [None, "s"])
def test_a_second_response_is_discarded(rig: Rig, session: str | None) -> None:
    client, worker = rig.pair()
    client.send(request(1, session=session))
    worker.recv()
    worker.send(result(1, "first", session=session))
    worker.send(result(1, "second", session=session))
    assert client.recv()["result"] == "first"
    client.fence(worker, session)


@pytest.mark.req("KRN-COR-05")
@pytest.mark.parametrize(
    "answer",
    [result("never asked"), result(None), {"id": 1, "error": {"code": 1, "message": "m"}}, result(2, session="s")],
    ids=["unknown-id", "null-id", "error", "known-session"],
)
def test_a_response_that_matches_nothing_is_discarded_logged_and_counted(rig: Rig, answer: dict[str, object]) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    known = len(bus.log)
    worker.send(answer)
    client.fence(worker, "s")
    rig.world.until_true(lambda: len(bus.log) > known, "a log line about the stray response")
    client.close()
    worker.exit()
    assert bus.not_routed() == 1


@pytest.mark.req("KRN-COR-06")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_a_workers_request_goes_to_the_sessions_client_and_the_answer_back(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    first, second = rig.homes(client, workers, "a", "b")
    assert first is not second
    for worker, session in ((second, "b"), (first, "a")):
        worker.send(request(f"ask-{session}", session=session, method="permission"))
        question = client.recv()
        assert question == request(f"ask-{session}", session=session, method="permission")
        client.send(answer_to(question, "yes"))
        assert worker.recv() == result(f"ask-{session}", "yes", session=session)
    client.fence(first, "a")
    client.fence(second, "b")


@pytest.mark.req("KRN-COR-06")
def test_only_the_sessions_client_is_asked(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    rig.homes(alice, [worker], "a")
    rig.homes(bob, [worker], "b")
    worker.send(request(1, session="b"))
    assert bob.recv() == request(1, session="b")
    alice.fence(worker, "a")


@pytest.mark.req("KRN-COR-06")
@pytest.mark.transports("unix", "embedded")
def test_a_workers_request_may_use_an_id_its_client_has_open(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    client.send(request(0, session="s"))
    worker.recv()
    worker.send(request(0, session="s", method="permission"))
    assert client.recv()["method"] == "permission"
    client.send(result(0, "yes", session="s"))
    assert worker.recv() == result(0, "yes", session="s")
    worker.send(result(0, "done", session="s"))
    assert client.recv() == result(0, "done", session="s")


@pytest.mark.req("KRN-COR-06")
def test_a_client_that_was_not_asked_cannot_answer(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    rig.homes(alice, [worker], "a")
    worker.send(request(1, session="a"))
    alice.recv()
    bob.send(result(1, "forged", session="a"))
    bob.fence(worker)
    alice.send(result(1, "true", session="a"))
    assert worker.recv()["result"] == "true"


@pytest.mark.req("KRN-COR-07")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_an_answer_without_a_session_matches_the_only_open_id(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    worker.send(request(1, session="s"))
    client.recv()
    client.send(result(1, "yes"))
    assert worker.recv() == result(1, "yes")


def ask_twice(rig: Rig, client: Peer) -> tuple[Worker, Worker]:
    """Let two workers have sessions a and b of a client and ask it with the same id."""
    first, second = rig.homes(client, rig.workers.take(2), "a", "b")
    assert first is not second
    first.send(request(1, session="a"))
    second.send(request(1, session="b"))
    return first, second


@pytest.mark.req("KRN-COR-07")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_equal_ids_of_several_workers_are_delivered_at_once_and_answered_by_session(rig: Rig) -> None:
    bus = rig.start(2)
    client = bus.client()
    first, second = ask_twice(rig, client)
    assert {m["sessionId"] for m in client.recv_many(2)} == {"a", "b"}
    client.send(result(1, "for b", session="b"))
    assert second.recv() == result(1, "for b", session="b")
    client.send(result(1, "for a", session="a"))
    assert first.recv() == result(1, "for a", session="a")


@pytest.mark.req("KRN-COR-07", "KRN-ERR-02")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_an_answer_that_matches_several_is_discarded_and_each_worker_told(rig: Rig) -> None:
    bus = rig.start(2)
    client = bus.client()
    first, second = ask_twice(rig, client)
    client.recv_many(2)
    client.send(result(1, "for whom?"))
    assert first.recv() == kernel_error(1, "ambiguous_answer", session="a")
    assert second.recv() == kernel_error(1, "ambiguous_answer", session="b")
    client.fence(first, "a")
    client.fence(second, "b")


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
