"""Where a benchmark runs, and how it says what it does."""

# ruff: noqa: INP001, S603 (a program beside its modules, no package; it runs programs)
from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any


def say(text: str) -> None:
    """Show progress."""
    sys.stderr.write(f"{text}\n")


def describe_machine() -> dict[str, Any]:
    """Describe the machine without naming it."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    compiler = subprocess.run([os.environ.get("CC", "cc"), "--version"], check=True, capture_output=True, text=True)
    return {
        "cores": os.cpu_count(),
        "processor": model.group(1) if model else platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "compiler": compiler.stdout.splitlines()[0],
    }
