"""The console script ``stdiobus-kernel``: becomes the bundled kernel."""

from __future__ import annotations

import os
import sys

from pytest_stdiobus.data import kernel_absence, kernel_file


def main() -> None:
    """Replace this process by the kernel, with the same arguments."""
    path = kernel_file("stdiobus-kernel")
    if path is None:
        sys.exit(f"stdiobus-kernel: {kernel_absence()}")
    os.execv(path, [str(path), *sys.argv[1:]])  # noqa: S606 - becoming the kernel is the purpose
