# SPDX-License-Identifier: Apache-2.0
"""Every request gets exactly one answer (PROTOCOL section 5)."""

import pytest

from .harness import Rig, kernel_error, notification, request, result


@pytest.mark.req("KRN-ERR-01")
@pytest.mark.parametrize(
    "id_",
    [b"1.0", b"1e3", b"-0", b'"\\u0041\\/"', b'"\xc3\xa9"', b'"\\ud800"', b"12345678901234567890", b"null", b'""'],
)
def test_a_kernel_error_repeats_the_id_as_it_was_spelled(rig: Rig, id_: bytes) -> None:
    client, _ = rig.pair()
    client.send(b'{"id":' + id_ + b',"method":"m","pool":"nowhere"}')
    assert b'"id":' + id_ + b"," in client.recv_line().replace(b": ", b":")


@pytest.mark.req("KRN-ERR-01")
@pytest.mark.parametrize("session", [b'"\\u0073"', b'"\xc3\xa9"', b'""', b'"a\\"b"'])
def test_a_kernel_error_carries_the_session_of_its_request(rig: Rig, session: bytes) -> None:
    client, _ = rig.pair()
    client.send(b'{"id":1,"method":"m","pool":"nowhere","sessionId":' + session + b"}")
    assert b'"sessionId":' + session in client.recv_line().replace(b": ", b":")


@pytest.mark.req("KRN-ERR-04")
@pytest.mark.transports("unix", "embedded")
def test_exit_is_death_even_where_a_grandchild_keeps_the_pipes_open(rig: Rig) -> None:
    client, worker = rig.pair()
    client.send(request(1))
    client.send(request(2, session="s"))
    worker.recv_many(2)
    worker.send(result(1, "last word"))
    worker.exit()
    assert client.recv() == result(1, "last word")
    assert client.recv() == kernel_error(2, "worker_exited", session="s")
    client.fence(rig.worker())


@pytest.mark.req("KRN-ERR-04")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_requests_of_which_nothing_was_written_go_to_another_process(rig: Rig) -> None:
    client, worker = rig.pair()
    count, fill = 100, "x" * 40_000
    for n in range(count):
        client.queue(request(n, params=fill))
    client.flush()
    worker.wait_readable()
    worker.die()
    client.absorbs = True
    successor = rig.worker()
    first = successor.recv()["id"]
    assert first >= 1, "the first request was written in part at least"
    rest = [message["id"] for message in successor.recv_many(count - first - 1)]
    assert [first, *rest] == list(range(first, count))
    failed = client.recv_many(first)
    assert [message["id"] for message in failed] == list(range(first))
    assert all(message == kernel_error(message["id"], "worker_exited") for message in failed)
    client.fence(successor)


@pytest.mark.req("KRN-ERR-04")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_all_requests_of_a_dead_workers_sessions_fail_written_or_not(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    count = 100
    for n in range(count):
        client.queue(request(n, session="s", params="x" * 40_000))
    client.send(request("end", pool="nowhere"))
    assert client.recv()["id"] == "end"
    worker.die()
    answers = client.recv_many(count)
    assert sorted(answer["id"] for answer in answers) == list(range(count))
    assert all(answer == kernel_error(answer["id"], "worker_exited", session="s") for answer in answers)
    client.fence(rig.worker(), "s")


@pytest.mark.req("KRN-ERR-04")
@pytest.mark.transports("unix", "embedded")
def test_a_held_request_of_a_dead_workers_session_fails_with_it(rig: Rig) -> None:
    bus = rig.start()
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    bob.send(request("open", session="b"))
    worker.recv()
    worker.send(result("open"))
    assert bob.recv() == result("open")
    alice.send(request(1, session="a"))
    worker.recv()
    bob.send(request(1, session="b"))
    bob.fence(worker)
    worker.die()
    assert bob.recv() == kernel_error(1, "worker_exited", session="b")
    assert alice.recv() == kernel_error(1, "worker_exited", session="a")
    bob.fence(rig.worker(), "b")


@pytest.mark.req("KRN-ERR-05")
@pytest.mark.transports("unix", "embedded")
def test_a_workers_request_without_a_session_that_leads_nowhere_is_answered_to_it(rig: Rig) -> None:
    client, worker = rig.pair()
    rig.homes(client, [worker], "a", "b")
    worker.send(request("q"))
    assert worker.recv() == kernel_error("q", code=-32092)
    client.fence(worker, "a")


@pytest.mark.req("KRN-ERR-05", "KRN-ERR-02")
@pytest.mark.transports("tcp")
def test_a_workers_request_whose_client_leaves_over_tcp_is_answered_to_it(rig: Rig) -> None:
    bus = rig.start()
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    worker.send(request("q", session="s"))
    client.recv()
    client.close()
    for _ in range(2):  # a plain close counts as a half-close until a write fails
        worker.send(notification(session="s"))
    assert worker.recv() == kernel_error("q", "client_gone", session="s")


@pytest.mark.req("KRN-ERR-05")
def test_a_workers_open_request_is_settled_once(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker, "s")
    worker.send(request("q", session="s"))
    client.recv()
    client.send(result("q", "yes", session="s"))
    client.send(result("q", "again", session="s"))
    assert worker.recv()["result"] == "yes"
    client.fence(worker, "s")
