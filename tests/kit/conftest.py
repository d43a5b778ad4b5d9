"""What the tests of the kit share: small workers, and runs of small cases against them."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.kit.case import Case, steps
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_stdiobus.kit.result import CaseResult

ANSWER = {"$ref": "urn:pytest-stdiobus:message#/$defs/answer"}
UNSOLICITED = {"$ref": "urn:pytest-stdiobus:message#/$defs/unsolicited"}
ASK: dict[str, Any] = {"client": "kit", "send": {"jsonrpc": "2.0", "id": 1, "method": "m"}}
ANSWERED: dict[str, Any] = {"client": "kit", "until": {"id": 1, "$schema": ANSWER}, "before": UNSOLICITED}

PRELUDE = textwrap.dedent("""
    import json, os, signal, subprocess, sys, time

    def send(message):
        sys.stdout.write(json.dumps(message) + "\\n")
        sys.stdout.flush()

    def serve(lines=sys.stdin):
        for line in lines:
            send({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {}})
""")


def case(*data: Any, requirements: tuple[str, ...] = ("WRK-03",), name: str = "worker/test/small") -> Case:
    """A case of these steps."""
    return Case(name, "A small case of a test", requirements, "worker", steps(data, requirements[0]))


def plain() -> Case:
    """One request, one answer."""
    return case(ASK, ANSWERED)


@pytest.fixture
def target(tmp_path: Path) -> Callable[..., Target]:
    """``target(code)``: a worker that runs these lines of Python."""

    def make(code: str, **more: Any) -> Target:
        program = tmp_path / "worker.py"
        program.write_text(PRELUDE + textwrap.dedent(code), encoding="utf-8")
        return Target("small", (sys.executable, str(program)), **more)

    return make


@pytest.fixture
def play_case(target: Callable[..., Target]) -> Iterator[Callable[..., CaseResult]]:
    """``play_case(code, case)``: what the case comes to; every process it saw must be gone afterwards."""
    seen: set[int] = set()

    def run(code: str, played: Case | None = None, **options: Any) -> CaseResult:
        for _ in range(3):
            with Runner(target(code), Options(**options)) as runner:
                result = runner.run_case(played or plain())
            if "too busy" not in result.findings[0].explanation:
                break
        if result.history is not None:
            seen.update(event.facts["pid"] for event in result.history.of_kind("spawn"))
            for event in result.history.of_kind("orphans"):
                seen.update(process["pid"] for process in event.facts["processes"])
        return result

    yield run
    assert not [pid for pid in seen if is_running(pid)]


def is_running(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return (
            stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
            if stat.parent.parent.is_dir()
            else True
        )
    except OSError:
        return False
