"""Where the files that are not Python lie: data folders and the kernel that was built with the package."""

from __future__ import annotations

from pathlib import Path

import pytest_stdiobus

_MARK = "workers"


def data_dir() -> Path:
    """The folder that holds ``schemas``, ``conformance`` and ``workers``.

    In an installed wheel that is ``pytest_stdiobus/data``; in an editable install, and in a checkout, the
    root of the source tree.

    Raises:
        FileNotFoundError: neither holds them, so the installation is broken.
    """
    package = Path(__file__).resolve().parent
    for root in (package / "data", package.parent):
        if (root / _MARK).is_dir():
            return root
    message = f"the package's data is neither in {package / 'data'} nor in {package.parent}: install it again"
    raise FileNotFoundError(message)


def kernel_file(name: str) -> Path | None:
    """The file `name` of the bundled kernel, or None where the package was installed without it.

    An editable install keeps what was built beside the other installed files, not in the source tree, so
    every place the package consists of is looked at.
    """
    for root in pytest_stdiobus.__path__:
        candidate = Path(root) / "_kernel" / name
        if candidate.is_file():
            return candidate
    return None


def bundled_kernel() -> Path | None:
    """The bundled kernel's executable, or None where the package was installed without it."""
    return kernel_file("stdiobus-kernel")


def bundled_library() -> Path | None:
    """The bundled kernel as a shared library, or None where the package was installed without it."""
    return kernel_file("libstdio_bus.so") or kernel_file("libstdio_bus.dylib")


def kernel_absence() -> str:
    """Why the bundled kernel is missing and what to do about it, in one sentence."""
    note = kernel_file("absent.txt")
    reason = note.read_text(encoding="utf-8").strip() if note else "pytest-stdiobus was not built, only copied"
    return f"{reason}; install a C compiler (gcc or clang) and run: pip install --force-reinstall pytest-stdiobus"
