# SPDX-License-Identifier: Apache-2.0
"""The embedding API of stdio_bus, version 2, of whatever shared library is given.

Names, constants and layouts are those of the public header. ctypes and not cffi: it needs no package, and a start takes
a fifth of the time.
"""

import ctypes
import os
from collections.abc import Callable
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_size_t, c_uint16, c_uint64, c_void_p
from typing import Any

OK, FULL, WRONG_STATE = 0, -4, -15
CREATED, STARTING, RUNNING, STOPPING, STOPPED = range(5)
LISTENERS = ("none", "tcp", "unix")
CALLBACKS = ("on_message", "on_error", "on_log", "on_worker", "on_client_connect", "on_client_disconnect")

# What a bus tells: the name of the callback, and its arguments.
Hear = Callable[[str, "dict[str, Any]"], None]


class Listener(Structure):
    """``stdio_bus_listener_config_t``."""

    _fields_ = (("mode", c_int), ("tcp_host", c_char_p), ("tcp_port", c_uint16), ("unix_path", c_char_p))


class Options(Structure):
    """``stdio_bus_options_t``; a callback is the address of a function."""

    _fields_ = (
        ("config_path", c_char_p),
        ("config_json", c_char_p),
        ("listener", Listener),
        *((name, c_void_p) for name in CALLBACKS),
        ("user_data", c_void_p),
        ("log_level", c_int),
    )


class Stats(Structure):
    """``stdio_bus_stats_t``."""

    _fields_ = tuple(
        (name, c_uint64)
        for name in (
            "messages_in",
            "messages_out",
            "bytes_in",
            "bytes_out",
            "worker_restarts",
            "routing_errors",
            "client_connects",
            "client_disconnects",
        )
    )


_FUNCTIONS: "dict[str, tuple[Any, list[Any]]]" = {
    "create": (c_void_p, [POINTER(Options)]),
    "destroy": (None, [c_void_p]),
    "start": (c_int, [c_void_p]),
    "stop": (c_int, [c_void_p, c_int]),
    "step": (c_int, [c_void_p, c_int]),
    "ingest": (c_int, [c_void_p, c_char_p, c_size_t]),
    "get_state": (c_int, [c_void_p]),
    "worker_count": (c_int, [c_void_p]),
    "session_count": (c_int, [c_void_p]),
    "pending_count": (c_int, [c_void_p]),
    "client_count": (c_int, [c_void_p]),
    "get_poll_fd": (c_int, [c_void_p]),
    "register_embedded_worker": (c_int, [c_void_p, c_int, c_int, c_char_p]),
    "unregister_embedded_worker": (c_int, [c_void_p, c_int]),
    "get_stats": (None, [c_void_p, POINTER(Stats)]),
}
# The argument of each callback between the bus and its user data, and what it is called.
_ARGUMENTS: "dict[str, list[tuple[str, Any]]]" = {
    "on_message": [("at", c_void_p), ("length", c_size_t)],
    "on_error": [("code", c_int), ("message", c_char_p)],
    "on_log": [("level", c_int), ("message", c_char_p)],
    "on_worker": [("worker_id", c_int), ("event", c_char_p)],
    "on_client_connect": [("client_id", c_int), ("peer_info", c_char_p)],
    "on_client_disconnect": [("client_id", c_int), ("reason", c_char_p)],
}


class NoLibraryError(Exception):
    """What cannot be loaded, or lacks a function; the message says which."""


class Library:
    """A shared library that has the embedding API."""

    def __init__(self, path: str) -> None:
        """Load it.

        Raises:
            NoLibraryError: it is none.
        """
        try:
            self._loaded = ctypes.CDLL(os.path.abspath(path))
        except OSError as error:
            raise NoLibraryError(str(error)) from None
        lacks = [name for name in _FUNCTIONS if not hasattr(self._loaded, f"stdio_bus_{name}")]
        if lacks:
            message = f"{path} is no stdio_bus library of version 2: it lacks stdio_bus_{', stdio_bus_'.join(lacks)}"
            raise NoLibraryError(message)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._loaded, f"stdio_bus_{name}")
            function.restype, function.argtypes = result, arguments

    @property
    def version(self) -> str:
        """Its own version, or an empty text where it does not say."""
        if not hasattr(self._loaded, "stdio_bus_version"):
            return ""
        function = self._loaded.stdio_bus_version
        function.restype, function.argtypes = c_char_p, []
        return _text(function())

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function by its name without the prefix."""
        return getattr(self._loaded, f"stdio_bus_{name}")(*arguments)


class Bus:
    """One bus; what is called on it is called by the name of its function."""

    def __init__(self, library: Library, hear: Hear) -> None:
        """Prepare; `create` makes it.

        Args:
            library: whose functions are called.
            hear: is told what the callbacks are told; the text of a message is bytes.
        """
        self._library = library
        self._functions = {name: _callback(name, hear) for name in CALLBACKS}
        self.handle: int | None = None

    def create(
        self,
        *,
        config_json: "str | None" = None,
        config_path: "str | None" = None,
        listener: str = "none",
        address: "tuple[str, int] | str" = "",
        without: "tuple[str, ...]" = (),
        log_level: int = 0,
    ) -> bool:
        """Create it; whether that worked.

        Args:
            config_json: the configuration.
            config_path: or the file that it is in.
            listener: one of `LISTENERS`.
            address: of the listener: a path, or host and port.
            without: the callbacks that are NULL.
            log_level: the least that is logged.
        """
        options = Options(_bytes(config_path), _bytes(config_json), log_level=log_level)
        options.listener.mode = LISTENERS.index(listener)
        if isinstance(address, str):
            options.listener.unix_path = _bytes(address)
        else:
            options.listener.tcp_host, options.listener.tcp_port = _bytes(address[0]), address[1]
        for name, function in self._functions.items():
            if name not in without:
                setattr(options, name, ctypes.cast(function, c_void_p))
        self.handle = self._library.call("create", byref(options))
        return self.handle is not None

    def create_of_nothing(self) -> bool:
        """Create one without options; whether that worked."""
        self.handle = self._library.call("create", None)
        return self.handle is not None

    def call(self, name: str, *arguments: Any) -> int:
        """Call a function on it; what it returns."""
        return int(self._library.call(name, self.handle, *arguments))

    def destroy(self) -> None:
        """Destroy it; nothing where there is none."""
        handle, self.handle = self.handle, None
        if handle is not None:
            self._library.call("destroy", handle)

    def stats(self) -> "dict[str, int]":
        """The counters."""
        stats = Stats()
        self._library.call("get_stats", self.handle, byref(stats))
        return {field[0]: int(getattr(stats, field[0])) for field in Stats._fields_}


def _callback(name: str, hear: Hear) -> Any:
    arguments = _ARGUMENTS[name]

    def called(_bus: Any, *values: Any) -> None:
        names = zip(arguments, values[:-1], strict=True)
        told: dict[str, Any] = {key: _text(value) if kind is c_char_p else value for (key, kind), value in names}
        if name == "on_message":
            at, length = told.pop("at"), told["length"]
            told["message"] = ctypes.string_at(at, length)
            told["nul"] = ctypes.string_at(at + length, 1) == b"\0"
        hear(name, told)

    return ctypes.CFUNCTYPE(None, c_void_p, *(kind for _, kind in arguments), c_void_p)(called)


def _text(value: "bytes | None") -> str:
    return (value or b"").decode("utf-8", "backslashreplace")


def _bytes(value: "str | None") -> "bytes | None":
    return value.encode("utf-8", "surrogateescape") if value is not None else None
