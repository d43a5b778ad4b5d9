# SPDX-License-Identifier: Apache-2.0
"""The shared library under test, hosted by the test itself and driven by its poll descriptor alone."""

import collections
import functools
import json
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import cffi

from . import locate
from .messages import Message, encode
from .peer import Peer, StreamPeer
from .world import DEADLINE, READ, World

CREATED, STARTING, RUNNING, STOPPING, STOPPED = range(5)
OK, FULL, WORKER_ERROR, INVALID, WRONG_STATE = 0, -4, -11, -14, -15
NO_LISTENER, TCP, UNIX = range(3)

_LEVELS = ("debug", "info", "warning", "error")


def declarations(header: str) -> str:
    """Return what cffi's ABI mode needs of the public header."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    text = re.sub(r'extern "C" \{', "", text)
    text = re.sub(r"#ifdef __cplusplus\s*\}\s*#endif", "", text)
    constants = re.findall(r"#define (STDIO_BUS_\w+) \(?(-?\d+)\)?$", text, flags=re.MULTILINE)
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    text = text.replace("STDIO_BUS_API ", "")
    return text + "".join(f"#define {name} {value}\n" for name, value in constants)


@functools.cache
def api() -> tuple[Any, Any]:
    """Load the library once per process."""
    ffi = cffi.FFI()
    ffi.cdef(declarations(locate.header().read_text()))
    return ffi, ffi.dlopen(str(locate.library()))


class Host(Peer):
    """The embedding host as a client of its bus."""

    def __init__(self, world: World, bus: "Embedded") -> None:
        super().__init__(world, "host")
        self._bus = bus
        self._outbox: collections.deque[bytes] = collections.deque()

    @property
    def at_end(self) -> bool:
        return self._bus.state == STOPPED

    @property
    def flushed(self) -> bool:
        self.push()
        return not self._outbox

    def queue(self, message: Message | bytes) -> None:
        line = encode(message)
        self.world.note(self.name, "->", line)
        self._outbox.append(line)
        self.push()

    def push(self) -> None:
        """Hand over what the bus takes now."""
        while self._outbox:
            code = self._bus.ingest(self._outbox[0])
            if code == FULL:
                return
            line = self._outbox.popleft()
            assert code == OK, f"ingest({line[:200]!r}) returned {code}\n{self.world.transcript()}"

    def close(self) -> None:
        """Nothing to close: the host is the process."""


class Embedded:
    """A bus in this process; presents what a Kernel presents where that makes sense."""

    def __init__(
        self,
        world: World,
        config: Mapping[str, Any] | str,
        folder: Path,
        *,
        listener: str | None = "unix",
        log_level: int = 0,
        drive: bool = True,
    ) -> None:
        """Create it. ``drive``: the world steps it whenever its descriptor is readable."""
        self.world, self.folder = world, folder
        self.transport = "embedded"
        self.log: list[str] = []
        self.errors: list[tuple[int, str]] = []
        self.connects: list[tuple[int, str]] = []
        self.disconnects: list[tuple[int, str]] = []
        self.clients: list[StreamPeer] = []
        #: Called with each message for the host, inside the callback.
        self.on_message: Callable[[bytes], object] | None = None
        self.steps = 0
        self._clients = 0
        self.ffi, self.lib = api()
        text = config if isinstance(config, str) else json.dumps(config)
        self.path = str(folder / f"e{len(list(folder.iterdir()))}.sock")
        self.host = Host(world, self)
        self._keep: list[Any] = [self.ffi.new("char[]", text.encode()), self.ffi.new("char[]", self.path.encode())]
        self.options = self._options(listener, log_level)
        self.bus = self.lib.stdio_bus_create(self.options)
        self.drive = drive
        world.add(self)
        world.reports.append(lambda: "\n".join(["-- log of the embedded bus:", *self.log]))

    def _options(self, listener: str | None, log_level: int) -> Any:
        options = self.ffi.new("stdio_bus_options_t *")
        options.config_json = self._keep[0]
        options.log_level = log_level
        if listener == "unix":
            options.listener.mode = UNIX
            options.listener.unix_path = self._keep[1]
        elif listener == "tcp":
            self._keep.append(self.ffi.new("char[]", b"127.0.0.1"))
            options.listener.mode = TCP
            options.listener.tcp_host = self._keep[-1]
            options.listener.tcp_port = 0
        options.on_message = self._callback("stdio_bus_message_cb", self._take_message)
        options.on_error = self._callback("stdio_bus_error_cb", self._take_error)
        options.on_log = self._callback("stdio_bus_log_cb", self._take_log)
        options.on_client_connect = self._callback("stdio_bus_client_connect_cb", self._take_connect)
        options.on_client_disconnect = self._callback("stdio_bus_client_disconnect_cb", self._take_disconnect)
        return options

    def _callback(self, kind: str, function: Callable[..., None]) -> Any:
        self._keep.append(self.ffi.callback(kind, function))
        return self._keep[-1]

    def _text(self, pointer: Any) -> str:
        raw: bytes = self.ffi.string(pointer)
        return raw.decode("utf-8", "backslashreplace")

    def _take_message(self, _bus: Any, text: Any, length: int, _user: Any) -> None:
        line = bytes(self.ffi.buffer(text, length))
        self.world.note("host", "<-", line)
        if bytes(self.ffi.buffer(text + length, 1)) != b"\0":
            self.log.append("harness: on_message gave a text without its NUL")
        self.host.lines.append(line)
        if self.on_message:
            self.on_message(line)

    def _take_error(self, _bus: Any, code: int, text: Any, _user: Any) -> None:
        self.errors.append((code, self._text(text)))

    def _take_log(self, _bus: Any, level: int, text: Any, _user: Any) -> None:
        self.log.append(f"stdio_bus: {_LEVELS[level]}: {self._text(text)}")

    def _take_connect(self, _bus: Any, client: int, peer: Any, _user: Any) -> None:
        self.connects.append((client, self._text(peer)))

    def _take_disconnect(self, _bus: Any, client: int, reason: Any, _user: Any) -> None:
        self.disconnects.append((client, self._text(reason)))

    # -- the API

    @property
    def state(self) -> int:
        """The state; STOPPED once destroyed."""
        return int(self.lib.stdio_bus_get_state(self.bus)) if self.bus else STOPPED

    def start(self) -> int:
        """Start the workers and the listener."""
        return int(self.lib.stdio_bus_start(self.bus))

    def step(self, timeout_ms: int = 0) -> int:
        """Step once."""
        self.steps += 1
        return int(self.lib.stdio_bus_step(self.bus, timeout_ms))

    def ingest(self, line: bytes) -> int:
        """Hand over one line of the host."""
        return int(self.lib.stdio_bus_ingest(self.bus, line, len(line)))

    def stop_bus(self, timeout_sec: int = -1) -> int:
        """Begin the shutdown."""
        return int(self.lib.stdio_bus_stop(self.bus, timeout_sec))

    def destroy(self) -> None:
        """Destroy the bus; allowed twice."""
        bus, self.bus = self.bus, self.ffi.NULL
        self.lib.stdio_bus_destroy(bus)

    @property
    def poll_fd(self) -> int:
        """The descriptor that tells when to step."""
        return int(self.lib.stdio_bus_get_poll_fd(self.bus))

    def stats(self) -> dict[str, int]:
        """Return the counters."""
        stats = self.ffi.new("stdio_bus_stats_t *")
        self.lib.stdio_bus_get_stats(self.bus, stats)
        return {field: int(getattr(stats, field)) for field, _ in self.ffi.typeof("stdio_bus_stats_t").fields}

    # -- driven by the world

    def interests(self) -> Iterable[tuple[int, int]]:
        """Poll the descriptor, and nothing but the descriptor (KRN-EMB-03)."""
        if self.bus and self.drive and self.state in (STARTING, RUNNING, STOPPING):
            yield self.poll_fd, READ

    def serve(self, _descriptor: int, _events: int) -> None:
        """Step because the descriptor said so."""
        if self.bus:
            self.step(0)
        if self.bus:
            self.host.push()

    # -- like a Kernel

    def wait_log(self, pattern: str | re.Pattern[str], seconds: float = DEADLINE) -> re.Match[str]:
        """Wait until a log line matches and return the first match."""
        compiled = re.compile(pattern)

        def look() -> re.Match[str] | None:
            return next((m for m in map(compiled.search, self.log) if m), None)

        return self.world.until(look, f"a log line like {compiled.pattern!r}", seconds)

    def client(self, name: str | None = None) -> Peer:
        """Return the host first, then connections to the listener."""
        self._clients += 1
        if self._clients == 1:
            if name:
                self.host.name = name
            return self.host
        return self.connect(name or f"client{self._clients}")

    def connect(self, name: str) -> StreamPeer:
        """Connect a client to the listener."""
        if self.options.listener.mode == TCP:
            port = int(self.lib.stdio_bus_get_listen_port(self.bus))
            sock = socket.create_connection(("127.0.0.1", port))
        else:
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(self.path)
        descriptor = sock.detach()
        peer = StreamPeer(self.world, name, descriptor, descriptor)
        self.clients.append(peer)
        return peer

    def dispose(self) -> None:
        """Free it whatever its state."""
        for client in self.clients:
            client.close()
        self.world.remove(self)
        self.destroy()
