"""What a test waits for, shown on a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BusState
from pytest_stdiobus.testing.factory import Record
from pytest_stdiobus.testing.progress import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PATIENCE_SEC = 60.0
FLAG = "--stdiobus-progress"
# Its worker answers when a file is there: when the terminal was seen to show that somebody waits.
WAITS = """
    import sys

    from pytest_stdiobus.bus import PoolConfig

    WORKER = '''
    import json, os, sys, time
    for line in sys.stdin:
        while not os.path.exists("seen"):
            time.sleep(0.01)
        message = json.loads(line)
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "sessionId": message["sessionId"], "result": 1}), flush=True)
    '''

    async def test_waits(make_stdiobus):
        bus = await make_stdiobus(pools=[PoolConfig(id="slow", command=sys.executable, args=["-c", WORKER])])
        assert await bus.request("m") == 1
"""


class Terminal:
    """One end of a terminal whose other end a run of pytest has."""

    def __init__(self, end: int) -> None:
        self._end = end
        self.text = ""

    def read_until(self, words: str | None) -> None:
        """Read up to these words, or to the end."""
        limit = time.monotonic() + PATIENCE_SEC
        while words is None or words not in self.text:
            assert time.monotonic() < limit, self.text
            if not select.select([self._end], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self._end, 65536)
            except OSError:  # everything at the other end is closed
                data = b""
            if not data:
                assert words is None, self.text
                return
            self.text += data.decode(errors="replace")


@contextmanager
def on_a_terminal(pytester: pytest.Pytester, *arguments: str, term: str = "xterm") -> Iterator[Terminal]:
    """Run pytest with a terminal for its output."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--stdiobus-backend=native", *arguments]
    environment = {**os.environ, "TERM": term}
    with subprocess.Popen(command, cwd=pytester.path, env=environment, stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        try:
            yield Terminal(ours)
        finally:
            process.kill()
            os.close(ours)


@pytest.mark.parametrize("place", ["command", "ini"])
def test_a_terminal_shows_that_a_test_waits(pytester: pytest.Pytester, place: str) -> None:
    pytester.makepyfile(WAITS)
    if place == "ini":
        pytester.makefile(".ini", pytest="[pytest]\nstdiobus_progress = true")
    with on_a_terminal(pytester, *[FLAG] * (place == "command")) as terminal:
        terminal.read_until("make_stdiobus waits for 1 answer (1 s)")
        (pytester.path / "seen").touch()
        terminal.read_until("1 passed")
        terminal.read_until(None)


@pytest.mark.parametrize(("arguments", "term"), [([], "xterm"), ([FLAG], "dumb")], ids=["not asked for", "dumb"])
def test_nothing_is_shown_unless_it_was_asked_for_and_can_be(
    pytester: pytest.Pytester, arguments: list[str], term: str
) -> None:
    pytester.makepyfile("""
        import threading

        def test_it(stdiobus_sync):
            assert "stdiobus-progress" not in [thread.name for thread in threading.enumerate()]
    """)
    with on_a_terminal(pytester, *arguments, term=term) as terminal:
        terminal.read_until("1 passed")


def test_what_is_no_terminal_gets_no_progress(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import threading

        def test_it(stdiobus_sync):
            assert "stdiobus-progress" not in [thread.name for thread in threading.enumerate()]
    """)
    pytester.runpytest_subprocess(FLAG).assert_outcomes(passed=1)


class Bus:
    """As much of a bus as is looked at."""

    def __init__(self) -> None:
        self.state = BusState.STARTING
        self.pending = 0

    def get_state(self) -> BusState:
        return self.state

    def get_backend_type(self) -> str:
        return "docker"

    def get_pending_count(self) -> int:
        return self.pending


def test_what_lasts_is_said_with_its_time() -> None:
    bus: Any = Bus()
    waiting = Waiting(Record(buses={"stdiobus": bus}))
    assert waiting.text(10.0) == ""
    assert waiting.text(13.0) == "stdiobus starts on docker (3 s)"
    bus.state = BusState.RUNNING
    assert waiting.text(14.0) == ""
    bus.pending = 2
    assert waiting.text(20.0) == ""
    assert waiting.text(25.0) == "stdiobus waits for 2 answers (5 s)"
    bus.pending = 0
    assert waiting.text(26.0) == ""
    bus.pending = 1
    assert waiting.text(27.0) == ""


def test_what_several_buses_wait_for_is_said_of_each() -> None:
    buses: list[Any] = [Bus(), Bus()]
    buses[1].state, buses[1].pending = BusState.RUNNING, 1
    waiting = Waiting(Record(buses={"stdiobus": buses[0], "make_stdiobus": buses[1]}))
    waiting.text(0.0)
    assert waiting.text(2.0) == "stdiobus starts on docker (2 s), make_stdiobus waits for 1 answer (2 s)"
