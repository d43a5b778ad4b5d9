"""The console script ``stdiobus-kernel``: becomes the bundled kernel."""

from __future__ import annotations

import os
import sys

from pytest_stdiobus.data import bundled_kernel, kernel_absence


def main() -> None:
    """Replace this process by the kernel, with the same arguments."""
    path = bundled_kernel()
    if path is None:
        sys.exit(f"stdiobus-kernel: {kernel_absence()}")
    os.execv(path, [str(path), *sys.argv[1:]])  # noqa: S606 - becoming the kernel is the purpose
