"""The tests that the README shows run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(r"^```(?P<language>python|ini)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_tests_of_the_readme_pass_beside_the_worker_it_names(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [(found["language"], found["text"]) for found in BLOCK.finditer((ROOT / "README.md").read_text("utf-8"))]
    for number, text in enumerate(text for language, text in blocks if language == "python"):
        (pytester.path / f"test_{number}.py").write_text(text, encoding="utf-8")
    (ini,) = (text for language, text in blocks if language == "ini")
    (pytester.path / "pytest.ini").write_text(ini, encoding="utf-8")
    shutil.copy(ROOT / "examples" / "agents" / "worker.py", pytester.path / "agent.py")
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    result = pytester.runpytest("-W", "error::pytest.PytestDeprecationWarning")
    result.assert_outcomes(passed=4)
