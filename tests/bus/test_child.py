"""A child process on the loop: bytes both ways, its exit, no thread."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap

import pytest

from pytest_stdiobus.bus.backends.child import ChildProcess

pytestmark = pytest.mark.asyncio
BOUND_SEC = 20


class Recorder:
    """Keeps what a child said."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.stderr: list[bytes] = []
        self.spoke = asyncio.Event()
        self.exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def child_line(self, line: bytes) -> None:
        self.lines.append(line)
        self.spoke.set()

    def child_stderr(self, line: bytes) -> None:
        self.stderr.append(line)

    def child_exited(self, status: int) -> None:
        self.exit.set_result(status)


@pytest.fixture(params=["pidfd", "polling"])
def exit_watch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "polling":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no pidfd")


def python(code: str, recorder: Recorder) -> ChildProcess:
    return ChildProcess([sys.executable, "-c", textwrap.dedent(code)], recorder, env=os.environ)


@pytest.mark.usefixtures("exit_watch")
async def test_the_exit_is_told_after_the_last_line() -> None:
    recorder = Recorder()
    child = python("import sys; print('a'); print('b', end=''); print('e', file=sys.stderr); sys.exit(3)", recorder)
    assert await asyncio.wait_for(recorder.exit, BOUND_SEC) == 3
    assert (recorder.lines, recorder.stderr) == ([b"a", b"b"], [b"e"])
    assert not child.running


@pytest.mark.skipif(not hasattr(os, "waitid"), reason="waits for an exit without reaping, which this system cannot")
async def test_what_is_still_in_the_pipes_at_the_exit_is_told_before_it() -> None:
    recorder = Recorder()
    child = python("import sys; print('a'); print('b', end=''); print('e', file=sys.stderr)", recorder)
    os.waitid(os.P_PID, child._process.pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - the loop is not to look
    child._look_for_exit()
    assert (recorder.lines, recorder.stderr) == ([b"a", b"b"], [b"e"])
    assert await recorder.exit == 0


async def test_an_exit_is_seen_though_a_grandchild_keeps_the_pipes() -> None:
    code = """
    import subprocess, sys
    held = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    print(held.pid, flush=True)
    import os; os._exit(0)
    """
    recorder = Recorder()
    python(code, recorder)
    assert await asyncio.wait_for(recorder.exit, BOUND_SEC) == 0
    assert len(recorder.lines) == 1


async def test_more_than_a_pipe_holds_passes_both_ways() -> None:
    recorder = Recorder()
    child = python("import sys; [sys.stdout.write(line) for line in sys.stdin]", recorder)
    sent = [b"x" * 3_000_000, *[b"%d" % n for n in range(10_000)]]
    for line in sent:
        child.write(line)
    child.close_input()
    await asyncio.wait_for(recorder.exit, BOUND_SEC)
    assert recorder.lines == sent


async def test_writing_to_one_that_does_not_read_never_blocks_and_it_can_be_killed() -> None:
    recorder = Recorder()
    child = python("import signal; print('up', flush=True); signal.pause()", recorder)
    child.write(b"x" * 1_000_000)
    await asyncio.sleep(0)
    child.write(b"y" * 1_000_000)
    child.kill()
    assert not child.running
    assert not recorder.exit.done()


async def test_writing_to_one_that_has_closed_its_stdin_is_no_error() -> None:
    recorder = Recorder()
    child = python("import os; os.close(0); print('closed', flush=True); os.read(2, 1)", recorder)
    await asyncio.wait_for(recorder.spoke.wait(), BOUND_SEC)
    child.write(b"x" * 1_000_000)
    await asyncio.sleep(0)
    child.write(b"y")
    child.close_input()
    child.kill()


async def test_a_program_that_does_not_exist_is_an_os_error() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        ChildProcess(["/no-such-program"], Recorder(), env={})
