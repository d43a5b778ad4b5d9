"""The line of the header: which backend, kernel and client the tests run on."""

from __future__ import annotations

import hashlib
import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_stdiobus.data import bundled_kernel
from pytest_stdiobus.options import BACKEND, SDK, any_given

if TYPE_CHECKING:
    import pytest

_SHOWN_DIGITS = 8


def header(config: pytest.Config) -> str:
    """The line; where nothing was chosen it follows from files, without the client."""
    path = bundled_kernel()
    if path is not None and not any_given(config):
        backend, kernel, client = BACKEND.default, bundled_executable(path), SDK.default
    else:
        from pytest_stdiobus.selection import shown  # noqa: PLC0415 - it imports the client

        backend, kernel, client = shown(config)
    return f"stdiobus: backend {backend} | kernel {kernel} | client {client}"


def bundled_executable(path: str | Path) -> str:
    """The bundled kernel with the first digits of its digest."""
    return f"{package_version()} (bundled, {digest(path)})"


def package_version() -> str:
    """The version of this package, which is that of the kernel that was built with it."""
    return importlib.metadata.version("pytest-stdiobus")


def digest(path: str | Path) -> str:
    """The first digits of a file's sha256."""
    return f"{hashlib.sha256(Path(path).read_bytes()).hexdigest()[:_SHOWN_DIGITS]}..."
