"""Hostile workers: their own cases fail with evidence, the run ends in bounded time, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit import patience
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target

from .conftest import ANSWER, ASK, case, is_running, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.case import Case

    Play = Callable[..., CaseResult]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc, or what only Linux adopts")
BUSY = 20.0  # seconds that nothing here takes, even on a busy machine


def explained(result: CaseResult, requirement: str = "WRK-03") -> str:
    assert result.history is not None
    found = [finding for finding in result.findings if finding.requirement == requirement]
    assert [finding.outcome for finding in found] == [Outcome.FAIL], result.findings
    return found[0].explanation


@LINUX
@pytest.mark.parametrize("subject", ["worker", "kernel", "sdk"])
def test_what_cannot_be_started_is_told_and_held_against_nobody(subject: str) -> None:
    with Runner(Target("none", ("/nonexistent/program",), subject=subject)) as runner:
        case = next(
            case for case in runner.cases if case.id.startswith(("worker/framing", "kernel/routing", "sdk/wire"))
        )
        before = descriptors()
        result = runner.run_case(case)
        assert descriptors() == before
    assert result.outcome is Outcome.HARNESS_ERROR
    assert "/nonexistent/program could not be started: " in result.findings[0].explanation


@LINUX
def test_a_seat_that_cannot_be_made_says_why_and_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with Runner(Target("true", ("/bin/true",), subject="kernel")) as runner:
        before = descriptors()
        result = runner.run_case(next(case for case in runner.cases if case.transport == "unix"))
        assert descriptors() == before
    assert "path too long" in result.findings[0].explanation
    assert list(folder.iterdir()) == []


@LINUX
def test_a_real_time_signal_is_told_by_its_number(play_case: Play) -> None:
    assert "been ended by SIG40" in explained(play_case("os.kill(os.getpid(), 40)"))


def test_a_worker_that_exits_at_once_is_told_how_it_ended(play_case: Play) -> None:
    result = play_case("sys.exit('no model'); ")
    assert "it has exited with status 1" in explained(result)
    assert result.history is not None
    assert b"no model" in b"".join(event.data for event in result.history.of_kind("stderr"))


def test_a_crash_is_not_held_against_the_rule_about_ending(play_case: Play) -> None:
    result = play_case("os.kill(os.getpid(), 11)")
    assert "been ended by SIGSEGV" in explained(result)
    assert {finding.requirement for finding in result.failures} == {"WRK-03"}


def test_a_worker_that_hangs_costs_one_deadline(play_case: Play) -> None:
    result = play_case("sys.stdin.read()", time_scale=0.1)
    assert "nothing came in time" in explained(result)
    assert result.duration_ms < 1000 * BUSY / 4


def test_a_worker_that_answers_in_the_last_moment_is_not_blamed(play_case: Play) -> None:
    result = play_case("time.sleep(1.0); serve()", time_scale=0.4)
    assert result.outcome is Outcome.PASS


def test_a_hundred_megabytes_of_log_are_drained_and_cut(play_case: Play) -> None:
    result = play_case("""
        block = b"x" * 2**20
        os.write(2, b"first")
        for _ in range(100):
            os.write(2, block)
        os.write(2, b"last")
        serve()
    """)
    assert result.outcome is Outcome.PASS
    assert result.history is not None
    log = b"".join(event.data for event in result.history.of_kind("stderr"))
    assert log.startswith(b"first")
    assert log.endswith(b"last")
    assert len(log) <= 64 * 1024


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("while True: print('noise')", id="lines"),
        pytest.param('while True: print(\'{"jsonrpc":"2.0","method":"x"}\')', id="notifications"),
        pytest.param("while True: sys.stdout.write('x' * 65536)", id="without-line-feeds"),
        pytest.param("sys.stdout.write('{\"a\":\"' + 'x' * 2**26 + '\"}\\n'); serve()", id="a-line-of-64-MiB"),
        pytest.param("while True: os.write(1, os.urandom(65536))", id="binary"),
    ],
)
def test_an_output_without_end_is_read_to_a_limit_and_told(play_case: Play, code: str) -> None:
    begun = time.monotonic()
    result = play_case(code)
    assert "its output has no end" in explained(result)
    assert {finding.requirement for finding in result.failures} <= {"WRK-01", "WRK-03"}
    assert time.monotonic() - begun < BUSY


def test_a_line_that_was_cut_by_the_kit_is_not_called_broken(play_case: Play) -> None:
    result = play_case("sys.stdout.write('{\"a\":\"' + 'x' * 2**26 + '\"}\\n'); serve()")
    assert "WRK-01" not in {finding.requirement for finding in result.failures}


def test_garbage_is_held_against_stdout_and_the_rest_is_judged(play_case: Play) -> None:
    result = play_case("print('\\x00\\xff garbage'); sys.stdout.flush(); serve()")
    assert {finding.requirement: finding.outcome for finding in result.findings} == {
        "WRK-01": Outcome.FAIL,
        "WRK-03": Outcome.PASS,
    }


def test_a_stopped_worker_is_killed(play_case: Play) -> None:
    result = play_case("os.kill(os.getpid(), signal.SIGSTOP)", time_scale=0.1)
    assert "nothing came in time" in explained(result)


def test_a_worker_that_ignores_sigterm_is_killed_and_named(play_case: Play) -> None:
    result = play_case(
        """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            serve()
        finally:
            while True:
                time.sleep(60)
        """,
        time_scale=0.1,
    )
    assert "it had not exited" in explained(result, "WRK-08")


def test_a_worker_that_closes_its_output_and_lives_fails_at_once(play_case: Play) -> None:
    result = play_case("os.close(1); sys.stdin.read(); os._exit(0)")
    assert explained(result).endswith("it has closed its output")
    assert result.duration_ms < 1000 * BUSY / 4


def test_a_child_that_keeps_the_output_open_is_an_orphan_and_not_a_late_exit(play_case: Play) -> None:
    result = play_case("subprocess.Popen(['sleep', '600']); serve()")
    assert "left processes behind" in explained(result, "WRK-08")
    assert "sleep 600" in explained(result, "WRK-08")


@LINUX
def test_a_daemon_is_found_and_ended(play_case: Play) -> None:
    result = play_case("""
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for descriptor in range(3):
                    os.close(descriptor)
                os.execvp("sleep", ["sleep", "599"])
            os._exit(0)
        os.wait()
        serve()
    """)
    assert "sleep 599" in explained(result, "WRK-08")


@LINUX
def test_children_that_fork_again_and_again_are_all_ended(play_case: Play, tmp_path: Path) -> None:
    result = play_case("""
        over = time.monotonic() + 20
        for _ in range(3):
            if os.fork() == 0:
                while time.monotonic() < over:
                    if os.fork():
                        time.sleep(0.02)
                        os._exit(0)
                os._exit(0)
        serve()
    """)
    assert "left processes behind" in explained(result, "WRK-08")
    assert not [pid for pid in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in contents(pid)]


def contents(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def test_a_case_that_uses_what_a_worker_did_not_send_is_nobodys_failure(play_case: Play) -> None:
    played = case(
        ASK,
        {"client": "kit", "next": {"id": 1, "$schema": ANSWER}, "as": "answer"},
        {"client": "kit", "send": {"id": 2, "method": {"$from": "answer/result/missing"}}},
    )
    result = play_case("serve()", played)
    assert result.outcome is Outcome.HARNESS_ERROR
    assert "answer/result/missing" in result.findings[0].explanation


def test_a_mistake_of_the_kit_costs_its_case_only(target: Callable[..., Target]) -> None:
    odd = case(ASK, {"client": "kit", "take": "three", "all": {}})
    with Runner(target("serve()")) as runner:
        assert [runner.run_case(played).outcome for played in (odd, plain())] == [Outcome.HARNESS_ERROR, Outcome.PASS]


def run_of(worker: Target, count: int, **options: float) -> list[CaseResult]:
    with Runner(worker, Options(**options)) as runner:  # type: ignore[arg-type]
        return [runner.run_case(plain()) for _ in range(count)]


def test_after_three_waits_in_vain_a_silent_worker_is_asked_on_but_no_longer_accused(
    target: Callable[..., Target],
) -> None:
    results = run_of(target("sys.stdin.read()"), 5, time_scale=0.05)
    assert [result.outcome for result in results] == [Outcome.FAIL] * 3 + [Outcome.UNTESTABLE] * 2
    assert "3 waits of 0.25 s" in results[-1].findings[0].explanation


def test_a_worker_that_recovers_is_judged_in_full_again(
    target: Callable[..., Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(patience._FULL_S, patience.ANSWER, 1.0)
    monkeypatch.setitem(patience._SHORT_S, patience.ANSWER, BUSY)  # so that a busy machine lets it answer
    count = tmp_path / "lives"
    code = f"""
        with open({str(count)!r}, "a+") as lives:
            lives.write("x")
            lives.seek(0)
            life = len(lives.read())
        serve() if life == 4 else sys.stdin.read()
    """
    results = run_of(target(code), 5)
    assert [result.outcome for result in results[3:]] == [Outcome.PASS, Outcome.FAIL]


def test_a_worker_that_never_ends_by_itself_is_not_waited_for_in_every_case(target: Callable[..., Target]) -> None:
    code = """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        serve()
        while True:
            time.sleep(60)
    """
    results = run_of(target(code), 5, time_scale=0.2)
    assert [bool(result.failures) for result in results] == [True] * 3 + [False] * 2


def test_an_endless_output_is_read_less_far_after_three_cases(target: Callable[..., Target]) -> None:
    results = run_of(target('while True: print(\'{"method":"x"}\')'), 4)
    assert results[0].outcome is Outcome.FAIL
    last = results[-1]
    assert {finding.outcome for finding in last.findings} <= {Outcome.FAIL, Outcome.UNTESTABLE}
    assert last.history is not None
    assert len(last.history.events) < 1100


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@LINUX
def test_a_hundred_cases_leak_no_descriptor_and_no_folder(target: Callable[..., Target], tmp_path: Path) -> None:
    cases = [plain(), case(ASK, {"client": "kit", "next": {"id": 2}})]
    with Runner(target("serve()")) as runner:
        runner.run_case(cases[0])
        supervisor = Path(f"/proc/{runner._supervisor._program.pid}/fd")
        before, theirs = descriptors(), len(list(supervisor.iterdir()))
        folders: set[str] = set()
        for index in range(100):
            result = runner.run_case(cases[index % 2])
            assert result.history is not None
            folders.update(event.facts["cwd"] for event in result.history.of_kind("spawn"))
        assert descriptors() == before
        assert len(list(supervisor.iterdir())) == theirs
    assert not [folder for folder in folders if Path(folder).exists()]
    assert len(folders) == 100


def test_a_folder_that_was_asked_for_is_kept_and_used(target: Callable[..., Target], tmp_path: Path) -> None:
    with Runner(target("open('here', 'w').close(); serve()", cwd=str(tmp_path))) as runner:
        assert runner.run_case(plain()).outcome is Outcome.PASS
    assert (tmp_path / "here").is_file()


def test_a_targets_environment_is_added_to_the_users(
    target: Callable[..., Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_USER", "1")
    code = "assert (os.environ['OF_THE_USER'], os.environ['OF_THE_TARGET']) == ('1', '2'); serve()"
    with Runner(target(code, env={"OF_THE_TARGET": "2"})) as runner:
        assert runner.run_case(plain()).outcome is Outcome.PASS


INTERRUPTED = """
    import signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a run in the background ignores it
    from pytest_stdiobus.kit.run import Runner
    from pytest_stdiobus.kit.target import from_command
    with Runner(from_command(sys.argv[1:])) as runner:
        for result in runner.run():
            pass
"""


def test_an_interrupt_leaves_nothing_behind_and_is_obeyed_at_once(tmp_path: Path) -> None:
    worker = tmp_path / "hangs.py"
    worker.write_text(
        textwrap.dedent(f"""
            import os, subprocess, sys, time
            child = subprocess.Popen(["sleep", "600"])
            with open({str(tmp_path / "pids")!r}, "w") as pids:
                print(os.getpid(), child.pid, os.getppid(), file=pids, end="!")
            time.sleep(600)
        """),
        encoding="utf-8",
    )
    program = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), sys.executable, str(worker)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(program, env=environment, stderr=subprocess.PIPE) as kit:
        pids = tmp_path / "pids"
        deadline = time.monotonic() + BUSY
        while not (pids.is_file() and pids.read_text(encoding="utf-8").endswith("!")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        begun = time.monotonic()
        kit.send_signal(signal.SIGINT)
        assert b"KeyboardInterrupt" in kit.communicate(timeout=BUSY)[1]
    assert time.monotonic() - begun < 4
    assert not [pid for pid in map(int, pids.read_text(encoding="utf-8").rstrip("!").split()) if is_running(pid)]
    assert not list(tmp_path.glob("stdiobus-*"))


def test_a_supervisor_that_dies_costs_one_case_and_leaves_no_target(target: Callable[..., Target]) -> None:
    killing = target("os.kill(os.getppid(), signal.SIGKILL); time.sleep(600)")
    fine: Case = plain()
    with Runner(killing) as runner:
        first = runner.run_case(fine)
        assert first.outcome is Outcome.HARNESS_ERROR
        assert "the supervisor has ended" in first.findings[0].explanation
        assert first.history is not None
        pids = [event.facts["pid"] for event in first.history.of_kind("spawn")]
        deadline = time.monotonic() + BUSY
        while any(is_running(pid) for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        target("serve()")
        assert runner.run_case(fine).outcome is Outcome.PASS
