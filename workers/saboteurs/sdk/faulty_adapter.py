# SPDX-License-Identifier: Apache-2.0
"""The reference client behind its adapter, with a fault where it is told to have one: ``--break FAULT``."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "conformance" / "adapters" / "python"))

from adapter import main
from patches import FAULTS
from reference import Reference

AREAS = ("wire", "text", "ends", "subscribers", "errors", "use")


def find(name: str) -> None:
    """Give the client a fault."""
    for area in AREAS:
        import_module(f"faults_of_{area}")
    FAULTS[name]()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--break"]:
        find(sys.argv[2])
    main(Reference())
