"""The page about failures shows what a failure looks like."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "how-to" / "read-a-failure.md"
SHOWN = re.compile(r"```console\n\$ pytest (?P<arguments>.*)\n(?P<lines>(?:.*\n)*?)```")


def test_the_example_fails_as_the_page_says(pytester: pytest.Pytester) -> None:
    found = SHOWN.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    option, file = found["arguments"].split()
    shown = [line.replace("[", "[[]").replace("...", "*") for line in found["lines"].splitlines()]
    if sys.version_info < (3, 11):  # where exceptions have no notes
        shown = [line for line in shown if not line.startswith("E") or "TransportError" in line]
    result = pytester.runpytest(option, str(ROOT / file))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(shown)
