"""The page about judging a worker shows what is seen, and its files do what it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "how-to" / "judge-in-pytest.md"
JUDGED = ROOT / "examples" / "judged"
SHOWN = re.compile(r"```console\n\$ pytest (?P<arguments>.*)\n(?P<lines>(?:.*\n)*?)```")


def test_the_agent_fails_as_the_page_says(pytester: pytest.Pytester) -> None:
    found = SHOWN.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    shutil.copy(JUDGED / "agent.py", pytester.path)
    arguments = [word.replace("python ", f"{sys.executable} ") for word in shlex.split(found["arguments"])]
    result = pytester.runpytest(*arguments)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([line.replace("[", "[[]").replace("...", "*") for line in found["lines"].splitlines()])


def test_the_target_and_the_case_of_the_page_work(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    case = "stdiobus::worker/streams"
    result = pytester.runpytest(
        f"--stdiobus-target={JUDGED / 'echo.target.json'}", str(JUDGED / "params.stdiobus.json"), case, "-rs"
    )
    outcomes = result.parseoutcomes()
    assert outcomes.keys() == {"passed"}
    assert outcomes["passed"] > 1
