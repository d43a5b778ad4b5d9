# SPDX-License-Identifier: Apache-2.0
"""Slow peers, full queues, scarce descriptors: nothing is lost, nothing spins (PROTOCOL section 6)."""

import contextlib
import json
import os
import resource
import time
from collections.abc import Callable

import pytest

from .harness import Rig, kernel_error, notification, procfs, request, result
from .harness.kernel import Kernel
from .harness.messages import Message, answer_to, is_kernel_error
from .harness.peer import Peer, StreamPeer
from .harness.worker import Worker
from .harness.world import TIME_SCALE

QUICK = {"backpressure_timeout_sec": 1}
SMALL = {"max_output_queue": 65_536}
FILL = "x" * 10_000


@pytest.mark.req("KRN-LIM-01")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_more_than_a_queue_holds_slows_its_source_and_loses_nothing(rig: Rig) -> None:
    client, worker = rig.pair(limits=SMALL)
    messages = [request(n, params=FILL) for n in range(300)]
    for message in messages:
        client.queue(message)
    rig.world.watch(0.2)
    # The buffers of a TCP connection may take it all.
    assert not client.flushed or rig.transport == "tcp", "3 MB were taken for a stalled worker with a queue of 64 KiB"
    assert worker.recv_many(300) == messages
    client.flush()
    for n in range(300):
        worker.queue(result(n, FILL))
    rig.world.watch(0.2)
    if rig.transport in {"unix", "stdio"}:
        assert not worker.flushed, "3 MB were taken for a stalled client with a queue of 64 KiB"
    assert [m["id"] for m in client.recv_many(300)] == list(range(300))


def drown(client: Peer, count: int = 100, session: str | None = None) -> list[Message]:
    """Send more than the queue of a stalled worker takes, until reading goes on; returns every refusal."""
    client.absorbs = True
    for n in range(count):
        client.queue(request(n, session=session, params=FILL))
    client.queue(request("last", session=session))
    refusals = [client.recv()]
    while refusals[-1]["id"] != "last":
        refusals.append(client.recv())
    return refusals


@pytest.mark.req("KRN-LIM-02", "KRN-ERR-02")
@pytest.mark.transports("unix", "tcp", "stdio")
@pytest.mark.parametrize("session", [None, "s"])
def test_requests_for_a_worker_that_stays_full_are_refused_until_it_reads(rig: Rig, session: str | None) -> None:
    client, worker = rig.pair(limits={**SMALL, **QUICK})
    client.fence(worker, session)
    refusals = drown(client, session=session)
    assert all(message == kernel_error(message["id"], "overloaded", session=session) for message in refusals)
    refused = [message["id"] for message in refusals]
    delivered = [message["id"] for message in worker.recv_many(101 - len(refused))]
    assert delivered == list(range(len(delivered)))
    assert refused == [*range(len(delivered), 100), "last"]
    client.fence(worker, session)


@pytest.mark.req("KRN-LIM-02")
def test_refusing_ends_when_the_queue_is_half_empty_and_not_before(rig: Rig) -> None:
    client, worker = rig.pair(limits={"max_output_queue": 1 << 20, **QUICK})
    refusals = drown(client, 300)
    queued = 301 - len(refusals)
    worker.recv_lines(queued // 10)
    client.send(request("too early"))
    assert client.recv() == kernel_error("too early", "overloaded")
    rest = queued - queued // 10
    worker.recv_lines(rest * 7 // 10)
    client.send(request("in time"))
    left = worker.recv_many(rest - rest * 7 // 10 + 1)
    assert left[-1]["id"] == "in time"


@pytest.mark.req("KRN-LIM-02")
def test_the_other_clients_and_workers_go_on_while_one_worker_is_full(rig: Rig) -> None:
    bus = rig.start(2, limits=SMALL)
    alice, bob, workers = bus.client("alice"), bus.client("bob"), rig.workers.take(2)
    stalled, living = rig.homes(bob, workers, "a", "b")
    assert stalled is not living
    for n in range(300):
        alice.queue(request(n, session="a", params=FILL))
    rig.world.watch(0.1)
    assert not alice.flushed
    for _ in range(20):
        bob.fence(living, "b")
    assert len(stalled.recv_many(300)) == 300


@pytest.mark.req("KRN-LIM-02")
def test_notifications_for_an_overloaded_worker_are_logged_and_counted(rig: Rig) -> None:
    bus = rig.launch(rig.config(limits={**SMALL, **QUICK, "drain_timeout_sec": 1}))
    client, worker = bus.client(), rig.worker()
    drown(client)
    known = len(bus.log)
    for n in range(3):
        client.send(notification(params=n))
    client.send(request("after"))
    assert client.recv() == kernel_error("after", "overloaded")
    rig.world.until_true(lambda: len(bus.log) > known, "a log line about the notifications")
    client.close()
    worker.exit()
    assert bus.not_routed() == 3


@pytest.mark.req("KRN-LIM-02")
@pytest.mark.transports("unix", "stdio")
def test_answers_to_an_overloaded_workers_own_requests_are_queued_beyond_the_mark(rig: Rig) -> None:
    client, worker = rig.pair(limits={**SMALL, **QUICK})
    client.fence(worker, "s")
    worker.send(request("ask", session="s"))
    assert client.recv()["id"] == "ask"
    refusals = drown(client, session="s")
    client.send(result("ask", "yes", session="s"))
    messages = worker.recv_many(101 - len(refusals) + 1)
    assert messages[-1] == result("ask", "yes", session="s")
    client.fence(worker, "s")


@pytest.mark.req("KRN-LIM-02", "KRN-EMB-06")
@pytest.mark.transports("embedded")
def test_ingest_says_full_and_takes_again_when_there_is_room(rig: Rig) -> None:
    bus = rig.start(limits=SMALL)
    worker = rig.worker()
    line = json.dumps(notification(params=FILL)).encode()
    assert not isinstance(bus, Kernel)
    codes = [bus.ingest(line) for _ in range(100)]
    assert set(codes) == {0, -4}
    assert codes == sorted(codes, reverse=True)
    taken = codes.count(0)
    worker.absorbs = True
    rig.world.until_true(lambda: bus.ingest(line) == 0, "room after a full queue")
    worker.recv_lines(taken + 1)


@pytest.mark.req("KRN-LIM-03")
@pytest.mark.transports("unix", "tcp")
def test_a_client_that_stays_blocked_is_closed_and_everyone_else_continues(rig: Rig) -> None:
    bus = rig.start(2, limits={**SMALL, **QUICK})
    alice, bob, workers = bus.client("alice"), bus.client("bob"), rig.workers.take(2)
    (home,) = rig.homes(alice, workers, "a")
    (for_bob,) = rig.homes(bob, workers, "b")
    assert home is not for_bob
    flood(home, "a")
    for _ in range(10):
        bob.fence(for_bob, "b")
    home.flush()
    home.send(request("still there?", session="a"))
    assert is_kernel_error(home.recv())
    bob.fence(for_bob, "b")
    alice.wait_end()


def flood(worker: Worker, session: str, count: int = 3000) -> None:
    """Let a worker say more to a session than any buffer on the way holds, while nobody waits for it."""
    for _ in range(count):
        worker.queue(notification(session=session, params=FILL))


@pytest.mark.req("KRN-LIM-04")
@pytest.mark.transports("unix", "tcp")
def test_a_stalled_client_delays_the_others_of_its_worker_by_at_most_the_timeout(rig: Rig) -> None:
    bus = rig.start(limits={**SMALL, **QUICK})
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.fence(worker, "a")
    bob.fence(worker, "b")
    start = time.monotonic()
    flood(worker, "a")
    worker.queue(notification(session="b"))
    assert bob.recv() == notification(session="b")
    assert time.monotonic() - start < 1 + 2 * TIME_SCALE


@pytest.mark.req("KRN-LIM-04")
@pytest.mark.slow
def test_a_client_that_reads_a_little_now_and_then_cannot_hold_up_others_for_ever(rig: Rig) -> None:
    bus = rig.start(limits={**SMALL, **QUICK})
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    assert isinstance(alice, StreamPeer)
    alice.fence(worker, "a")
    bob.fence(worker, "b")
    flood(worker, "a")
    worker.queue(notification(session="b"))
    bob.absorbs = True
    start = time.monotonic()
    while not bob.has_line():
        alice.read_some(5000)
        rig.world.turn(0.05)
        assert time.monotonic() - start < 1 + 5 * TIME_SCALE
    assert bob.recv() == notification(session="b")


@pytest.mark.req("KRN-LIM-04")
@pytest.mark.slow
def test_a_slow_reader_that_holds_up_nobody_is_not_closed(rig: Rig) -> None:
    client, worker = rig.pair(limits={**SMALL, **QUICK})
    assert isinstance(client, StreamPeer)
    client.fence(worker, "s")
    lines = [notification(session="s", params=[n, FILL]) for n in range(200)]
    for line in lines:
        worker.queue(line)
    received = bytearray()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        # Fast enough that the system reports room several times a second: it does so in steps of 150 KiB.
        received += client.read_some(32_000)
        rig.world.turn(0.05)
    rest = sum(len(json.dumps(line, separators=(",", ":"))) + 1 for line in lines)

    def read_on() -> bool:
        while part := client.read_some(1 << 16):
            received.extend(part)
        return len(received) >= rest

    rig.world.until_true(read_on, "the rest of what was sent")
    assert [json.loads(line) for line in received.splitlines()] == lines


@pytest.mark.req("KRN-LIM-05")
@pytest.mark.slow
def test_without_limits_a_line_of_ten_mebibytes_passes(rig: Rig) -> None:
    client, worker = rig.pair()
    head = b'{"id":1,"method":"m","params":"'
    line = head + b"x" * ((10 << 20) - len(head) - 2) + b'"}'
    client.queue(line)
    assert worker.recv_line(20) == line
    client.send(line + b" ")
    assert client.recv() == kernel_error(None, "message_too_large")


def settle(pid: int, rig: Rig, seconds: float = 0.5) -> float:
    """Return the share of a processor that a process uses while nothing happens."""
    rig.world.watch(0.1)
    before = procfs.cpu_seconds(pid)
    rig.world.watch(seconds)
    return (procfs.cpu_seconds(pid) - before) / seconds


@pytest.mark.req("KRN-LIM-06")
def test_at_the_descriptor_limit_accepting_pauses_and_resumes(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker)
    room = 5
    top = max(procfs.descriptors(bus.pid)) + 1 + room
    resource.prlimit(bus.pid, resource.RLIMIT_NOFILE, (top, top))
    known = len(bus.log)
    crowd = [bus.client(f"crowd{n}") for n in range(room * 4)]
    rig.world.until_true(lambda: len(bus.log) > known, "a log line about the descriptor limit")
    for _ in range(5):
        client.fence(worker)
    assert settle(bus.pid, rig) < 0.1
    said = [line for line in bus.log[known:] if "accept" in line.lower() or "descriptor" in line.lower()]
    assert len(said) == 1, bus.log[known:]
    waiting = crowd[-1]
    waiting.send(request("waiting"))
    for other in crowd[:-1]:
        other.close()
    assert worker.serve_one()["id"] == "waiting"
    assert waiting.recv()["id"] == "waiting"


@pytest.mark.req("KRN-LIM-07")
def test_a_closed_stderr_holds_up_nothing(rig: Rig) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        bus = rig.launch(rig.config(), ready=False, stderr=write_end, options=["--log-level", "debug"])
        worker = rig.worker()
        bus.wait_socket()
        client = bus.client()
        for _ in range(20):
            worker.send(b"a line for the log")
            client.send(notification(pool="nowhere"))
            client.fence(worker)
        assert bus.running
    finally:
        os.close(write_end)


@pytest.mark.req("KRN-LIM-07")
def test_lines_that_the_log_did_not_take_are_counted(rig: Rig) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    bus = rig.launch(rig.config(), ready=False, stderr=write_end)
    os.close(write_end)
    worker = rig.worker()
    bus.wait_socket()
    client = bus.client()
    for _ in range(1000):
        worker.send(b"a line for the log " + b"x" * 400)
    client.fence(worker)
    text = b""

    def counted() -> bool:
        nonlocal text
        worker.send(b"one more")
        client.fence(worker)
        with contextlib.suppress(BlockingIOError):
            while part := os.read(read_end, 1 << 16):
                text += part
        return any(
            line.startswith(b"stdio_bus:") and any(c in b"123456789" for c in line) for line in _about_loss(text)
        )

    try:
        rig.world.until_true(counted, "the count of lines lost")
    finally:
        os.close(read_end)


def _about_loss(text: bytes) -> list[bytes]:
    words = (b"lost", b"dropped", b"not written", b"missing", b"skipped")
    return [line for line in text.splitlines() if any(word in line for word in words) and b"xxx" not in line]


def paused_worker_that_closed_its_input(rig: Rig) -> Kernel:
    bus = rig.launch(rig.config(limits=SMALL))
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    worker.order("term ignore")
    for _ in range(300):
        worker.queue(notification(session="s", params=FILL))
    rig.world.watch(0.1)
    worker.close_input()
    rig.world.remove(worker)
    return bus


def dead_worker_with_open_pipes(rig: Rig) -> Kernel:
    bus = rig.launch(rig.config(limits={"max_restarts": 0}))
    rig.worker().exit()
    return bus


STATES: list[Callable[[Rig], Kernel]] = [paused_worker_that_closed_its_input, dead_worker_with_open_pipes]


@pytest.mark.req("KRN-LIM-08")
@pytest.mark.parametrize("enter", STATES, ids=lambda state: state.__name__.replace("_", "-"))
def test_waiting_costs_no_processor_time(rig: Rig, enter: Callable[[Rig], Kernel]) -> None:
    bus = enter(rig)
    assert settle(bus.pid, rig) < 0.1
    assert bus.running


@pytest.mark.req("KRN-LIM-09", "KRN-ERR-02")
def test_all_buffers_together_are_bounded(rig: Rig) -> None:
    limit = 4 << 20
    bus = rig.launch(rig.config(2, limits={"max_total_buffer": limit, "backpressure_timeout_sec": 5}))
    client, _ = bus.client(), rig.workers.take(2)
    client.absorbs = True
    before = procfs.resident_kib(bus.pid)
    for n in range(1000):
        client.queue(request(n, session=f"s{n % 4}", params=FILL * 2))
    refused = client.recv(20)
    assert refused["error"]["code"] == -32093
    assert is_kernel_error(refused)
    assert procfs.resident_kib(bus.pid) - before < 4 * limit // 1024


@pytest.mark.req("KRN-LIM-10")
def test_stdin_and_stdout_may_be_files(rig: Rig) -> None:
    lines = b"".join(b'{"id":%d,"method":"m"}\n' % n for n in range(1000))
    source, target = rig.folder / "in", rig.folder / "out"
    source.write_bytes(lines)
    with source.open("rb") as child_in, target.open("wb") as child_out:
        bus = rig.launch(
            rig.config(), transport="stdio", stdin=child_in.fileno(), stdout=child_out.fileno(), ready=False
        )
    worker = rig.worker()
    for message in worker.recv_many(1000):
        worker.queue(answer_to(message))
    worker.expect_end()
    worker.exit()
    assert bus.wait_exit() == 0
    assert [json.loads(line)["id"] for line in target.read_bytes().splitlines()] == list(range(1000))


@pytest.mark.req("KRN-LIM-10")
def test_a_stdout_file_opened_for_appending_is_appended_to(rig: Rig) -> None:
    source, target = rig.folder / "in", rig.folder / "out"
    source.write_bytes(b'{"id":1,"method":"m"}\n')
    target.write_bytes(b"before\n")
    with source.open("rb") as child_in, target.open("ab") as child_out:
        bus = rig.launch(
            rig.config(), transport="stdio", stdin=child_in.fileno(), stdout=child_out.fileno(), ready=False
        )
    worker = rig.worker()
    worker.serve_one()
    worker.expect_end()
    worker.exit()
    assert bus.wait_exit() == 0
    first, second = target.read_bytes().splitlines()
    assert first == b"before"
    assert json.loads(second) == result(1)
