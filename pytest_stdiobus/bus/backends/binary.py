"""Which kernel executable the subprocess backend runs (SDK-BIN-01)."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

from pytest_stdiobus.bus.errors import InvalidArgumentError, UnavailableError
from pytest_stdiobus.data import bundled_kernel, kernel_absence

PATH_NAME = "stdio_bus"


@dataclass(frozen=True)
class KernelBinary:
    """An executable, and whether it is the one that came with this package."""

    path: str
    bundled: bool


def resolve_binary(user_path: str = "") -> KernelBinary:
    """The user's path, else the bundled kernel, else ``stdio_bus`` on PATH.

    A path that was given is never replaced by another.

    Raises:
        InvalidArgumentError: what was given is no path.
        UnavailableError: there is none; the message names all three places.
    """
    if not isinstance(user_path, (str, os.PathLike)) or "\0" in os.fspath(user_path):
        message = f"binary_path: expected a path, got {user_path!r}"
        raise InvalidArgumentError(message)
    bundled = bundled_kernel()
    if user_path:
        found = shutil.which(os.fspath(user_path))
        if found is not None:
            same = bundled is not None and os.path.samefile(found, bundled)
            return KernelBinary(os.path.abspath(found), bundled=same)
        message = (
            f"no kernel: your path {user_path} is not an executable file "
            f"(the bundled kernel and {PATH_NAME} on PATH are used only when no path is given)"
        )
        raise UnavailableError(message)
    if bundled is not None:
        return KernelBinary(str(bundled), bundled=True)
    if (found := shutil.which(PATH_NAME)) is not None:
        return KernelBinary(os.path.abspath(found), bundled=False)
    message = f"no kernel: no path of yours is given, {PATH_NAME} is not on PATH, none is bundled: {kernel_absence()}"
    raise UnavailableError(message)
