"""What a process uses is measured while a step waits for it, and judged like a line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.data import bundled_kernel
from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import Case, bundled_cases, steps
from pytest_stdiobus.kit.history import TARGET, USAGE, History
from pytest_stdiobus.kit.judge import judge
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner, steps_of
from pytest_stdiobus.kit.target import KERNEL, Target
from pytest_stdiobus.kit.usage import Watch, observe_process
from pytest_stdiobus.kit.walk import BROKEN, MET, NOT_MET, Reading, Walk

from .histories import history

if TYPE_CHECKING:
    from collections.abc import Iterator

SPINS, WAITS = "while True: pass", "input()"
KERNEL_FILE = str(bundled_kernel())
needs_proc = pytest.mark.skipif(not os.path.isdir("/proc/self/fdinfo"), reason="only Linux tells it")


@contextmanager
def running(program: str, *pass_fds: int, before: str = "") -> Iterator[int]:
    command = [sys.executable, "-I", "-S", "-c", f"{before}\nprint(flush=True)\n{program}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=pass_fds) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def samples_of(pid: int) -> Iterator[dict[str, Any]]:
    observed = History()
    watch = Watch(partial(observe_process, pid), observed)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        time.sleep(0.01)
        watch.look()
        while observed.events:
            event = observed.events.pop()
            assert (event.actor, event.kind) == (TARGET, "sample")
            yield wire.parse(event.data)


def sample_of(pid: int) -> dict[str, Any]:
    return next(samples_of(pid))


def test_what_is_used_between_two_looks_is_told() -> None:
    with running(SPINS) as pid:
        used = 0
        for sample in samples_of(pid):
            assert sample["cpu_ms"] <= sample["ms"] * 1.2
            used += sample["cpu_ms"]
            if used > 100:
                break
        assert used > 100
    with running(WAITS) as pid:
        assert any(sample["cpu_ms"] == 0 for sample in samples_of(pid))


def test_memory_in_use_is_told() -> None:
    with running(WAITS, before="kept = b'x' * (64 << 20)") as pid:
        assert sample_of(pid)["rss_kb"] > 64 << 10


@needs_proc
def test_descriptors_that_a_child_would_inherit_are_told() -> None:
    reading, writing = os.pipe()
    with running(WAITS, writing) as pid:
        assert sample_of(pid)["inheritable"] == [writing]
    with running(WAITS) as pid:
        assert sample_of(pid)["inheritable"] == []
    os.close(reading)
    os.close(writing)


@pytest.mark.skipif(not os.path.exists("/bin/ps"), reason="there is no ps")
def test_without_proc_ps_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "isdir", lambda _: False)
    told = observe_process(os.getpid())
    assert told.keys() == {"cpu_ms", "rss_kb"}
    assert told["rss_kb"] > 1024


def test_nothing_is_told_of_a_process_that_has_gone() -> None:
    with running(WAITS) as pid:
        pass
    assert observe_process(pid) == {}


def sampled(*samples: dict[str, Any]) -> History:
    return history(*((TARGET, "sample", "", wire.encode(sample), {}) for sample in samples))


def read(step: dict[str, Any], observed: History, *, final: bool = False) -> Reading | None:
    (planned,) = steps([{"target": "usage", **step}], "KRN-LIM-08")
    return Walk(observed, Bindings({})).settle(planned, len(observed.events), final=final)


REST = {"cpu_ms": {"$schema": {"maximum": 30}}}


def test_a_process_that_comes_to_rest_is_waited_for() -> None:
    busy, idle = {"cpu_ms": 290, "ms": 300}, {"cpu_ms": 0, "ms": 300}
    assert read({"find": REST}, sampled(busy)) is None
    reading = read({"find": REST}, sampled(busy, idle))
    assert reading is not None
    assert reading.outcome == MET
    reading = read({"find": REST}, sampled(busy), final=True)
    assert reading is not None
    assert reading.outcome == BROKEN
    assert '"cpu_ms":290' in reading.why


def test_what_the_system_does_not_tell_is_held_against_nobody() -> None:
    reading = read({"find": {"inheritable": []}}, sampled({"cpu_ms": 0}))
    assert reading is not None
    assert reading.outcome == NOT_MET
    assert "does not tell inheritable" in reading.why


def test_a_process_that_has_ended_is_waited_for_no_longer() -> None:
    ended = history((TARGET, "exit", "", b"{}", {"code": 1}))
    reading = read({"find": REST}, ended)
    assert reading is not None
    assert reading.outcome == BROKEN
    assert "exited with status 1" in reading.why


def case_of(name: str) -> Case:
    (found,) = (case for case in bundled_cases() if case.id == name)
    return found


@needs_proc
@pytest.mark.parametrize(
    ("case", "requirement", "worse"),
    [
        ("kernel/limits/idle[unix]", "KRN-LIM-08", {"cpu_ms": 250}),
        ("kernel/limits/descriptors-run-out[unix]", "KRN-LIM-06", {"cpu_ms": 250}),
        ("kernel/limits/sessions-come-and-go[unix]", "KRN-LIM-09", {"rss_kb": 10**9}),
        ("kernel/workers/close-on-exec[unix]", "KRN-WRK-09", {"inheritable": [7]}),
    ],
)
def test_a_kernel_that_uses_more_fails(case: str, requirement: str, worse: dict[str, Any]) -> None:
    meant = case_of(case)
    with Runner(Target("reference", (KERNEL_FILE,), subject=KERNEL), Options(time_scale=4)) as runner:
        result = runner.run_case(meant)
    assert result.outcome is Outcome.PASS
    assert result.history is not None
    last = max(event.n for event in result.history.of_kind("sample"))
    events = result.history.events
    doctored = replace(events[last], data=wire.encode({**wire.parse(events[last].data), **worse}))
    told = History(result.history.head, [*events[:last], doctored, *events[last + 1 :]])
    (finding,) = judge(meant, steps_of(meant, "bus", 0), told, KERNEL)
    assert (finding.requirement, finding.outcome) == (requirement, Outcome.FAIL)
    assert str(next(iter(worse.values()))) in finding.explanation
    assert USAGE not in finding.explanation


@pytest.mark.parametrize("streams", ["pipes", "socket", "terminal"])
def test_a_kernel_that_changes_its_streams_fails(streams: str) -> None:
    changing = f"import os, sys; os.set_blocking(1, False); os.execv({KERNEL_FILE!r}, [{KERNEL_FILE!r}, *sys.argv[1:]])"
    target = Target("changes", (sys.executable, "-I", "-S", "-c", changing), subject=KERNEL)
    with Runner(target, Options(time_scale=4)) as runner:
        result = runner.run_case(case_of(f"kernel/limits/flags-of-its-streams[{streams}-stdio]"))
    (failure,) = result.failures
    assert failure.requirement == "KRN-LIM-10"
    assert '"changed_flags":[' in failure.explanation


def test_a_kernel_has_no_more_descriptors_than_its_case_allows() -> None:
    telling = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    target = Target("tells", (sys.executable, "-I", "-S", "-c", telling), subject=KERNEL)
    with Runner(target) as runner:
        result = runner.run_case(case_of("kernel/limits/descriptors-run-out[unix]"))
    assert result.history is not None
    assert b"(64, 64)" in [line.data for line in result.history.lines(TARGET)]
