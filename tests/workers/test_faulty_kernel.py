"""``python -m pytest_stdiobus.workers.faulty_kernel`` lists the faults of a kernel, and runs it with one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ECHO = (
    "import json,sys\nfor line in sys.stdin: print(json.dumps({'id': json.loads(line)['id'], 'result': 0}), flush=True)"
)


def run(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_stdiobus.workers.faulty_kernel", *arguments]
    return subprocess.run(command, input=said, capture_output=True, text=True, timeout=60, check=False)


def test_without_arguments_it_says_what_each_fault_breaks() -> None:
    assert "answers_empty_lines              breaks KRN-FRM-02" in run().stdout.splitlines()


def test_a_kernel_with_a_fault_and_without(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"pools": [{"id": "w", "command": sys.executable, "args": ["-c", ECHO]}]}))
    said = '\n{"id": 1, "method": "m"}\n'
    honest = run("--config", str(config), said=said).stdout.splitlines()
    faulty = run("--break", "answers_empty_lines", "--config", str(config), said=said).stdout.splitlines()
    assert honest == ['{"id": 1, "result": 0}']
    assert [json.loads(line)["id"] for line in faulty] == [None, 1]


def test_a_fault_that_is_none_is_told() -> None:
    refused = run("--break", "nothing", "--config", "config.json")
    assert refused.returncode == 1
    assert "there is no fault 'nothing'" in refused.stderr
