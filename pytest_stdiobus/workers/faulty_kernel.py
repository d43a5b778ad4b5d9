"""Run a kernel with one fault: ``python -m pytest_stdiobus.workers.faulty_kernel --break FAULT --config PATH``.

Without arguments it lists the faults; without ``--break`` the kernel has none.
"""

from __future__ import annotations

import json
import runpy
import sys

from pytest_stdiobus.data import data_dir

FOLDER = data_dir() / "workers" / "saboteurs" / "kernel"


def main() -> None:
    """Run it, or list the faults with what they break."""
    if len(sys.argv) == 1:
        declared = json.loads((FOLDER / "saboteurs.json").read_text(encoding="utf-8"))
        sys.stdout.writelines(f"{name:32} breaks {what['breaks']}\n" for name, what in declared.items())
        return
    runpy.run_path(str(FOLDER), run_name="__main__")


if __name__ == "__main__":
    main()
