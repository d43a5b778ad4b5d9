# SPDX-License-Identifier: Apache-2.0
"""Starting, watching and replacing worker processes (PROTOCOL section 7)."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from .harness import Rig, kernel_error, procfs, request, result
from .harness.embedded import WORKER_ERROR
from .harness.world import TIME_SCALE

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, which Linux has")


@pytest.mark.req("KRN-WRK-01")
@pytest.mark.transports("unix", "embedded")
def test_arguments_arrive_as_they_are_without_a_shell(rig: Rig) -> None:
    pool = rig.workers.pool()
    odd = ["$HOME", "*", "a b", "'", '"', "\\", "", "; exit 3", "`id`", "é😀", "-x", "\n", "~", "%s"]
    pool["args"] += odd
    rig.start(pools=[pool])
    assert rig.worker().hello["argv"][3:] == odd


@pytest.mark.req("KRN-WRK-01")
def test_the_command_is_found_through_path(rig: Rig) -> None:
    folder = rig.folder / "bin"
    folder.mkdir()
    pool = rig.workers.pool()
    script = folder / "a-worker-by-name"
    script.write_text(f'#!/bin/sh\nexec "{pool["command"]}" "$@"\n')
    script.chmod(0o755)
    pool["command"] = script.name
    rig.launch(rig.config(pools=[pool]), environment={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert rig.worker().hello["argv"][2] == "w"


@pytest.mark.req("KRN-WRK-01")
def test_what_a_worker_writes_to_stderr_goes_where_the_kernels_goes(rig: Rig) -> None:
    bus = rig.launch(rig.config())
    rig.worker().order("stderr 50")
    bus.wait_log("^x{49}$")


@pytest.mark.req("KRN-WRK-02")
@linux_only
def test_descriptors_the_kernel_itself_inherited_do_not_reach_a_worker(rig: Rig) -> None:
    kept = os.open(os.devnull, os.O_RDONLY)
    try:
        rig.launch(rig.config(), pass_fds=[kept])
        assert set(rig.worker().hello["fds"]) == {"0", "1", "2", "3"}
    finally:
        os.close(kept)


def recorder(rig: Rig, name: str = "status") -> tuple[dict[str, Any], Path]:
    """Return a pool of a program that changes no signal, and the file in which it leaves /proc/self/status."""
    target = rig.folder / name
    script = 'cat /proc/self/status > "$0.part"; mv "$0.part" "$0"; exec cat'
    return {"id": "r", "command": "sh", "args": ["-c", script, str(target)]}, target


def recorded_signals(rig: Rig, target: Path) -> dict[str, int]:
    """Return the signal sets of the recorder."""
    rig.world.until_true(target.exists, "the recorder")
    fields = dict(line.split(":", 1) for line in target.read_text().splitlines())
    return {key: int(fields[key], 16) for key in ("SigBlk", "SigIgn", "SigCgt")}


@pytest.mark.req("KRN-WRK-02")
@linux_only
def test_signals_that_the_kernel_inherited_ignored_or_blocked_are_normal_for_a_worker(rig: Rig) -> None:
    pool, target = recorder(rig)
    code = (
        "import os,signal,sys;"
        "[signal.signal(s,signal.SIG_IGN) for s in (signal.SIGPIPE,signal.SIGUSR1,signal.SIGQUIT)];"
        "signal.pthread_sigmask(signal.SIG_BLOCK,[signal.SIGUSR2,signal.SIGALRM]);"
        "os.execv(sys.argv[1],sys.argv[1:])"
    )
    rig.launch(rig.config(pools=[pool]), wrapper=[sys.executable, "-c", code])
    found = recorded_signals(rig, target)
    assert found["SigBlk"] == 0
    assert found["SigIgn"] == 0


@pytest.mark.req("KRN-WRK-02")
def test_env_adds_variables_and_wins_over_inherited_ones(rig: Rig) -> None:
    pool = rig.workers.pool("w", env={"KRN_ADDED": "é = x", "KRN_BOTH": "pool", "KRN_EMPTY": ""})
    rig.launch(rig.config(pools=[pool]), environment={"KRN_INHERITED": "yes", "KRN_BOTH": "parent"})
    env = rig.worker().hello["env"]
    shown = {key: value for key, value in env.items() if key.startswith("KRN_")}
    assert shown == {"KRN_ADDED": "é = x", "KRN_BOTH": "pool", "KRN_EMPTY": "", "KRN_INHERITED": "yes"}


@pytest.mark.req("KRN-WRK-02")
@pytest.mark.parametrize(
    ("inherit", "expected"),
    [(True, {"KRN_ONE", "KRN_TWO", "KRN_ADDED"}), (["KRN_TWO"], {"KRN_TWO", "KRN_ADDED"}), ([], {"KRN_ADDED"})],
    ids=["true", "list", "empty-list"],
)
def test_inherit_env_says_what_is_inherited(rig: Rig, inherit: object, expected: set[str]) -> None:
    pool = rig.workers.pool("w", env={"KRN_ADDED": "1"}, inherit_env=inherit)
    rig.launch(rig.config(pools=[pool]), environment={"KRN_ONE": "1", "KRN_TWO": "2"})
    hello = rig.worker().hello
    assert {name for name in hello["env_names"] if name.startswith("KRN_")} == expected
    if inherit is not True:
        assert "HOME" not in hello["env_names"]


@pytest.mark.req("KRN-WRK-02")
@linux_only
def test_no_worker_can_reach_anothers_pipes(rig: Rig) -> None:
    rig.start(3)
    pipes = [worker.hello["fds"][fd] for worker in rig.workers.take(3) for fd in ("0", "1")]
    assert len(set(pipes)) == 6


@pytest.mark.req("KRN-WRK-03")
@pytest.mark.slow
def test_restarts_that_lie_before_the_window_do_not_count(rig: Rig) -> None:
    client, worker = rig.pair(limits={"max_restarts": 1, "restart_window_sec": 1})
    for _ in range(3):
        worker.die()
        worker = rig.worker()
        rig.world.watch(1.2)
    client.fence(worker)


@pytest.mark.req("KRN-WRK-03")
def test_restarts_count_for_each_instance_or_pool_but_never_for_another_pool(rig: Rig) -> None:
    bus = rig.start(pools=[rig.workers.pool("a"), rig.workers.pool("b")], limits={"max_restarts": 1})
    client = bus.client()
    for pool in ("a", "b"):
        rig.worker(pool).die()
    for pool in ("a", "b"):
        worker = rig.worker(pool)
        client.send(request(pool, pool=pool))
        assert worker.serve_one()["id"] == pool
        client.recv()


@pytest.mark.req("KRN-WRK-04")
def test_the_first_restart_is_at_once_and_the_next_ones_wait_twice_as_long_each(rig: Rig) -> None:
    rig.start(limits={"max_restarts": 100})
    waits = []
    worker = rig.worker()
    for _ in range(4):
        died = time.monotonic()
        worker.die()
        worker = rig.worker()
        waits.append(time.monotonic() - died)
    # The time to start an interpreter adds to each.
    assert waits[0] < 2 * TIME_SCALE
    for waited, least in zip(waits[1:], (0.1, 0.2, 0.4), strict=True):
        assert least <= waited < least + 2 * TIME_SCALE


@pytest.mark.req("KRN-WRK-04")
@pytest.mark.parametrize("session", [None, "s"])
def test_requests_wait_for_the_restarted_worker(rig: Rig, session: str | None) -> None:
    client, worker = rig.pair(limits={"max_restarts": 100})
    for _ in range(3):
        worker.die()
        worker = rig.worker()
    client.send(request("in flight", session="x"))
    worker.recv()
    worker.die()
    assert client.recv() == kernel_error("in flight", "worker_exited", session="x")
    for n in range(3):
        client.send(request(n, session=session))
    successor = rig.worker()
    assert [message["id"] for message in successor.recv_many(3)] == [0, 1, 2]


@pytest.mark.req("KRN-WRK-04")
def test_requests_go_to_another_instance_while_one_restarts(rig: Rig) -> None:
    bus = rig.start(2, limits={"max_restarts": 100})
    client, (living, dying) = bus.client(), rig.workers.take(2)
    for _ in range(3):
        dying.die()
        dying = rig.worker()
    client.send(request(1))
    client.send(request(2))
    living.recv()
    dying.recv()
    dying.die()
    assert client.recv()["error"]["code"] == -32090
    for n in range(4):
        client.send(request(f"again{n}"))
        assert living.recv()["id"] == f"again{n}"


@pytest.mark.req("KRN-WRK-04")
@pytest.mark.slow
@linux_only
def test_a_spawn_refused_for_want_of_descriptors_is_retried_and_not_counted(rig: Rig) -> None:
    bus = rig.launch(rig.config(limits={"max_restarts": 1}))
    client, worker = bus.client(), rig.worker()
    before = resource.prlimit(bus.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(bus.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    known = len(bus.log)
    worker.die()
    rig.world.until_true(lambda: len(bus.log) > known, "a log line about the spawn")
    client.send(request(1))
    rig.world.watch(1)
    resource.prlimit(bus.pid, resource.RLIMIT_NOFILE, before)
    assert rig.worker().serve_one()["id"] == 1
    assert client.recv() == result(1)


@pytest.mark.req("KRN-WRK-05", "KRN-ERR-02")
@pytest.mark.transports("unix", "stdio", "embedded")
def test_waiting_held_and_unwritten_requests_of_a_retired_pool_are_answered(rig: Rig) -> None:
    client, worker = rig.pair(limits={"max_restarts": 0})
    client.send(request("open", session="a"))
    worker.recv()
    client.send(request("open", session="b"))
    count = 50
    for n in range(count):
        client.queue(request(n, params="x" * 40_000))
    client.send(request("end", pool="nowhere"))
    assert client.recv()["id"] == "end"
    worker.die()
    answers = client.recv_many(count + 2)
    by_id = {(answer["id"], answer.get("sessionId")): answer["error"]["data"]["reason"] for answer in answers}
    assert len(by_id) == count + 2
    assert by_id[("open", "a")] == "worker_exited"
    assert by_id[("open", "b")] in {"worker_exited", "no_worker"}
    assert by_id[(count - 1, None)] == "no_worker"
    assert set(by_id.values()) == {"worker_exited", "no_worker"}


@pytest.mark.req("KRN-WRK-05")
@pytest.mark.transports("unix", "embedded")
def test_a_request_held_without_a_session_is_answered_when_its_pool_retires(rig: Rig) -> None:
    bus = rig.start(limits={"max_restarts": 0})
    alice, bob, worker = bus.client("alice"), bus.client("bob"), rig.worker()
    alice.send(request(1))
    worker.recv()
    bob.send(request(1))
    bob.fence(worker)
    worker.die()
    assert alice.recv() == kernel_error(1, "worker_exited")
    assert bob.recv() == kernel_error(1, "no_worker")


@pytest.mark.req("KRN-WRK-05")
def test_a_pool_lives_as_long_as_one_instance_does(rig: Rig) -> None:
    bus = rig.start(2, limits={"max_restarts": 0})
    client, (first, second) = bus.client(), rig.workers.take(2)
    client.send(request(1))
    client.send(request(2))
    first.recv()
    second.recv()
    first.die()
    assert client.recv()["error"]["code"] == -32090
    client.fence(second)


def unusable_commands(folder: Path) -> dict[str, str]:
    """Return commands that cannot be executed."""
    plain = folder / "not-executable"
    plain.write_text("#!/bin/sh\n")
    plain.chmod(0o644)
    bad = folder / "bad-interpreter"
    bad.write_text("#!/no/such/interpreter\n")
    bad.chmod(0o755)
    return {
        "absolute": "/no/such/worker-program",
        "by-name": "no-such-worker-program",
        "relative": "./no-such-worker-program",
        "not-executable": str(plain),
        "folder": str(folder),
        "bad-interpreter": str(bad),
    }


COMMANDS = ["absolute", "by-name", "relative", "not-executable", "folder", "bad-interpreter"]


@pytest.mark.req("KRN-WRK-06")
@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_that_cannot_be_executed_is_named_and_ends_the_start(rig: Rig, kind: str) -> None:
    command = unusable_commands(rig.folder)[kind]
    bus = rig.launch({"pools": [{"id": "w", "command": command}]}, ready=False)
    assert bus.wait_exit() == 1
    assert any(command in line for line in bus.log)
    assert not any("ready" in line for line in bus.log)


@pytest.mark.req("KRN-WRK-06")
@pytest.mark.transports("embedded")
@pytest.mark.parametrize("kind", COMMANDS)
def test_start_returns_the_worker_error_for_a_command_that_cannot_be_executed(rig: Rig, kind: str) -> None:
    command = unusable_commands(rig.folder)[kind]
    bus = rig.embed({"pools": [rig.workers.pool("good"), {"id": "w", "command": command}]}, start=False)
    assert bus.start() == WORKER_ERROR
    assert any(command in text for _, text in bus.errors) or any(command in line for line in bus.log)


@pytest.mark.req("KRN-WRK-06")
@pytest.mark.parametrize("kind", ["absent", "no folder"])
def test_a_cwd_that_cannot_be_entered_is_named_and_ends_the_start(rig: Rig, kind: str) -> None:
    cwd = rig.folder / "elsewhere"
    if kind == "no folder":
        cwd.touch()
    bus = rig.launch(rig.config(cwd=str(cwd)), ready=False)
    assert bus.wait_exit() == 1
    (line,) = [line for line in bus.log if "cannot" in line]
    assert f'pools[0].cwd: cannot enter "{cwd}": ' in line


@pytest.mark.req("KRN-WRK-07")
@pytest.mark.transports("unix", "embedded")
@linux_only
def test_who_is_in_a_dead_workers_group_is_ended_with_it(rig: Rig) -> None:
    rig.start()
    worker = rig.worker()
    in_group, elsewhere = worker.spawn_child("group"), worker.spawn_child("session")
    worker.die()
    rig.worker()
    rig.world.until_true(lambda: not procfs.is_running(in_group), "the child in the group to end")
    assert procfs.is_running(elsewhere)


@pytest.mark.req("KRN-WRK-07")
@linux_only
def test_an_exited_worker_is_reaped(rig: Rig) -> None:
    bus = rig.launch(rig.config(4, limits={"max_restarts": 0}))
    client, workers = bus.client(), rig.workers.take(4)
    for worker in workers[1:]:
        worker.die()
    client.fence(workers[0])
    rig.world.until_true(lambda: procfs.children(bus.pid) == [workers[0].pid], "the dead workers to be reaped", 2)


@pytest.mark.req("KRN-WRK-08")
def test_a_worker_that_closes_its_stdin_but_lives_is_replaced_at_once_and_ended(rig: Rig) -> None:
    client, worker = rig.pair()
    client.fence(worker)
    worker.order("term report")
    worker.close_input()
    start = time.monotonic()
    successor = rig.worker()
    assert worker.wait_signal() == signal.SIGTERM
    assert time.monotonic() - start < 2 * TIME_SCALE
    assert worker.alive
    client.fence(successor)
    worker.exit()


@pytest.mark.req("KRN-WRK-08")
@pytest.mark.slow
def test_a_replaced_worker_that_ignores_sigterm_is_killed_after_five_seconds(rig: Rig) -> None:
    rig.start()
    worker = rig.worker()
    worker.order("term report")
    start = time.monotonic()
    worker.half_close()
    assert worker.wait_signal() == signal.SIGTERM
    worker.wait_exit(20)
    assert 4.9 < time.monotonic() - start < 5 + 3 * TIME_SCALE


@pytest.mark.req("KRN-WRK-09")
@pytest.mark.transports("embedded")
@linux_only
def test_every_descriptor_of_an_embedded_bus_is_close_on_exec(rig: Rig) -> None:
    before = set(procfs.descriptors(os.getpid()))
    bus = rig.start(2)
    assert bus.client()
    rig.workers.take(2)
    own = set(procfs.descriptors(os.getpid())) - before
    assert own
    assert [descriptor for descriptor in own if os.get_inheritable(descriptor)] == []


CENSUS = """
import subprocess, sys, threading
sys.path.insert(0, sys.argv[1])
from kernel.harness import Rig
done = threading.Event()
strays = set()
def spawn():
    while not done.is_set():
        out = subprocess.run(["ls", "-l", "/proc/self/fd"], stdout=subprocess.PIPE, close_fds=False, text=True).stdout
        for line in out.splitlines():
            number, arrow, target = ["", *line.split()][-3:]
            if arrow == "->" and int(number) > 2 and "/fd" not in target:
                strays.add(target)
with Rig("embedded") as rig:
    threads = [threading.Thread(target=spawn) for _ in range(3)]
    for thread in threads:
        thread.start()
    bus = rig.start(4, limits={"max_restarts": 1000})
    client = bus.client()
    for _ in range(4):
        workers = rig.workers.take(4)
        for worker in workers:
            assert set(worker.hello["fds"]) == {"0", "1", "2", "3"}, worker.hello["fds"]
            worker.die()
    done.set()
    for thread in threads:
        thread.join()
assert not strays, strays
print("clean")
"""


@pytest.mark.req("KRN-WRK-09")
@pytest.mark.transports("embedded")
@pytest.mark.slow
@linux_only
def test_nothing_leaks_into_the_processes_that_other_threads_of_the_host_start(rig: Rig) -> None:
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", CENSUS, str(tests)], capture_output=True, text=True, timeout=60 * TIME_SCALE, check=False
    )
    assert done.stdout == "clean\n", done.stdout + done.stderr
    assert rig.transport == "embedded"
