"""``python -m pytest_stdiobus.workers.saboteur`` lists the bad workers, and runs one."""

from __future__ import annotations

import json
import subprocess
import sys

REQUEST = '{"jsonrpc":"2.0","id":1,"method":"echo"}\n'


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_stdiobus.workers.saboteur", *arguments]
    return subprocess.run(command, input=REQUEST, capture_output=True, text=True, timeout=60, check=False)


def test_without_a_name_it_says_what_each_of_them_breaks() -> None:
    listed = run().stdout.splitlines()
    assert "Answers with the id as text. Breaks WRK-03." in next(
        line for line in listed if line.startswith("text_ids ")
    )
    assert not [line for line in listed if line.startswith("honest ")]


def test_one_with_its_fault_and_without() -> None:
    assert json.loads(run("text_ids").stdout)["id"] == "1"
    assert json.loads(run("text_ids", "--honest").stdout)["id"] == 1


def test_a_name_that_is_none_is_told_with_those_that_are() -> None:
    refused = run("nobody")
    assert refused.returncode == 1
    assert "'nobody' is not a saboteur; use one of " in refused.stderr
    assert "text_ids" in refused.stderr
