# SPDX-License-Identifier: Apache-2.0
"""The orderly end (PROTOCOL section 8)."""

import signal
import time
from pathlib import Path

import pytest

from .harness import Rig, kernel_error, notification, procfs, request, result
from .harness.embedded import OK, STOPPED, STOPPING, Embedded
from .harness.kernel import Kernel
from .harness.peer import Peer, StreamPeer
from .harness.rig import Bus
from .harness.worker import Worker
from .harness.world import TIME_SCALE

DRAIN = {"drain_timeout_sec": 1}


def begin_stop(bus: Bus) -> None:
    """Ask for the end the way the transport does."""
    if isinstance(bus, Kernel):
        bus.signal(signal.SIGTERM)
    else:
        assert bus.stop_bus(-1) == OK


def await_draining(rig: Rig, bus: Bus, client: Peer) -> None:
    """Wait until the bus has noticed: it then refuses what is new."""
    if isinstance(bus, Embedded):
        assert bus.state == STOPPING
        return
    probes = 0

    def refused() -> bool:
        nonlocal probes
        probes += 1
        client.send(request(f"probe{probes}", pool="nowhere"))
        return bool(client.recv() == kernel_error(f"probe{probes}", "shutting_down"))

    rig.world.until_true(refused, "requests to be refused")


def await_end(rig: Rig, bus: Bus, seconds: float = 10) -> None:
    """Wait for the clean end."""
    if isinstance(bus, Kernel):
        assert bus.wait_exit(seconds) == 0
    else:
        rig.world.until_true(lambda: bus.state == STOPPED, "the state to be STOPPED", seconds)


@pytest.mark.req("KRN-SHD-01")
@pytest.mark.transports("unix", "embedded")
def test_a_worker_that_ignores_sigterm_is_killed(rig: Rig) -> None:
    bus = rig.start(limits=DRAIN)
    worker = rig.worker()
    worker.order("term ignore")
    begin_stop(bus)
    worker.wait_exit()
    await_end(rig, bus)


@pytest.mark.req("KRN-SHD-02")
@pytest.mark.transports("unix", "tcp")
def test_listener_and_socket_file_go_at_once(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.send(request(1))
    worker.recv()
    bus.signal(signal.SIGTERM)
    await_draining(rig, bus, client)
    if rig.transport == "unix":
        assert not Path(bus.path).exists()
    with pytest.raises(OSError, match=r"refused|No such file"):
        bus.connect()
    worker.send(result(1))
    assert client.recv() == result(1)


@pytest.mark.req("KRN-SHD-02")
@pytest.mark.transports("unix", "embedded")
def test_waiting_requests_are_refused_when_the_shutdown_begins(rig: Rig) -> None:
    bus = rig.start(limits={"max_restarts": 100})
    client, worker = bus.client(), rig.worker()
    for _ in range(5):
        worker.die()
        worker = rig.worker()
    client.send(request("in flight"))
    worker.recv()
    worker.die()
    assert client.recv()["error"]["code"] == -32090
    client.send(request("waiting"))
    client.send(request("end", pool="nowhere"))
    assert client.recv()["id"] == "end"
    begin_stop(bus)
    assert client.recv() == kernel_error("waiting", "shutting_down")
    await_end(rig, bus)


@pytest.mark.req("KRN-SHD-02")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_answers_and_notifications_still_pass_while_draining(rig: Rig) -> None:
    bus = rig.start()
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    client.send(request("prompt", session="s"))
    worker.recv()
    begin_stop(bus)
    await_draining(rig, bus, client)
    worker.send(notification(session="s", params="chunk"))
    worker.send(request("ask", session="s"))
    assert client.recv()["params"] == "chunk"
    assert client.recv()["id"] == "ask"
    if isinstance(bus, Kernel):
        client.send(notification(session="s", params="cancel"))
        assert worker.recv()["params"] == "cancel"
        client.send(result("ask", "yes", session="s"))
        assert worker.recv()["result"] == "yes"
    worker.send(result("prompt", "end", session="s"))
    assert client.recv() == result("prompt", "end", session="s")


@pytest.mark.req("KRN-SHD-02")
@pytest.mark.transports("unix", "embedded")
def test_nothing_restarts_while_draining(rig: Rig) -> None:
    bus = rig.start(2)
    client, workers = bus.client(), rig.workers.take(2)
    client.send(request(1))
    busy = rig.receiver(workers)
    busy.recv()
    begin_stop(bus)
    await_draining(rig, bus, client)
    idle = next(worker for worker in workers if worker is not busy)
    idle.die()
    busy.send(result(1))
    assert client.recv() == result(1)
    busy.expect_end()
    busy.exit()
    await_end(rig, bus)
    assert not rig.workers.unclaimed()


@pytest.mark.req("KRN-SHD-02")
@pytest.mark.transports("unix", "embedded")
def test_the_end_is_end_of_input_then_sigterm_then_sigkill(rig: Rig) -> None:
    bus = rig.start(limits=DRAIN)
    worker = rig.worker()
    worker.order("term report")
    begin = time.monotonic()
    begin_stop(bus)
    worker.expect_end()
    ended = time.monotonic()
    assert worker.wait_signal() == signal.SIGTERM
    termed = time.monotonic()
    worker.wait_exit()
    killed = time.monotonic()
    await_end(rig, bus)
    # From the beginning on, which the test itself made: what it sees later it may see late.
    assert ended - begin < 0.5 * TIME_SCALE
    assert 0.19 < termed - begin < 0.2 + TIME_SCALE
    assert 1.19 < killed - begin < 1.2 + TIME_SCALE


@pytest.mark.req("KRN-SHD-02")
@pytest.mark.slow
def test_a_worker_has_until_the_deadline_after_sigterm(rig: Rig) -> None:
    bus = rig.launch(rig.config(limits={"drain_timeout_sec": 3}))
    worker = rig.worker()
    worker.order("term report")
    begin = time.monotonic()
    bus.signal(signal.SIGTERM)
    worker.wait_signal()
    worker.wait_exit()
    assert 2.8 < time.monotonic() - begin < 3 + 2 * TIME_SCALE
    assert bus.wait_exit() == 0


@pytest.mark.req("KRN-SHD-02")
@pytest.mark.transports("unix", "tcp", "stdio", "embedded")
def test_an_idle_bus_with_obedient_workers_ends_within_300_ms(rig: Rig) -> None:
    bus = rig.start(pools=[{"id": "cat", "command": "cat", "instances": 4}])
    client = bus.client()
    client.send(request("x", pool="nowhere"))
    client.recv()
    begin = time.monotonic()
    begin_stop(bus)
    await_end(rig, bus)
    assert time.monotonic() - begin < 0.3 * TIME_SCALE


@pytest.mark.req("KRN-SHD-02")
def test_a_second_signal_forces_the_end(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    worker.order("term ignore")
    client.send(request(1))
    worker.recv()
    bus.signal(signal.SIGTERM)
    await_draining(rig, bus, client)
    assert bus.running
    begin = time.monotonic()
    bus.signal(signal.SIGTERM)
    bus.wait_exit()
    assert time.monotonic() - begin < 3 * TIME_SCALE
    worker.wait_exit()


@pytest.mark.req("KRN-SHD-02")
def test_what_is_queued_is_flushed_before_the_end(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    client.send(request(1, session="s"))
    worker.recv()
    chunks = [notification(session="s", params=[n, "x" * 50_000]) for n in range(100)]
    for chunk in chunks:
        worker.queue(chunk)
    worker.queue(result(1, "end", session="s"))
    worker.flush()
    bus.signal(signal.SIGTERM)
    assert client.recv_many(101) == [*chunks, result(1, "end", session="s")]
    client.expect_end()
    worker.expect_end()
    worker.exit()
    assert bus.wait_exit() == 0


def on_stdio(rig: Rig, **limits: int) -> tuple[Kernel, StreamPeer, Worker]:
    """Start a kernel on stdio."""
    bus = rig.launch(rig.config(limits=limits or None), transport="stdio")
    return bus, bus.client(), rig.worker()


@pytest.mark.req("KRN-SHD-05")
@pytest.mark.transports("stdio")
def test_after_end_of_input_the_drain_timeout_runs(rig: Rig) -> None:
    bus, client, worker = on_stdio(rig, drain_timeout_sec=1)
    client.send(request(1))
    worker.recv()
    begin = time.monotonic()
    client.half_close()
    assert client.recv() == kernel_error(1, "shutting_down")
    assert 0.9 < time.monotonic() - begin < 1 + TIME_SCALE
    client.expect_end()
    assert bus.wait_exit() == 0


@pytest.mark.req("KRN-SHD-05")
@pytest.mark.transports("stdio")
def test_a_closed_stdout_ends_the_kernel_at_once(rig: Rig) -> None:
    bus, client, worker = on_stdio(rig)
    client.fence(worker, "s")
    client.close_input()
    worker.send(notification(session="s"))
    worker.wait_exit()
    bus.wait_exit(3)


@pytest.mark.req("KRN-SHD-06")
@pytest.mark.transports("embedded")
@pytest.mark.parametrize("seconds", [0, 1])
def test_stop_honours_its_timeout(rig: Rig, seconds: int) -> None:
    bus = rig.embed(rig.config(limits={"drain_timeout_sec": 60}))
    client, worker = bus.client(), rig.worker()
    worker.order("term ignore")
    client.send(request(1))
    worker.recv()
    begin = time.monotonic()
    assert bus.stop_bus(seconds) == OK
    assert client.recv() == kernel_error(1, "shutting_down")
    assert seconds - 0.1 < time.monotonic() - begin < seconds + TIME_SCALE
    await_end(rig, bus)
    # SIGTERM may come at the deadline, SIGKILL never sooner than one second after it.
    assert time.monotonic() - begin < seconds + 1.5 + TIME_SCALE
    worker.wait_exit()


@pytest.mark.req("KRN-SHD-06")
@pytest.mark.transports("embedded")
def test_destroy_ends_and_reaps_every_worker_stubborn_ones_too(rig: Rig) -> None:
    bus = rig.embed(rig.config(3))
    workers = rig.workers.take(3)
    for worker in workers:
        worker.order("term ignore")
    children = [worker.spawn_child("group") for worker in workers]
    bus.destroy()
    for worker in workers:
        assert procfs.state(worker.pid) == ""
        worker.wait_exit()
    for child in children:
        rig.world.until_true(lambda child=child: not procfs.is_running(child), "the child in the group to end")  # type: ignore[misc]


@pytest.mark.req("KRN-SHD-06")
@pytest.mark.transports("embedded")
@pytest.mark.parametrize("moment", ["created", "running", "stopping", "stopped"])
def test_destroy_is_right_at_every_moment(rig: Rig, moment: str) -> None:
    bus = rig.embed(rig.config(), start=moment != "created")
    if moment != "created":
        worker = rig.worker()
        if moment != "running":
            bus.client().send(request(1))
            bus.stop_bus(0 if moment == "stopped" else 10)
        if moment == "stopped":
            await_end(rig, bus)
    bus.destroy()
    if moment != "created":
        worker.wait_exit()
