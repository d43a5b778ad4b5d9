"""The kernel as a library in this process, driven by the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections import deque
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus.arguments import text, whole_number
from pytest_stdiobus.bus.backends.base import Backend, Sink
from pytest_stdiobus.bus.backends.library import open_library
from pytest_stdiobus.bus.errors import InternalError, InvalidArgumentError, TransportError, UnavailableError
from pytest_stdiobus.bus.types import BackendMode, BusState, BusStats, ListenMode, NativeOptions

if TYPE_CHECKING:
    from pytest_stdiobus.bus.config import KernelConfig

_KEPT_LOG_LINES = 20
# How long beyond its timeout stop() waits for the kernel to report the end; less than the second allowed.
_STOP_MARGIN_SEC = 0.8
_MAX_PORT = 0xFFFF


def native_obstacle(options: NativeOptions) -> str | None:
    """Why the native backend cannot be used here, or None."""
    try:
        open_library(options.library_path)
    except UnavailableError as error:
        return error.message
    return None


def native_version(library_path: str = "") -> str:
    """The version of a library, by default of the bundled one; an empty string where it is missing or does not say."""
    try:
        return open_library(library_path).version
    except UnavailableError:
        return ""


class NativeBackend(Backend):
    """Every C call is made on the loop's thread, when the kernel's descriptor asks for it (SDK-THR-02)."""

    mode = BackendMode.NATIVE

    def __init__(self, config: KernelConfig, sink: Sink, options: NativeOptions) -> None:
        """Check the options; the library is asked only by `start`.

        Raises:
            InvalidArgumentError: an option can never work.
        """
        _check(options)
        self._library = open_library(options.library_path)
        self._ffi, self._lib = self._library.ffi, self._library.lib
        self._config = config
        self._sink = sink
        self._options = options
        self._bus: Any = None
        self._kept: list[Any] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._poll_fd = -1
        self._poll_timer: asyncio.TimerHandle | None = None
        self._progress = asyncio.Event()
        self._unsent: deque[bytes] = deque()
        self._last_stats = BusStats()
        self.inbox: deque[bytes] = deque()
        self.faults: list[str] = []
        self.log_lines: deque[str] = deque(maxlen=_KEPT_LOG_LINES)

    async def start(self) -> None:
        """Create and start the bus.

        Raises:
            InvalidArgumentError: the configuration is faulty; every fault is named.
            TransportError: a worker or the listener cannot start.
        """
        self.state = BusState.STARTING
        self._loop = asyncio.get_running_loop()
        self._bus = self._create()
        code = self._lib.stdio_bus_start(self._bus)
        if code != self._lib.STDIO_BUS_OK:
            message = f"the bus cannot start ({code}){self._said()}"
            raise TransportError(message)
        self._watch()
        while self.state is BusState.STARTING and self._kernel_state() is BusState.STARTING:
            await self._next_step()
        if self.state is not BusState.STARTING:
            message = "Bus is shutting down"
            raise TransportError(message)
        if self._kernel_state() is not BusState.RUNNING:
            message = f"the bus ended while it started{self._said()}"
            raise TransportError(message)
        self.state = BusState.RUNNING

    async def stop(self, timeout_sec: float) -> None:
        """Let the kernel drain and end its workers, at most `timeout_sec`; then end them at once."""
        if self.state is BusState.STOPPED:
            return
        self.state = BusState.STOPPING
        if self._bus is not None:
            self._lib.stdio_bus_stop(self._bus, math.ceil(timeout_sec))
            self._step()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._stopped(), timeout_sec + _STOP_MARGIN_SEC)
        self.destroy()

    def destroy(self) -> None:
        """End and reap every worker and free the bus."""
        self.state = BusState.STOPPED
        self._unwatch()
        self._unsent.clear()
        if self._bus is not None:
            self._last_stats = self.stats()
            bus, self._bus = self._bus, None
            self._lib.stdio_bus_destroy(bus)
        self._kept.clear()
        self._progress.set()

    def send(self, line: bytes) -> None:
        """Hand a line to the kernel, or keep it while the kernel's queue is full (KRN-LIM-02).

        When the kernel has to act on it, its descriptor says so.
        """
        if self._unsent or not self._ingest(line):
            self._unsent.append(line)

    def stats(self) -> BusStats:
        """The kernel's counters; after the end, its last."""
        if self._bus is None:
            return self._last_stats
        stats = self._ffi.new("stdio_bus_stats_t *")
        self._lib.stdio_bus_get_stats(self._bus, stats)
        return BusStats(**{name: getattr(stats, name) for name in BusStats.__dataclass_fields__})

    def worker_count(self) -> int:
        """Live workers."""
        return 0 if self._bus is None else int(self._lib.stdio_bus_worker_count(self._bus))

    def client_count(self) -> int:
        """Clients of the listener."""
        return 0 if self._bus is None else int(self._lib.stdio_bus_client_count(self._bus))

    def log(self) -> list[str]:
        """The kernel's log; the workers' stderr is that of this process."""
        return list(self.log_lines)

    def listen_address(self) -> tuple[str, int] | str | None:
        """Where the kernel listens; the port is the one in use."""
        mode = ListenMode(self._options.listen_mode)
        if self._bus is None or mode is ListenMode.NONE:
            return None
        if mode is ListenMode.UNIX:
            return self._options.unix_path
        return self._options.tcp_host, self._library.listen_port(self._bus) or self._options.tcp_port or 0

    def _create(self) -> Any:
        ffi, lib = self._ffi, self._lib
        options = ffi.new("stdio_bus_options_t *")
        handle = ffi.new_handle(self)
        self._kept += [options, handle]
        options.config_json = self._text(self._config.text)
        options.on_message = self._library.on_message
        options.on_error = self._library.on_error
        options.on_log = self._library.on_log
        options.user_data = handle
        options.log_level = 1
        self._fill_listener(options.listener)
        bus = lib.stdio_bus_create(options)
        if bus == ffi.NULL:
            message = "the kernel refuses the configuration: " + ("; ".join(self.faults) or "it does not say why")
            raise InvalidArgumentError(message)
        return bus

    def _fill_listener(self, listener: Any) -> None:
        mode = ListenMode(self._options.listen_mode)
        listener.mode = list(ListenMode).index(mode)
        if mode is ListenMode.TCP:
            listener.tcp_host, listener.tcp_port = self._text(self._options.tcp_host), self._options.tcp_port
        elif mode is ListenMode.UNIX:
            listener.unix_path = self._text(self._options.unix_path or "")

    def _text(self, text: str) -> Any:
        self._kept.append(self._ffi.new("char[]", text.encode()))
        return self._kept[-1]

    def _ingest(self, line: bytes) -> bool:
        if self._bus is None:
            message = "Bus is stopped"
            raise TransportError(message)
        code = self._lib.stdio_bus_ingest(self._bus, line, len(line))
        if code == self._lib.STDIO_BUS_OK:
            return True
        if code == self._lib.STDIO_BUS_EFULL:
            return False
        if code == self._lib.STDIO_BUS_ERR_INVALID:
            message = f"the kernel refuses the message, it is not one JSON object on one line: {line[:80]!r}"
            raise InvalidArgumentError(message)
        if code == self._lib.STDIO_BUS_ERR_STATE:
            message = "Bus is shutting down"
            raise TransportError(message)
        message = f"the kernel does not take the message ({code})"
        raise InternalError(message)

    def _watch(self) -> None:
        assert self._loop is not None
        self._poll_fd = self._lib.stdio_bus_get_poll_fd(self._bus)
        if self._poll_fd >= 0:
            try:
                self._loop.add_reader(self._poll_fd, self._step)
            except NotImplementedError:
                self._poll_fd = -1
            else:
                return
        self._poll()

    def _poll(self) -> None:
        assert self._loop is not None
        self._poll_timer = self._loop.call_later(self._options.poll_interval_ms / 1000, self._poll)
        self._step()

    def _unwatch(self) -> None:
        if self._loop is None or self._loop.is_closed():
            return
        if self._poll_fd >= 0:
            self._loop.remove_reader(self._poll_fd)
            self._poll_fd = -1
        if self._poll_timer is not None:
            self._poll_timer.cancel()

    def _step(self) -> None:
        if self._bus is None:
            return
        code = self._lib.stdio_bus_step(self._bus, 0)
        while self.inbox:
            self._sink.line_received(self.inbox.popleft())
        self._send_unsent()
        if self._bus is not None and (code < 0 or self._lib.stdio_bus_get_state(self._bus) == BusState.STOPPED):
            self._ended(code)
        self._progress.set()

    def _send_unsent(self) -> None:
        try:
            while self._unsent and self._ingest(self._unsent[0]):
                self._unsent.popleft()
        except TransportError:
            self._unsent.clear()

    def _ended(self, code: int) -> None:
        self._unwatch()
        if self.state is BusState.RUNNING:
            error = TransportError(f"the bus ended by itself ({code}){self._said()}")
            self.destroy()
            self._sink.backend_lost(error)

    def _kernel_state(self) -> BusState:
        return BusState(self._lib.stdio_bus_get_state(self._bus))

    async def _next_step(self) -> None:
        self._progress.clear()
        await self._progress.wait()

    async def _stopped(self) -> None:
        while self._bus is not None and self._kernel_state() is not BusState.STOPPED:
            await self._next_step()

    def _said(self) -> str:
        said = [*self.faults, *self.log_lines]
        return ": " + "; ".join(said) if said else ""


def _check(options: NativeOptions) -> None:
    whole_number("poll_interval_ms", options.poll_interval_ms, least=1)
    mode = ListenMode(options.listen_mode)
    if mode is ListenMode.TCP:
        text("tcp_host", options.tcp_host)
        whole_number("tcp_port", options.tcp_port, least=0, most=_MAX_PORT)
    elif mode is ListenMode.UNIX:
        text("unix_path", options.unix_path)
