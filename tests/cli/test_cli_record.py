"""``record`` passes every byte on and writes down what it saw; ``judge`` then says what always holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.kit import history as histories
from pytest_stdiobus.report import model

from .conftest import ECHO, NOISY, Said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., Said]
    Worker = Callable[[str], tuple[str, str]]
    Recorded = Callable[..., subprocess.CompletedProcess[bytes]]

ASK = b'{"jsonrpc":"2.0","id":1,"method":"echo","params":{"a":"\xc3\xa9"}}\n'
LONG = 60.0  # seconds that nothing here takes, even on a busy machine
PROGRAM = [sys.executable, "-c", "import sys; from pytest_stdiobus.cli import main; sys.exit(main())"]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """``recorded(command, input)``: what a client sees that writes this to a recorded worker."""

    def run(worker: tuple[str, ...], said: bytes) -> subprocess.CompletedProcess[bytes]:
        words = [*PROGRAM, "record", "-o", "h.ndjson", "--", *worker]
        return subprocess.run(words, input=said, cwd=tmp_path, capture_output=True, timeout=LONG, check=False)

    return run


def test_the_client_sees_what_it_would_see_without(recorded: Recorded, worker: Worker) -> None:
    code = "import sys\nfor line in sys.stdin.buffer: sys.stdout.buffer.write(b'\\xff' + line)\nprint('log', file=sys.stderr)\nsys.exit(7)"
    done = recorded(worker(code), b"one\ntwo")
    assert (done.stdout, done.stderr, done.returncode) == (b"\xffone\n\xfftwo", b"log\n", 7)


def test_everything_is_written_down_with_its_author(recorded: Recorded, tmp_path: Path) -> None:
    recorded((sys.executable, str(ECHO)), ASK)
    told = histories.read(tmp_path / "h.ndjson")
    assert [event.data for event in told.lines(direction="in")] == [ASK.rstrip(b"\n")]
    assert [json.loads(event.data)["id"] for event in told.lines()] == [1]
    assert [event.facts["code"] for event in told.of_kind("exit")] == [0]


def test_a_line_without_its_end_is_told(recorded: Recorded, worker: Worker, tmp_path: Path) -> None:
    recorded(worker("import sys; sys.stdout.write('half')"), b"")
    (event,) = histories.read(tmp_path / "h.ndjson").lines()
    assert (event.data, event.facts) == (b"half", {"terminated": False})


def test_a_long_line_lies_beside_the_history(recorded: Recorded, tmp_path: Path) -> None:
    line = b'{"jsonrpc":"2.0","id":1,"method":"echo","params":"%s"}' % (b"x" * 200_000)
    recorded((sys.executable, str(ECHO)), line + b"\n")
    assert next(histories.read(tmp_path / "h.ndjson").lines(direction="in")).data == line


def test_a_good_recording_keeps_what_always_holds_and_the_rest_is_not_observed(
    recorded: Recorded, command: Command, tmp_path: Path
) -> None:
    recorded((sys.executable, str(ECHO)), ASK)
    said = command("judge", "h.ndjson", "--report", "r.json")
    assert said.status == 0
    rows = {row["id"]: row["outcome"] for row in model.read(tmp_path / "r.json")["requirements"]}
    assert (rows["WRK-01"], rows["WRK-03"], rows["WRK-08"]) == ("pass", "pass", "pass")
    assert rows["WRK-06"] == "not_observed"


def test_a_bad_recording_is_accused(recorded: Recorded, command: Command, worker: Worker) -> None:
    recorded(worker(NOISY), ASK)
    said = command("judge", "h.ndjson")
    assert said.status == 1
    assert "FAIL WRK-01" in said.out
    assert "client -> worker  {" in said.out


def test_a_worker_that_its_client_ends_is_not_accused_of_it(command: Command, tmp_path: Path) -> None:
    words = [*PROGRAM, "record", "-o", "h.ndjson", "--", sys.executable, str(ECHO)]
    with subprocess.Popen(words, cwd=tmp_path, stdin=-1, stdout=-1) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(ASK)
        running.stdin.flush()
        assert running.stdout.readline()
        running.stdin.close()
        running.send_signal(signal.SIGTERM)
        running.wait(LONG)
    assert command("judge", "h.ndjson").status == 0


def test_a_recording_in_which_nothing_was_said_decides_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "h.ndjson").write_text('{"format": 1}\n', encoding="utf-8")
    said = command("judge", "h.ndjson")
    assert said.status == 3
    assert "nothing was decided: no case passed or failed" in said.out


def test_a_recording_of_a_profile_that_is_none_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "h.ndjson").write_text('{"format": 1, "profile": "nope"}\n', encoding="utf-8")
    said = command("judge", "h.ndjson")
    assert said.status == 2
    assert "nope" in said.err


def test_a_signal_reaches_the_worker(worker: Worker, tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(9))\nprint('up', flush=True)\ntime.sleep(100)"
    )
    words = [*PROGRAM, "record", "-o", "h.ndjson", "--", *worker(code)]
    with subprocess.Popen(words, cwd=tmp_path, stdin=-1, stdout=-1) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(LONG) == 9
    told = histories.read(tmp_path / "h.ndjson")
    assert [event.facts["signal"] for event in told.of_kind("signal")] == ["SIGTERM"]


def test_what_was_seen_is_in_the_file_before_the_end(tmp_path: Path) -> None:
    words = [*PROGRAM, "record", "-o", "h.ndjson", "--", sys.executable, str(ECHO)]
    with subprocess.Popen(words, cwd=tmp_path, stdin=-1, stdout=-1) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(ASK)
        running.stdin.flush()
        assert running.stdout.readline()
        os.kill(running.pid, signal.SIGKILL)
        running.wait(LONG)
    told = histories.read(tmp_path / "h.ndjson")
    assert [event.dir for event in told.of_kind("line")] == ["in", "out"]


def test_the_recording_is_for_its_user_alone(recorded: Recorded, tmp_path: Path) -> None:
    recorded((sys.executable, str(ECHO)), b"")
    assert (tmp_path / "h.ndjson").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("record", "-o", "h.ndjson"), "the command is empty"),
        (("record", "-o", "no/h.ndjson", "--", "cat"), "no/h.ndjson: cannot be written"),
        (("record", "--", "cat"), "the following arguments are required: -o"),
        (("replay", "empty.ndjson"), "is a recording and has no case to play"),
    ],
)
def test_wrong_use_of_recordings_is_told(
    command: Command, tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    (tmp_path / "empty.ndjson").write_text('{"format": 1}\n', encoding="utf-8")
    said = command(*words)
    assert said.status == 2
    assert expected in said.err
