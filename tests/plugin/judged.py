"""What the tests of judged workers share: a good worker, bad ones, and a few quick cases."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from typing import TYPE_CHECKING, Any

# A run inside this process forgets what it was the first to import.
import pytest_stdiobus.suite.joining  # noqa: F401
from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.checks import held_always

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

held_always("worker")
ECHO = shlex.join([sys.executable, str(data_dir() / "workers" / "echo.py")])
QUICK = "id-comes-back and (one] or zero] or negative])"  # a few cases
ONE, ZERO = (f"stdiobus::worker/requests/id-comes-back[{name}]" for name in ("one", "zero"))
IDS_AS_TEXT = """
    import json, sys

    print("starting up", file=sys.stderr, flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        answer = {"jsonrpc": "2.0", "id": str(message["id"]), "result": {}}
        print(json.dumps(answer), flush=True)
"""
ASK: dict[str, Any] = {"client": "kit", "send": {"jsonrpc": "2.0", "id": 1, "method": "m"}}
ANSWERED: dict[str, Any] = {"client": "kit", "next": {"jsonrpc": "2.0", "id": 1, "result": {}}}


def worker(pytester: pytest.Pytester, code: str = IDS_AS_TEXT) -> str:
    """The command of a worker that runs this code."""
    file = pytester.path / "agent.py"
    file.write_text(textwrap.dedent(code), encoding="utf-8")
    return shlex.join([sys.executable, str(file)])


def case_file(folder: Path, *steps: dict[str, Any], name: str = "mine", **more: Any) -> Path:
    """A file with a case of the user's."""
    file = folder / f"{name}.stdiobus.json"
    data = {
        "id": f"worker/{name}/plain",
        "title": "A case that a user wrote",
        "requirements": ["WRK-03"],
        "subject": "worker",
        **({} if "check" in more else {"steps": list(steps) or [ASK, ANSWERED]}),
        **more,
    }
    file.write_text(json.dumps(data), encoding="utf-8")
    return file
