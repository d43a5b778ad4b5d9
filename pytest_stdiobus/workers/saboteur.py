"""Run a saboteur, a worker with one fault: ``python -m pytest_stdiobus.workers.saboteur NAME``.

Without a name it lists them all; ``--honest`` after the name switches the fault off.
"""

from __future__ import annotations

import ast
import runpy
import sys

from pytest_stdiobus.data import data_dir

FOLDER = data_dir() / "workers" / "saboteurs"
SHARED = "honest"


def saboteurs() -> dict[str, str]:
    """Every saboteur, with what it does and which requirement it breaks."""
    files = sorted(file for file in FOLDER.glob("*.py") if file.stem != SHARED)
    docs = {file.stem: ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "" for file in files}
    return {name: doc.partition("\n")[0] for name, doc in docs.items()}


def main() -> None:
    """Run the saboteur that is named first, or list them."""
    known = saboteurs()
    if len(sys.argv) == 1:
        for name, what in known.items():
            sys.stdout.write(f"{name:28} {what}\n")
        return
    name = sys.argv[1]
    if name not in known:
        sys.exit(f"{name!r} is not a saboteur; use one of {', '.join(known)}")
    sys.path.insert(0, str(FOLDER))
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")


if __name__ == "__main__":
    main()
