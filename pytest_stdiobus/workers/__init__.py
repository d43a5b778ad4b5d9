"""The bundled workers as modules: ``python -m pytest_stdiobus.workers.echo``."""

from __future__ import annotations

import runpy
import sys

from pytest_stdiobus.data import data_dir


def run(name: str) -> None:
    """Run a worker's file in this process, as Python itself would run it."""
    folder = data_dir() / "workers"
    sys.path.insert(0, str(folder))
    runpy.run_path(str(folder / f"{name}.py"), run_name="__main__")
