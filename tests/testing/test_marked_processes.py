"""Finding processes by the mark in their environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.testing import orphans
from pytest_stdiobus.testing.orphans import Mark, OrphanError, in_ps

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPS = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]


def spawn(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(SLEEPS, stdin=pipe, stdout=pipe, env={**os.environ, **environment})
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.fixture
def mark() -> Mark:
    return Mark()


@pytest.fixture
def left(mark: Mark) -> Iterator[subprocess.Popen[bytes]]:
    with spawn(mark.environment) as process:
        yield process
        process.kill()


def test_a_marked_process_is_found_with_its_command(mark: Mark, left: subprocess.Popen[bytes]) -> None:
    (found,) = mark.living()
    assert found.pid == left.pid
    assert "sys.stdin.read()" in found.command


def test_a_process_with_another_mark_is_not(mark: Mark, left: subprocess.Popen[bytes]) -> None:
    assert Mark().living() == []
    with spawn({orphans.VARIABLE: mark.value + "0"}) as other:
        assert [process.pid for process in mark.living()] == [left.pid]
        other.kill()


def test_a_process_without_a_mark_is_not(mark: Mark) -> None:
    with spawn({}) as other:
        assert mark.living() == []
        other.kill()


def test_a_process_that_is_gone_but_not_waited_for_is_not(mark: Mark, left: subprocess.Popen[bytes]) -> None:
    left.kill()
    os.waitid(os.P_PID, left.pid, os.WEXITED | os.WNOWAIT)
    assert mark.living() == []


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps here")
def test_ps_finds_it_too_and_shows_no_environment(mark: Mark, left: subprocess.Popen[bytes]) -> None:
    (found,) = in_ps(f"{orphans.VARIABLE}={mark.value}")
    assert found.pid == left.pid
    assert mark.value not in found.command


def test_what_is_left_is_named_and_ended(
    mark: Mark, left: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "_GRACE_SEC", 0.0)
    with pytest.raises(OrphanError, match=f"pid {left.pid}: .*{os.path.basename(sys.executable)}"):
        mark.check()
    assert left.wait(10) < 0


def test_what_ends_by_itself_is_waited_for(mark: Mark, left: subprocess.Popen[bytes]) -> None:
    assert left.stdin is not None
    left.stdin.close()
    mark.check()
