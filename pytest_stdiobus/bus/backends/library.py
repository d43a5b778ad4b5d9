"""The kernel as a library: the one that was built with this package, or one that the user names."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import Any

from pytest_stdiobus.bus.errors import UnavailableError
from pytest_stdiobus.data import kernel_absence, kernel_file
from pytest_stdiobus.declarations import declarations, functions

_log = logging.getLogger("pytest_stdiobus.kernel")

_HEADER = "stdio_bus.h"
_LOG_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)
# Ours, beyond the published version 2 of the embedding API.
_ADDITIONS = frozenset({"stdio_bus_get_listen_port", "stdio_bus_version"})


@dataclass(frozen=True)
class Library:
    """A loaded library, and the callbacks to give it; the handle they are called with is that of a `NativeBackend`."""

    ffi: Any
    lib: Any
    on_message: Any
    on_error: Any
    on_log: Any

    @property
    def version(self) -> str:
        """Its own version, or an empty string where it does not say."""
        if not hasattr(self.lib, "stdio_bus_version"):
            return ""
        return str(self.ffi.string(self.lib.stdio_bus_version()).decode())

    def listen_port(self, bus: Any) -> int | None:
        """The port in use by the TCP listener of a bus, or None where the library cannot tell."""
        return int(self.lib.stdio_bus_get_listen_port(bus)) if hasattr(self.lib, "stdio_bus_get_listen_port") else None


@functools.cache
def open_library(path: str = "") -> Library:
    """The library at `path`, or the bundled one.

    Raises:
        UnavailableError: it is not there or is no stdio_bus library; the message says what to do.
    """
    return _load(path) if path else _bundled()


def _bundled() -> Library:
    try:
        from pytest_stdiobus._native import ffi, lib  # noqa: PLC0415 - may be absent
    except ModuleNotFoundError as error:
        message = f"the native backend was not built: {kernel_absence()}"
        raise UnavailableError(message) from error
    except ImportError as error:
        message = f"the native backend cannot be loaded: {error}; try: pip install --force-reinstall pytest-stdiobus"
        raise UnavailableError(message) from error
    for name, function in _callbacks(ffi).items():
        ffi.def_extern(f"stdiobus_{name}")(function)
    return Library(ffi, lib, lib.stdiobus_on_message, lib.stdiobus_on_error, lib.stdiobus_on_log)


def _load(path: str) -> Library:
    header = kernel_file(_HEADER)
    try:
        import cffi  # noqa: PLC0415 - what only builds on other backends needs it not
    except ImportError as error:
        message = f"the library {path} cannot be loaded: cffi is missing: {error}; try: pip install cffi"
        raise UnavailableError(message) from error
    if header is None:
        message = f"the library {path} cannot be loaded: {_HEADER} is missing; install pytest-stdiobus again"
        raise UnavailableError(message)
    text = header.read_text(encoding="utf-8")
    ffi = cffi.FFI()
    ffi.cdef(declarations(text))
    try:
        lib = ffi.dlopen(path)
    except OSError as error:
        message = f"the library {path} cannot be loaded: {error}"
        raise UnavailableError(message) from error
    missing = [name for name in functions(text) if name not in _ADDITIONS and not hasattr(lib, name)]
    if missing:
        message = f"{path} is no stdio_bus library of version 2: it lacks {', '.join(missing)}"
        raise UnavailableError(message)
    types = {"on_message": "stdio_bus_message_cb", "on_error": "stdio_bus_error_cb", "on_log": "stdio_bus_log_cb"}
    return Library(
        ffi, lib, **{name: ffi.callback(types[name], function) for name, function in _callbacks(ffi).items()}
    )


def _callbacks(ffi: Any) -> dict[str, Any]:
    def on_message(_bus: Any, text: Any, length: int, owner: Any) -> None:
        ffi.from_handle(owner).inbox.append(ffi.unpack(text, length))

    def on_error(_bus: Any, code: int, text: Any, owner: Any) -> None:
        ffi.from_handle(owner).faults.append(f"{ffi.string(text).decode(errors='replace')} ({code})")

    def on_log(_bus: Any, level: int, text: Any, owner: Any) -> None:
        line = ffi.string(text).decode(errors="replace")
        ffi.from_handle(owner).log_lines.append(line)
        _log.log(_LOG_LEVELS[max(0, min(level, 3))], "%s", line)

    return {"on_message": on_message, "on_error": on_error, "on_log": on_log}
