"""What the tests of the command share: workers to judge, and the command itself."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

ECHO = Path(__file__).resolve().parents[2] / "workers" / "echo.py"
ONE = "id-comes-back[one]"  # a case that takes next to no time
NOISY = """
    import json, sys
    print("I am ready")
    for line in sys.stdin:
        print("got a line", file=sys.stderr)
        print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {}}), flush=True)
"""


@dataclass
class Said:
    """What the command printed, and its status."""

    status: int
    out: str
    err: str


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """``command("worker", "--", ...)``: runs it in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Said:
        try:
            status = main([str(word) for word in words])
        except SystemExit as stop:
            status = int(stop.code or 0)
        out, err = capsys.readouterr()
        return Said(status, out, err)

    return run


@pytest.fixture
def worker(tmp_path: Path) -> Callable[[str], tuple[str, str]]:
    """``worker(code)``: the command of a worker that runs these lines of Python."""

    def make(code: str) -> tuple[str, str]:
        program = tmp_path / "agent.py"
        program.write_text(textwrap.dedent(code), encoding="utf-8")
        return sys.executable, str(program)

    return make
