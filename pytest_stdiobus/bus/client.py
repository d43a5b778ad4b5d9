"""The asyncio client."""

from __future__ import annotations

import asyncio
import itertools
import threading
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus import messages
from pytest_stdiobus.bus.backends import create_backend
from pytest_stdiobus.bus.calls import CallTable
from pytest_stdiobus.bus.config import BusConfig, KernelConfig
from pytest_stdiobus.bus.destinations import Destinations
from pytest_stdiobus.bus.errors import (
    InvalidArgumentError,
    InvalidStateError,
    StdioBusError,
    TimeoutError,  # noqa: A004 - ours
    TransportError,
)
from pytest_stdiobus.bus.inbound import Inbound
from pytest_stdiobus.bus.types import (
    BackendMode,
    BusState,
    BusStats,
    DockerOptions,
    ListenMode,
    NativeOptions,
    SubprocessOptions,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from pytest_stdiobus.bus.backends.base import Backend
    from pytest_stdiobus.bus.types import RequestOptions


class AsyncStdioBus:
    """A bus and its only embedded client, on the event loop that started it.

    Every call belongs to that loop: a coroutine awaited on another one raises `InvalidStateError`, and
    `send` from another thread `TransportError` (SDK-THR-01, SDK-THR-03). No thread is created.
    """

    def __init__(
        self,
        config: BusConfig | None = None,
        *,
        config_path: str | os.PathLike[str] | None = None,
        backend: BackendMode | str = BackendMode.AUTO,
        timeout_ms: float = 30_000,
        native: NativeOptions | None = None,
        subprocess: SubprocessOptions | None = None,
        docker: DockerOptions | None = None,
    ) -> None:
        """Prepare a bus; nothing runs before `start`.

        Args:
            config: pools and limits; this or `config_path`.
            config_path: a configuration file, given to the kernel as it is.
            backend: how the kernel is reached; ``auto`` takes the first that is available.
            timeout_ms: milliseconds a request may take when it does not say otherwise.
            native: options of the native backend.
            subprocess: options of the subprocess backend.
            docker: options of the docker backend.

        Raises:
            InvalidArgumentError: a configuration or an option can never work.
            UnavailableError: the backend is not there; the message says what to install.
        """
        if (config is None) == (config_path is None):
            message = "pass either config or config_path"
            raise InvalidArgumentError(message)
        self._config = KernelConfig.of(config) if config is not None else KernelConfig.load(config_path or "")
        self._timeout_ms = _milliseconds(timeout_ms)
        self._calls = CallTable()
        self._destinations = Destinations(self._config.pool_ids)
        self._ids = itertools.count(1)
        self._inbound = Inbound(self._calls, self._reply)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._end: StdioBusError | None = None
        self._native_options = native or NativeOptions()
        self._backend: Backend = create_backend(
            backend,
            self._config,
            self,
            native=self._native_options,
            subprocess=subprocess or SubprocessOptions(),
            docker=docker or DockerOptions(),
        )

    async def __aenter__(self) -> Self:
        """Start the bus."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the bus."""
        await self.stop()

    # Life

    async def start(self) -> None:
        """Start kernel and workers; returns when the bus serves (SDK-STA-01).

        Raises:
            InvalidStateError: the bus was started before; there is no restart (SDK-CAN-05).
            InvalidArgumentError: the kernel refuses the configuration.
            TransportError: kernel or workers cannot start; the message carries what they said.
        """
        if self._loop is not None:
            message = f"start() was called before, the bus is {self.get_state().name}: make a new one"
            raise InvalidStateError(message)
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        try:
            await self._backend.start()
        except BaseException:
            self._backend.destroy()
            raise

    async def stop(self, timeout_sec: float = 30.0) -> None:
        """Fail what is in flight and end the bus; repeating it is allowed (SDK-CAN-01, SDK-CAN-04).

        Args:
            timeout_sec: seconds until workers that do not obey are killed; the call returns within one more.
        """
        if self._loop is None:
            return
        self._check_loop()
        self._calls.fail_all(TransportError("Bus is shutting down"))
        await self._backend.stop(max(0.0, timeout_sec))

    def destroy(self) -> None:
        """End everything at once, without waiting for anybody."""
        if self._loop is not None and not self._loop.is_closed():
            self._calls.fail_all(TransportError("Bus is shutting down"))
        self._backend.destroy()

    # Messages

    async def request(
        self,
        method: str,
        params: Any = None,
        *,
        pool: str | None = None,
        session_id: str | None = None,
        timeout_ms: float | None = None,
        options: RequestOptions | None = None,
    ) -> Any:
        """Send a request and return its result (SDK-WIR-01).

        Text that the worker streamed meanwhile stands in ``result["text"]`` when the result is an object
        (SDK-AGG-01).

        Args:
            method: the method; where it equals a pool's id it also names the pool.
            params: an object or array; not sent when None.
            pool: the pool, written on the wire only when given.
            session_id: the session; default is the client's own with that pool.
            timeout_ms: milliseconds until `TimeoutError`; default is the client's.
            options: more, see `RequestOptions`; what it sets wins.

        Raises:
            InvalidArgumentError: not JSON, too long for the kernel, or no such pool.
            InvalidStateError: not started, or another event loop.
            TransportError: the bus stopped, or the worker died.
            TimeoutError: no answer in time.
            UnavailableError: no worker of the pool is left.
            ResourceExhaustedError: a limit of the kernel.
            RemoteError: the worker's own error, with its code.
        """
        loop = self._check_ready()
        chosen = options.timeout_ms if options is not None and options.timeout_ms is not None else timeout_ms
        timeout = self._timeout_ms if chosen is None else _milliseconds(chosen)
        _check_call(method, params)
        session = self._destinations.choose(method, pool, session_id, options)
        message_id = str(next(self._ids))
        message = messages.request(message_id, method, params, session_id=session, pool=pool, options=options)
        line = self._line(message)
        future: asyncio.Future[Any] = loop.create_future()
        self._calls.open(message, future)
        try:
            self._backend.send(line)
        except StdioBusError:
            self._calls.forget(message_id)
            raise
        late = TimeoutError(f"no answer to {method!r} within {timeout:g} ms")
        timer = loop.call_later(timeout / 1000, self._calls.expire, message_id, late)
        try:
            return await future
        finally:
            timer.cancel()
            self._calls.abandon(message_id)

    async def notify(
        self,
        method: str,
        params: Any = None,
        *,
        pool: str | None = None,
        session_id: str | None = None,
        options: RequestOptions | None = None,
    ) -> None:
        """Send a notification; nobody answers it. Arguments and errors are those of `request`."""
        self._check_ready()
        _check_call(method, params)
        session = self._destinations.choose(method, pool, session_id, options)
        message = messages.notification(method, params, session_id=session, pool=pool, options=options)
        self._backend.send(self._line(message))

    def send(self, message: str) -> bool:
        """Send a line as it is, without its LF.

        Raises:
            InvalidArgumentError: not one JSON object on one line.
            TransportError: called from another thread, or the bus stopped.
            InvalidStateError: not started.
        """
        if self._loop is not None and threading.get_ident() != self._thread:
            reason = "send() belongs to the thread of the event loop that started the bus"
            raise TransportError(reason)
        self._check_running()
        try:
            line = message.encode()
            messages.decode(message)
        except (ValueError, RecursionError) as error:
            reason = f"send() takes one JSON object: {error}"
            raise InvalidArgumentError(reason) from error
        if b"\n" in line:
            reason = "send() takes one line, this has an LF inside"
            raise InvalidArgumentError(reason)
        self._check_length(line)
        self._backend.send(line)
        return True

    def on_message(self, handler: Callable[[str], object]) -> None:
        """Call `handler` with every line that arrives (SDK-SUB-04)."""
        self._inbound.on_message.append(handler)

    def on_notification(self, handler: Callable[[str], object]) -> None:
        """Call `handler` with every line that is a notification (SDK-SUB-04)."""
        self._inbound.on_notification.append(handler)

    # Facts

    @property
    def client_session_id(self) -> str:
        """The session of calls that name none, with the first pool."""
        return self._destinations.client_session_id

    def get_state(self) -> BusState:
        """The state of the bus."""
        return self._backend.state

    def is_running(self) -> bool:
        """Whether the bus serves."""
        return self._backend.state is BusState.RUNNING

    def get_stats(self) -> BusStats:
        """The kernel's counters; -1 where the backend cannot know one."""
        return self._backend.stats()

    def get_backend_type(self) -> str:
        """The backend in use: ``native``, ``subprocess`` or ``docker``."""
        return self._backend.mode.value

    def get_listen_mode(self) -> ListenMode:
        """Where other clients may connect."""
        return ListenMode(self._native_options.listen_mode)

    def get_listen_address(self) -> tuple[str, int] | str | None:
        """Where the bus listens: ``(host, port)``, a path, or None."""
        return self._backend.listen_address()

    def get_worker_count(self) -> int:
        """How many workers live; -1 where the backend cannot know."""
        return self._backend.worker_count()

    def get_client_count(self) -> int:
        """How many clients are connected to the listener; -1 where the backend cannot know."""
        return self._backend.client_count()

    def get_pending_count(self) -> int:
        """How many requests of this client wait for their answers."""
        return len(self._calls)

    # What the backend reports (see `Sink`)

    def line_received(self, line: bytes) -> None:
        """Take a line from the kernel."""
        self._inbound.receive(line)

    def backend_lost(self, error: StdioBusError) -> None:
        """Fail what is in flight: the bus ended by itself (SDK-CAN-01)."""
        self._end = error
        self._calls.fail_all(error)

    # Checks

    def _reply(self, answer: dict[str, Any]) -> None:
        if self.is_running():
            self._backend.send(messages.encode(answer))

    def _line(self, message: dict[str, Any]) -> bytes:
        line = messages.encode(message)
        self._check_length(line)
        return line

    def _check_length(self, line: bytes) -> None:
        if len(line) > self._config.max_input_buffer:
            message = (
                f"the message has {len(line)} bytes, the limit max_input_buffer is {self._config.max_input_buffer}"
            )
            raise InvalidArgumentError(message)

    def _check_ready(self) -> asyncio.AbstractEventLoop:
        loop = self._check_loop()
        self._check_running()
        return loop

    def _check_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not None and loop is not self._loop:
            message = "the bus belongs to the event loop that started it, this is another one"
            raise InvalidStateError(message)
        return loop

    def _check_running(self) -> None:
        state = self._backend.state
        if state in {BusState.CREATED, BusState.STARTING}:
            message = f"the bus is {state.name}: await start() first"
            raise InvalidStateError(message)
        if state is not BusState.RUNNING:
            reason = f": {self._end}" if self._end is not None else ""
            message = "Bus is shutting down" if state is BusState.STOPPING else f"Bus is stopped{reason}"
            raise TransportError(message)


def _milliseconds(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        message = f"timeout_ms: expected a positive number of milliseconds, got {value!r}"
        raise InvalidArgumentError(message)
    return value


def _check_call(method: str, params: Any) -> None:
    if not isinstance(method, str):
        message = f"method: expected a string, got {method!r}"
        raise InvalidArgumentError(message)
    if params is not None and not isinstance(params, (dict, list, tuple)):
        message = f"params: expected an object or an array, got {params!r}"
        raise InvalidArgumentError(message)
