# SPDX-License-Identifier: Apache-2.0
"""The embedding API (PROTOCOL section 11). What may end the host's process runs in a child."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from .harness import Rig, kernel_error, notification, procfs, request, result
from .harness.embedded import (
    CREATED,
    FULL,
    INVALID,
    OK,
    RUNNING,
    STOPPED,
    STOPPING,
    WRONG_STATE,
    Embedded,
    api,
)
from .harness.peer import StreamPeer
from .harness.world import TIME_SCALE

pytestmark = pytest.mark.transports("embedded")
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, which Linux has")


def host_in_child(program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program that hosts a bus in a process of its own."""
    head = "import sys\nsys.path.insert(0, sys.argv[1])\n"
    head += "from kernel.harness import *\nfrom kernel.harness.embedded import *\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program), str(Path(__file__).resolve().parents[1])],
        capture_output=True,
        text=True,
        timeout=30 * TIME_SCALE,
        check=False,
    )


def in_child(program: str) -> str:
    """Run a program that hosts a bus in a process of its own and return what it printed."""
    done = host_in_child(program)
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# -- 01: states


@pytest.mark.req("KRN-EMB-01")
def test_the_states_follow_each_other(rig: Rig) -> None:
    bus = rig.embed(rig.config(), start=False)
    assert bus.state == CREATED
    assert bus.start() == OK
    assert bus.state == RUNNING
    worker = rig.worker()
    assert bus.stop_bus(5) == OK
    assert bus.state == STOPPING
    worker.expect_end()
    worker.exit()
    rig.world.until_true(lambda: bus.state == STOPPED, "the state to be STOPPED")


@pytest.mark.req("KRN-EMB-01")
def test_a_call_in_the_wrong_state_is_refused(rig: Rig) -> None:
    bus = rig.embed(rig.config(), start=False)
    assert bus.step() == WRONG_STATE
    assert bus.ingest(b'{"id":1,"method":"m"}') == WRONG_STATE
    assert bus.start() == OK
    assert bus.start() == WRONG_STATE
    worker = rig.worker()
    assert bus.stop_bus(0) == OK
    assert bus.start() == WRONG_STATE
    worker.wait_exit()
    rig.world.until_true(lambda: bus.state == STOPPED, "the state to be STOPPED")
    assert bus.start() == WRONG_STATE
    assert bus.step() == WRONG_STATE
    assert bus.ingest(b'{"id":1,"method":"m"}') == WRONG_STATE


@pytest.mark.req("KRN-EMB-01")
def test_null_is_refused_and_destroying_null_is_allowed(rig: Rig) -> None:
    ffi, lib = api()
    assert lib.stdio_bus_start(ffi.NULL) == INVALID
    assert lib.stdio_bus_step(ffi.NULL, 0) == INVALID
    assert lib.stdio_bus_stop(ffi.NULL, 0) == INVALID
    assert lib.stdio_bus_ingest(ffi.NULL, b"{}", 2) == INVALID
    assert lib.stdio_bus_register_embedded_worker(ffi.NULL, 0, 1, b"w") == INVALID
    assert lib.stdio_bus_unregister_embedded_worker(ffi.NULL, 0) == INVALID
    lib.stdio_bus_destroy(ffi.NULL)
    assert lib.stdio_bus_create(ffi.NULL) == ffi.NULL
    bus = rig.embed(rig.config())
    assert lib.stdio_bus_ingest(bus.bus, ffi.NULL, 5) == INVALID


@pytest.mark.req("KRN-EMB-01")
@pytest.mark.parametrize("fault", ["no-config", "two-configs", "no-on-message"])
def test_options_that_cannot_work_make_create_return_null(rig: Rig, fault: str) -> None:
    good = rig.embed(rig.config(), start=False)
    ffi, lib = api()
    options = good.options
    if fault == "no-config":
        options.config_json = ffi.NULL
    elif fault == "two-configs":
        path = ffi.new("char[]", b"/dev/null")
        options.config_path = path
    else:
        options.on_message = ffi.NULL
    assert lib.stdio_bus_create(options) == ffi.NULL
    assert good.errors


@pytest.mark.req("KRN-EMB-01", "KRN-CFG-02")
@pytest.mark.parametrize("config", ["", "{", "{}", '{"pools":[]}', '{"pools":[{"id":1,"command":"cat"}]}', "[]"])
def test_a_bad_configuration_makes_create_return_null_and_calls_on_error(rig: Rig, config: str) -> None:
    bus = Embedded(rig.world, config, rig.folder)
    assert bus.bus == bus.ffi.NULL
    assert bus.errors
    if "id" in config:
        assert any("pools[0].id" in text for _, text in bus.errors)


@pytest.mark.req("KRN-EMB-01")
def test_a_configuration_may_come_from_a_file(rig: Rig) -> None:
    path = rig.folder / "config.json"
    path.write_text(json.dumps(rig.config()))
    template = rig.embed(rig.config(), start=False, listener=None)
    ffi, lib = api()
    kept = ffi.new("char[]", str(path).encode())
    template.options.config_json = ffi.NULL
    template.options.config_path = kept
    bus = lib.stdio_bus_create(template.options)
    assert bus != ffi.NULL
    lib.stdio_bus_destroy(bus)
    missing = ffi.new("char[]", b"/no/such/file")
    template.options.config_path = missing
    assert lib.stdio_bus_create(template.options) == ffi.NULL
    assert any("/no/such/file" in text for _, text in template.errors)


# -- 02: step


@pytest.mark.req("KRN-EMB-02")
def test_step_with_zero_does_not_wait(rig: Rig) -> None:
    bus = rig.embed(rig.config(), drive=False)
    while bus.step(0):
        pass
    begin = time.monotonic()
    assert bus.step(0) == 0
    assert time.monotonic() - begin < 0.05 * TIME_SCALE


@pytest.mark.req("KRN-EMB-02")
def test_step_waits_at_most_its_timeout(rig: Rig) -> None:
    bus = rig.embed(rig.config(), drive=False)
    while bus.step(0):
        pass
    begin = time.monotonic()
    assert bus.step(150) == 0
    assert 0.14 <= time.monotonic() - begin < 0.15 + 0.5 * TIME_SCALE


@pytest.mark.req("KRN-EMB-02")
def test_step_without_limit_returns_at_the_first_event(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    bus.drive = False
    worker.send(notification(session="s"))
    assert bus.step(-1) >= 1
    while not client.has_line():
        assert bus.step(-1) >= 1
    assert client.recv() == notification(session="s")


@pytest.mark.req("KRN-EMB-02")
def test_step_returns_as_soon_as_something_happens(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    bus.drive = False
    worker.send(notification(session="s"))
    begin = time.monotonic()
    while not client.has_line():
        bus.step(5000)
    assert time.monotonic() - begin < TIME_SCALE


@pytest.mark.req("KRN-EMB-10")
def test_step_from_a_callback_is_refused(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    codes: list[int] = []
    bus.on_message = lambda _line: codes.append(bus.step(0))
    client.send(request(1))
    worker.serve_one()
    client.recv()
    assert codes == [WRONG_STATE]


# -- 03: the poll descriptor


def readable(bus: Embedded, seconds: float = 0.0) -> bool:
    """Tell whether the poll descriptor asks for a step."""
    return bool(select.select([bus.poll_fd], [], [], seconds)[0])


def calm(rig: Rig, bus: Embedded) -> None:
    """Step until the descriptor asks for nothing."""
    rig.world.until_true(lambda: not readable(bus, 0.02), "the descriptor to fall silent")


@pytest.mark.req("KRN-EMB-03")
def test_there_is_a_poll_descriptor_that_is_silent_while_nothing_happens(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    rig.worker()
    assert bus.poll_fd >= 0
    calm(rig, bus)
    steps = bus.steps
    rig.world.watch(0.5)
    assert bus.steps - steps <= 2


@pytest.mark.req("KRN-EMB-03")
def test_the_descriptor_is_readable_for_input_of_a_worker(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    calm(rig, bus)
    worker.send_bytes(b'{"method":"n","sessionId":"s"}\n')
    assert readable(bus, 5)


@pytest.mark.req("KRN-EMB-03")
def test_the_descriptor_is_readable_for_a_new_client_and_its_input(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    host, worker = bus.client(), rig.worker()
    host.fence(worker)
    calm(rig, bus)
    bus.drive = False
    client = bus.connect("client")
    assert readable(bus, 5)
    bus.drive = True
    calm(rig, bus)
    bus.drive = False
    client.send(request(1))
    assert readable(bus, 5)


@pytest.mark.req("KRN-EMB-03")
def test_the_descriptor_is_readable_for_the_death_of_a_worker(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    worker = rig.worker()
    calm(rig, bus)
    bus.drive = False
    worker.crash()
    assert readable(bus, 5)


@pytest.mark.req("KRN-EMB-03")
@pytest.mark.parametrize("reason", ["held-request", "restart", "drain"])
def test_the_descriptor_is_readable_at_a_deadline(rig: Rig, reason: str) -> None:
    limits = {"backpressure_timeout_sec": 1, "drain_timeout_sec": 1, "max_restarts": 100}
    bus = rig.embed(rig.config(limits=limits))
    client, worker = bus.client(), rig.worker()
    if reason == "held-request":
        other = bus.connect("other")
        client.send(request(1))
        worker.recv()
        other.send(request(1))
        other.fence(worker)
        assert other.recv() == kernel_error(1, "id_in_use")
    elif reason == "restart":
        for _ in range(4):
            worker.die()
            worker = rig.worker()
    else:
        worker.order("term ignore")
        client.send(request(1))
        worker.recv()
        bus.stop_bus(-1)
        assert client.recv() == kernel_error(1, "shutting_down")
        rig.world.until_true(lambda: bus.state == STOPPED, "the state to be STOPPED")
    assert bus.steps < 200, "only the descriptor was watched"


@pytest.mark.req("KRN-EMB-03", "KRN-LIM-02")
def test_the_descriptor_is_readable_when_there_is_room_after_a_full_queue(rig: Rig) -> None:
    bus = rig.embed(rig.config(limits={"max_output_queue": 65_536}))
    worker = rig.worker()
    line = json.dumps(notification(params="x" * 10_000)).encode()
    taken = 0
    while bus.ingest(line) == OK:
        taken += 1
    calm(rig, bus)
    # Stepping may have moved something into the pipe: fill up again.
    while bus.ingest(line) == OK:
        taken += 1
    calm(rig, bus)
    assert bus.ingest(line) == FULL
    bus.drive = False
    worker.recv_lines(5)
    deadline = time.monotonic() + 5 * TIME_SCALE
    while (code := bus.ingest(line)) == FULL and time.monotonic() < deadline:
        assert readable(bus, 5), "room was not announced"
        bus.step(0)
        worker.recv_lines(1)
    assert code == OK


@pytest.mark.req("KRN-EMB-03")
def test_nothing_is_left_over_when_the_descriptor_is_silent(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    client.fence(worker, "s")
    lines = [notification(session="s", params=[n, "x" * (n % 900)]) for n in range(3000)]
    for line in lines:
        worker.queue(line)
    assert client.recv_many(3000) == lines


# -- 04, 05: a guest in the host's process


@pytest.mark.req("KRN-EMB-04")
@linux_only
def test_a_bus_starts_no_thread_and_sets_no_signal_handler(rig: Rig) -> None:
    before_threads = procfs.thread_count(os.getpid())
    fields = ("SigCgt", "SigIgn", "SigBlk")
    before = {field: procfs.status(os.getpid())[field] for field in fields}
    bus = rig.embed(rig.config(2))
    client, workers = bus.client(), rig.workers.take(2)
    rig.homes(client, workers, "a", "b")
    workers[0].die()
    rig.worker()
    assert procfs.thread_count(os.getpid()) == before_threads
    assert {field: procfs.status(os.getpid())[field] for field in fields} == before
    bus.destroy()
    assert {field: procfs.status(os.getpid())[field] for field in fields} == before


@pytest.mark.req("KRN-EMB-04")
def test_every_log_line_goes_through_on_log_and_none_to_the_hosts_output(rig: Rig) -> None:
    done = host_in_child(
        """
        with Rig("embedded") as rig:
            bus = rig.start(2)
            client, (first, second) = bus.client(), rig.workers.take(2)
            first.send(b"not a message")
            client.send(notification(pool="nowhere"))
            first.die()
            rig.worker()
            bus.stop_bus(0)
            rig.world.until_true(lambda: bus.state == STOPPED, "STOPPED")
            assert bus.log
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert rig.transport == "embedded"


@pytest.mark.req("KRN-EMB-04")
def test_several_buses_live_side_by_side(rig: Rig) -> None:
    first = rig.embed(rig.config(pools=[rig.workers.pool("a")]))
    second = rig.embed(rig.config(pools=[rig.workers.pool("b")]))
    of_a, of_b = rig.worker("a"), rig.worker("b")
    first.host.send(request(1))
    second.host.send(request(1))
    of_b.recv()
    of_b.send(result(1, "b"))
    assert second.host.recv()["result"] == "b"
    of_a.recv()
    first.destroy()
    second.host.fence(of_b)


@pytest.mark.req("KRN-EMB-05")
def test_a_broken_pipe_raises_no_sigpipe_in_the_host(rig: Rig) -> None:
    out = in_child(
        """
        import signal
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        with Rig("embedded") as rig:
            bus = rig.start(1, limits={"max_restarts": 100})
            client, worker = bus.client(), rig.worker()
            other = bus.connect("other")
            for n in range(4):
                bus.drive = False
                other.send(request(1, session=f"s{n}"))
                bus.step(100)
                worker.close()
                for _ in range(20):
                    bus.ingest(b'{"method":"n","params":"' + b"x" * 20000 + b'"}')
                    bus.step(0)
                worker.control.say("exit 0")
                other.close()
                bus.drive = True
                worker = rig.worker()
                other = bus.connect("other")
            assert signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL
            assert signal.SIGPIPE not in signal.sigpending()
        print("alive")
        """
    )
    assert out == "alive\n"
    assert rig.transport == "embedded"


@pytest.mark.req("KRN-EMB-05")
def test_children_of_the_host_are_never_reaped(rig: Rig) -> None:
    child = subprocess.Popen(["sh", "-c", "exit 7"])
    bus = rig.embed(rig.config(2))
    client, workers = bus.client(), rig.workers.take(2)
    rig.homes(client, workers, "a", "b")
    workers[0].die()
    rig.worker()
    bus.destroy()
    assert child.wait(5) == 7


@pytest.mark.req("KRN-EMB-05")
@pytest.mark.parametrize("host", ["ignores", "reaps"])
def test_a_host_that_ignores_or_reaps_children_costs_no_hang(rig: Rig, host: str) -> None:
    out = in_child(
        f"""
        import os, signal
        HOST = {host!r}
        def reap(*_):
            while True:
                try:
                    if os.waitpid(-1, os.WNOHANG)[0] == 0:
                        return
                except ChildProcessError:
                    return
        signal.signal(signal.SIGCHLD, signal.SIG_IGN if HOST == "ignores" else reap)
        with Rig("embedded") as rig:
            bus = rig.start(2, limits={{"max_restarts": 100}})
            client, workers = bus.client(), rig.workers.take(2)
            for worker in workers:
                client.send(request(worker.pid, session=f"s{{worker.pid}}"))
            homes = [(w, w.recv()) for w in workers]
            worker, message = homes[0]
            worker.die()
            assert client.recv() == kernel_error(message["id"], "worker_exited", session=message["sessionId"])
            client.fence(rig.worker(), "new")
            homes[1][0].order("term ignore")
            bus.stop_bus(0)
            rig.world.until_true(lambda: bus.state == STOPPED, "STOPPED", 8)
        print("fine")
        """
    )
    assert out == "fine\n"
    assert rig.transport == "embedded"


@pytest.mark.req("KRN-EMB-05")
def test_the_hosts_signal_mask_and_dispositions_stay(rig: Rig) -> None:
    before_mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    bus = rig.embed(rig.config(2))
    client, workers = bus.client(), rig.workers.take(2)
    rig.homes(client, workers, "a", "b")
    workers[0].die()
    for n in range(100):
        client.send(request(n, session="a", params="x" * 5000))
    bus.destroy()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before_mask
    assert {number: signal.getsignal(number) for number in signal.valid_signals()} == before


@pytest.mark.req("KRN-EMB-05")
def test_in_a_forked_child_every_call_but_destroy_is_refused_and_the_parent_is_untouched(rig: Rig) -> None:
    out = in_child(
        """
        import os
        with Rig("embedded") as rig:
            bus = rig.start(2)
            client, workers = bus.client(), rig.workers.take(2)
            guest = bus.connect("guest")
            guest.send(request(1))
            rig.receiver(workers).serve_one()
            guest.recv()
            child = os.fork()
            if child == 0:
                ffi, lib = bus.ffi, bus.lib
                codes = [bus.step(0), bus.ingest(b'{"id":1,"method":"m"}'), bus.stop_bus(0), bus.start(),
                         lib.stdio_bus_register_embedded_worker(bus.bus, 0, 1, b"w"),
                         lib.stdio_bus_unregister_embedded_worker(bus.bus, 0)]
                bus.destroy()
                os._exit(0 if set(codes) == {WRONG_STATE} else 1 + next(i for i, c in enumerate(codes) if c != WRONG_STATE))
            _, status = os.waitpid(child, 0)
            print("child", os.waitstatus_to_exitcode(status))
            for worker in workers:
                assert worker.alive
            guest.send(request(2))
            w = rig.receiver(workers)
            w.serve_one("still served")
            assert guest.recv()["result"] == "still served"
            client.send(request(3, session="s"))
            w = rig.receiver(workers)
            w.serve_one()
            assert client.recv()["id"] == 3
            assert os.path.exists(bus.path)
        print("parent fine")
        """
    )
    assert out == "child 0\nparent fine\n"
    assert rig.transport == "embedded"


# -- 06: messages


@pytest.mark.req("KRN-EMB-10", "KRN-EMB-06", "KRN-FRM-03")
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"garbage",
        b"[]",
        b"1",
        b'"x"',
        b"null",
        b'{"id":1,"method":"m"',
        b'{"id":1,"method":"m"}\n',
        b'{"id":1,\n"method":"m"}',
        b'\n{"id":1,"method":"m"}',
        b'{"id":1,"method":"m"}{"id":2,"method":"m"}',
        b'{"id":1,"method":"m\x00"}',
        b'{"id":1,"method":"m"}\x00',
        b'{"id":1,"method":"\xff"}',
        b'{"id":01,"method":"m"}',
        b'{"a":' * 100_000,
    ],
    ids=lambda line: repr(line[:40]),
)
def test_ingest_refuses_what_is_no_object_or_contains_an_lf(rig: Rig, line: bytes) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    assert bus.ingest(line) == INVALID
    client.fence(worker)


@pytest.mark.req("KRN-EMB-10")
def test_a_callback_may_ingest(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    codes: list[int] = []

    def go_on(line: bytes) -> None:
        n = json.loads(line)["id"]
        if n < 50:
            codes.append(bus.ingest(b'{"id":%d,"method":"m"}' % (n + 1)))

    bus.on_message = go_on
    client.send(request(0))
    for n in range(51):
        assert worker.serve_one()["id"] == n
    assert [message["id"] for message in client.recv_many(51)] == list(range(51))
    assert set(codes) == {OK}


@pytest.mark.req("KRN-EMB-06")
def test_messages_come_from_step_only(rig: Rig) -> None:
    bus = rig.embed(rig.config(), drive=False)
    client = bus.client()
    for n in range(10):
        assert bus.ingest(json.dumps(request(n, pool="nowhere")).encode()) == OK
        assert not client.has_line()
    bus.drive = True
    assert [message["id"] for message in client.recv_many(10)] == list(range(10))


@pytest.mark.req("KRN-EMB-06")
def test_a_message_has_its_exact_length_and_a_nul_behind(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    for size in (1, 100, 4096, 65_536, 1_000_000):
        client.queue(request(size))
        worker.recv()
        line = b'{"id":%d,"result":"' % size + b"x" * size + b'"}'
        worker.queue(line)
        assert client.recv_line() == line
    assert not any("without its NUL" in entry for entry in bus.log)


@pytest.mark.req("KRN-EMB-10")
def test_destroy_inside_a_callback_takes_effect_when_the_outermost_call_returns(rig: Rig) -> None:
    bus = rig.embed(rig.config(2))
    client, workers = bus.client(), rig.workers.take(2)
    client.send(request(1))
    client.send(request(2))
    states: list[int] = []

    def end(_line: bytes) -> None:
        handle = bus.bus
        bus.destroy()
        states.append(bus.lib.stdio_bus_get_state(handle))

    bus.on_message = end
    for worker in workers:
        worker.serve_one()
    rig.world.until_true(lambda: not bus.bus, "the callback")
    assert states
    for worker in workers:
        worker.wait_exit()


@pytest.mark.req("KRN-EMB-10")
def test_stop_inside_a_callback_is_allowed(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    codes: list[int] = []
    bus.on_message = lambda _line: codes.append(bus.stop_bus(1))
    client.send(request(1))
    worker.serve_one()
    worker.expect_end()
    worker.exit()
    rig.world.until_true(lambda: bus.state == STOPPED, "the state to be STOPPED")
    assert codes == [OK]


# -- 07: listener and events


@pytest.mark.req("KRN-EMB-07")
@pytest.mark.parametrize("listener", ["unix", "tcp"])
def test_clients_of_the_listener_get_their_responses_and_are_reported(rig: Rig, listener: str) -> None:
    bus = rig.embed(rig.config(), listener=listener)
    host, worker = bus.client(), rig.worker()
    guest = bus.connect("guest")
    guest.send(request(1, params="guest"))
    host.send(request(2, params="host"))
    for _ in range(2):
        message = worker.recv()
        worker.answer(message, message["params"])
    assert guest.recv() == result(1, "guest")
    assert host.recv() == result(2, "host")
    assert len(bus.connects) == 1
    assert bus.connects[0][1]
    guest.close()
    rig.world.until_true(lambda: bool(bus.disconnects), "the disconnect to be reported")
    assert bus.disconnects[0][0] == bus.connects[0][0]
    assert bus.disconnects[0][1]
    host.fence(worker)


@pytest.mark.req("KRN-EMB-07")
def test_a_tcp_listener_tells_its_port(rig: Rig) -> None:
    with_port = rig.embed(rig.config(), listener="tcp")
    assert 0 < with_port.lib.stdio_bus_get_listen_port(with_port.bus) < 65_536
    without = rig.embed(rig.config(), listener="unix")
    assert without.lib.stdio_bus_get_listen_port(without.bus) == -1


@pytest.mark.req("KRN-EMB-07")
def test_worker_events_are_reported(rig: Rig) -> None:
    bus = rig.embed(rig.config(limits={"max_restarts": 1}), drive=False)
    bus.drive = True
    worker = rig.worker()
    rig.world.until_true(lambda: [e for _, e in bus.worker_events] == ["started"], "the start to be reported")
    worker.die()
    worker = rig.worker()
    rig.world.until_true(lambda: [e for _, e in bus.worker_events].count("started") == 2, "the restart to be reported")
    assert "restarting" in [event for _, event in bus.worker_events]
    worker.die()
    rig.world.until_true(lambda: [e for _, e in bus.worker_events].count("failed") == 1, "the failure to be reported")
    assert {event for _, event in bus.worker_events} <= {"started", "stopped", "restarting", "failed"}


@pytest.mark.req("KRN-EMB-07")
def test_the_end_of_workers_at_the_shutdown_is_reported(rig: Rig) -> None:
    bus = rig.embed(rig.config(2))
    workers = rig.workers.take(2)
    bus.stop_bus(5)
    for worker in workers:
        worker.expect_end()
        worker.exit()
    rig.world.until_true(lambda: bus.state == STOPPED, "the state to be STOPPED")
    events = [event for _, event in bus.worker_events]
    assert events.count("started") == 2
    assert events.count("stopped") == 2
    assert "restarting" not in events


# -- 08: counts


@pytest.mark.req("KRN-EMB-08")
def test_the_counts_are_true(rig: Rig) -> None:
    bus = rig.embed(rig.config(2))
    host, workers = bus.client(), rig.workers.take(2)
    guest = bus.connect("guest")
    guest.send(request("g", session="g"))
    rig.receiver(workers).serve_one()
    guest.recv()
    base = bus.counts()
    assert base["worker"] == 2
    assert base["session"] == 1
    assert base["pending"] == 0
    for n in range(5):
        host.send(request(n, session=f"s{n}"))
    asked = [(worker, worker.recv()) for worker in [rig.receiver(workers) for _ in range(1)]]
    assert bus.counts()["pending"] == 5
    assert bus.counts()["session"] == 6
    asked[0][0].answer(asked[0][1])
    host.recv()
    assert bus.counts()["pending"] == 4
    before = bus.counts()["client"]
    guest.close()
    rig.world.until_true(lambda: bus.counts()["client"] == before - 1, "the client to be counted out")
    assert bus.counts()["session"] == 5


@pytest.mark.req("KRN-EMB-08")
def test_the_client_count_follows_the_listeners_clients(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    base = bus.counts()["client"]
    guests = [bus.connect(f"guest{n}") for n in range(5)]
    rig.world.until_true(lambda: bus.counts()["client"] == base + 5, "five clients to be counted")
    for guest in guests:
        guest.close()
    rig.world.until_true(lambda: bus.counts()["client"] == base, "the clients to be counted out")


@pytest.mark.req("KRN-EMB-08")
def test_the_statistics_are_true(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    host, worker = bus.client(), rig.worker()
    assert set(bus.stats().values()) == {0}
    sent = [request(n) for n in range(10)]
    for message in sent:
        host.send(message)
    backs = []
    for _ in range(10):
        message = worker.recv()
        backs.append(result(message["id"]))
        worker.send(backs[-1])
    host.recv_many(10)
    stats = bus.stats()
    assert stats["messages_in"] == 10
    assert stats["messages_out"] == 10
    size_in = sum(len(json.dumps(m, separators=(",", ":"))) for m in sent)
    size_out = sum(len(json.dumps(m, separators=(",", ":"))) for m in backs)
    # With or without the LF of each message.
    assert size_in <= stats["bytes_in"] <= size_in + 10
    assert size_out <= stats["bytes_out"] <= size_out + 10
    guest = bus.connect("guest")
    guest.fence(worker)
    guest.close()
    rig.world.until_true(lambda: bus.stats()["client_disconnects"] == 1, "the disconnect to be counted")
    worker.send(notification(session="unknown"))
    host.fence(worker)
    worker.die()
    rig.worker()
    stats = bus.stats()
    assert stats["client_connects"] == 1
    assert stats["worker_restarts"] == 1
    assert stats["routing_errors"] >= 1


@pytest.mark.req("KRN-EMB-10")
def test_stop_is_idempotent(rig: Rig) -> None:
    bus = rig.embed(rig.config())
    client, worker = bus.client(), rig.worker()
    client.send(request(1))
    worker.recv()
    assert [bus.stop_bus(5), bus.stop_bus(5), bus.stop_bus(0)] == [OK, OK, OK]
    assert bus.state == STOPPING
    worker.send(result(1))
    assert client.recv() == result(1)
    worker.expect_end()
    worker.exit()
    rig.world.until_true(lambda: bus.state == STOPPED, "the state to be STOPPED")
    assert bus.stop_bus(5) == OK
    assert bus.state == STOPPED


# -- 09: workers of the host


class OwnWorker:
    """A worker that lives in the host: a socket pair or two pipes, registered with the bus."""

    def __init__(self, rig: Rig, bus: Embedded, kind: str, pool: bytes = b"w") -> None:
        if kind == "socket":
            ours, theirs = socket.socketpair()
            to_worker = from_worker = theirs.detach()
            fd_in = fd_out = ours.detach()
        else:
            fd_in, to_worker = os.pipe()
            from_worker, fd_out = os.pipe()
        self.peer = StreamPeer(rig.world, f"own:{kind}", fd_in, fd_out)
        self.given = {to_worker, from_worker}
        self.id = int(bus.lib.stdio_bus_register_embedded_worker(bus.bus, to_worker, from_worker, pool))


def own_pool(rig: Rig) -> Embedded:
    """Start a bus whose pool has one process and room for the host's own workers."""
    return rig.embed(rig.config())


@pytest.mark.req("KRN-EMB-09")
@pytest.mark.parametrize("kind", ["socket", "pipes"])
def test_a_worker_of_the_host_serves_its_pool(rig: Rig, kind: str) -> None:
    bus = own_pool(rig)
    client, process = bus.client(), rig.worker()
    own = OwnWorker(rig, bus, kind)
    assert own.id >= 0
    assert bus.counts()["worker"] == 2
    seen = set()
    for n in range(4):
        client.send(request(n))
        rig.world.until_true(
            lambda: _arrived(own.peer.fd_in) or _arrived(process.fd_in), "the request at one of the workers"
        )
        if _arrived(own.peer.fd_in):
            message = own.peer.recv()
            own.peer.send(result(message["id"], "own"))
        else:
            process.serve_one("process")
        seen.add(client.recv()["result"])
    assert seen == {"own", "process"}


def _arrived(descriptor: int | None) -> bool:
    return descriptor is not None and bool(select.select([descriptor], [], [], 0.01)[0])


@pytest.mark.req("KRN-EMB-09", "KRN-ERR-02")
@pytest.mark.parametrize("kind", ["socket", "pipes"])
def test_end_of_file_retires_a_worker_of_the_host_and_fails_its_requests(rig: Rig, kind: str) -> None:
    bus = own_pool(rig)
    client = bus.client()
    rig.worker().die()
    own = OwnWorker(rig, bus, kind)
    process = rig.worker()
    for n in range(2):
        client.send(request(n, session=f"s{n}"))
    message = own.peer.recv()
    own.peer.close()
    session = message["sessionId"]
    assert client.recv() == kernel_error(message["id"], "worker_exited", session=session)
    client.send(request("after", session=session))
    seen = [process.recv(), process.recv()]
    assert "after" in [m["id"] for m in seen]
    assert bus.counts()["worker"] == 1


@pytest.mark.req("KRN-EMB-09")
@pytest.mark.parametrize("kind", ["socket", "pipes"])
def test_unregister_ends_a_worker_of_the_host_and_closes_its_descriptors(rig: Rig, kind: str) -> None:
    bus = own_pool(rig)
    client, process = bus.client(), rig.worker()
    own = OwnWorker(rig, bus, kind)
    assert bus.lib.stdio_bus_unregister_embedded_worker(bus.bus, own.id) == OK
    own.peer.expect_end()
    client.fence(process)
    client.fence(process)
    assert bus.counts()["worker"] == 1


@pytest.mark.req("KRN-EMB-09")
def test_what_cannot_be_registered_or_unregistered_is_refused(rig: Rig) -> None:
    bus = own_pool(rig)
    rig.worker()
    for pool in (b"nowhere", b""):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            code = bus.lib.stdio_bus_register_embedded_worker(bus.bus, theirs.fileno(), theirs.fileno(), pool)
            assert code < 0
            os.fstat(theirs.fileno())
    assert bus.lib.stdio_bus_register_embedded_worker(bus.bus, -1, -1, b"w") < 0
    assert bus.lib.stdio_bus_unregister_embedded_worker(bus.bus, 12_345) < 0
    assert bus.lib.stdio_bus_unregister_embedded_worker(bus.bus, -1) < 0
    assert bus.counts()["worker"] == 1


@pytest.mark.req("KRN-EMB-09")
def test_destroy_closes_the_descriptors_of_the_hosts_workers(rig: Rig) -> None:
    bus = own_pool(rig)
    rig.worker()
    own = OwnWorker(rig, bus, "pipes")
    bus.destroy()
    own.peer.expect_end()
    for descriptor in own.given:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
