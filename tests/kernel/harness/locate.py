# SPDX-License-Identifier: Apache-2.0
"""Where the kernel under test lies: named by the environment, installed with the package, or built in this tree."""

import functools
import importlib.util
import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]


def _package_file(name: str) -> Path | None:
    spec = importlib.util.find_spec("pytest_stdiobus")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        candidate = Path(folder) / "_kernel" / name
        if candidate.exists():
            return candidate
    return None


def _locate(variable: str, name: str) -> Path:
    if named := os.environ.get(variable):
        return Path(named)
    return _package_file(name) or _ROOT / "build" / "kernel" / name


@functools.cache
def executable() -> Path:
    """Return the kernel's executable; STDIOBUS_TEST_KERNEL names another."""
    return _locate("STDIOBUS_TEST_KERNEL", "stdiobus-kernel")


@functools.cache
def library() -> Path:
    """Return the shared library of the embedding API; STDIOBUS_TEST_LIBRARY names another."""
    return _locate("STDIOBUS_TEST_LIBRARY", "libstdio_bus.so")


def header() -> Path:
    """Return the public header."""
    return _ROOT / "kernel" / "include" / "stdio_bus.h"
