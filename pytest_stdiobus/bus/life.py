"""The life of a bus on its event loop, and what can be asked about it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from pytest_stdiobus.bus import messages
from pytest_stdiobus.bus.agent_requests import AgentRequests
from pytest_stdiobus.bus.arguments import instance_of, milliseconds, seconds
from pytest_stdiobus.bus.backends import create_backend
from pytest_stdiobus.bus.calls import CallTable
from pytest_stdiobus.bus.config import BusConfig, KernelConfig
from pytest_stdiobus.bus.destinations import Destinations
from pytest_stdiobus.bus.errors import (
    InvalidArgumentError,
    InvalidStateError,
    StdioBusError,
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
    from pytest_stdiobus.bus.streaming import StreamBuffer


_log = logging.getLogger(__name__)


class BusLife:
    """A kernel that starts, serves and ends once; the base of the client, which adds the messages."""

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
        instance_of("config", BusConfig, config)
        instance_of("native", NativeOptions, native)
        instance_of("subprocess", SubprocessOptions, subprocess)
        instance_of("docker", DockerOptions, docker)
        self._config = KernelConfig.of(config) if config is not None else KernelConfig.load(config_path or "")
        self._timeout_ms = milliseconds(timeout_ms)
        self._calls = CallTable()
        self._destinations = Destinations(self._config.pool_ids)
        self._ids = itertools.count(1)
        self._streams: WeakValueDictionary[str, StreamBuffer] = WeakValueDictionary()
        self._agent_requests = AgentRequests(self._reply)
        self._inbound = Inbound(self._calls, self._destinations, self._agent_requests.receive)
        self._on_wire: list[Callable[[str, str], object]] = []
        self._agent_session_id: str | None = None
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
            TransportError: kernel or workers cannot start, and the message carries what they said; or `stop` or
                `destroy` was called meanwhile.
        """
        if self._loop is not None or self.get_state() is not BusState.CREATED:
            message = f"a bus starts once, this one is {self.get_state().name}: make a new one"
            raise InvalidStateError(message)
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        try:
            await self._backend.start()
            self._check_running()
        except BaseException:
            self.destroy()
            raise

    async def stop(self, timeout_sec: float = 30.0) -> None:
        """Fail what is in flight and end the bus; repeating it is allowed (SDK-CAN-01, SDK-CAN-04).

        Args:
            timeout_sec: seconds until workers that do not obey are killed; the call returns within one more.

        Raises:
            InvalidArgumentError: not a number of seconds; nothing was stopped.
        """
        timeout_sec = seconds("timeout_sec", timeout_sec)
        if self._loop is None:
            return
        self._check_loop()
        self._calls.fail_all(TransportError("Bus is shutting down"))
        try:
            await self._backend.stop(timeout_sec)
        finally:
            self._end_inbound()

    def destroy(self) -> None:
        """End everything at once, without waiting for workers.

        It blocks until the kernel has gone: some milliseconds; with docker until the engine has removed the
        container, usually half a second and at most ten seconds where the engine does not answer. `stop`
        does not block.
        """
        if self._loop is None or not self._loop.is_closed():
            self._check_thread()
            self._calls.fail_all(TransportError("Bus is shutting down"))
            self._end_inbound()
        self._backend.destroy()

    # Facts

    @property
    def client_session_id(self) -> str:
        """The session of calls that name none, with the first pool."""
        return self._destinations.client_session_id

    @property
    def agent_session_id(self) -> str | None:
        """The session that the agent named in the handshake, or None (SDK-WIR-04)."""
        return self._agent_session_id

    def get_state(self) -> BusState:
        """The state of the bus."""
        return self._backend.state

    def is_running(self) -> bool:
        """Whether the bus serves."""
        return self._backend.state is BusState.RUNNING

    def get_stats(self) -> BusStats:
        """The kernel's counters; -1 where the backend cannot know one."""
        self._check_thread()
        return self._backend.stats()

    def get_backend_type(self) -> str:
        """The backend in use: ``native``, ``subprocess`` or ``docker``."""
        return self._backend.mode.value

    def get_listen_mode(self) -> ListenMode:
        """Where other clients may connect."""
        return ListenMode(self._native_options.listen_mode)

    def get_listen_address(self) -> tuple[str, int] | str | None:
        """Where the bus listens: ``(host, port)``, a path, or None."""
        self._check_thread()
        return self._backend.listen_address()

    def get_worker_count(self) -> int:
        """How many workers live; -1 where the backend cannot know."""
        self._check_thread()
        return self._backend.worker_count()

    def get_client_count(self) -> int:
        """How many clients are connected to the listener; -1 where the backend cannot know."""
        self._check_thread()
        return self._backend.client_count()

    def get_log(self) -> list[str]:
        """The last lines of the kernel's log; of the subprocess and docker backends also the workers' stderr."""
        return self._backend.log()

    def get_pending_count(self) -> int:
        """How many requests of this client wait for their answers."""
        return len(self._calls)

    # What the backend reports (see `Sink`)

    def line_received(self, line: bytes) -> None:
        """Take a line from the kernel."""
        if self._on_wire:
            self._show_wire("in", line)
        self._inbound.receive(line)

    def backend_lost(self, error: StdioBusError) -> None:
        """Fail what is in flight: the bus ended by itself (SDK-CAN-01)."""
        self._end = error
        self._calls.fail_all(error)
        self._end_inbound()

    # Checks

    def _reply(self, answer: dict[str, Any]) -> None:
        if self.is_running():
            self._transmit(messages.encode(answer))

    def _transmit(self, line: bytes) -> None:
        self._backend.send(line)
        if self._on_wire:
            self._show_wire("out", line)

    def _show_wire(self, direction: str, line: bytes) -> None:
        for handler in tuple(self._on_wire):
            try:
                handler(direction, line.decode(errors="replace"))
            except Exception:  # noqa: BLE001 - whatever a user's handler raises
                _log.exception("a wire handler failed")

    def _end_inbound(self) -> None:
        self._agent_requests.end()
        self._inbound.end()

    def _line(self, message: dict[str, Any]) -> bytes:
        line = messages.encode(message)
        self._check_limits(line)
        return line

    def _check_limits(self, line: bytes) -> None:
        if len(line) > self._config.max_input_buffer:
            message = (
                f"the message has {len(line)} bytes, the limit max_input_buffer is {self._config.max_input_buffer}"
            )
            raise InvalidArgumentError(message)
        if messages.is_too_deep(line):
            message = f"the message is nested more deeply than {messages.MAX_DEPTH} levels"
            raise InvalidArgumentError(message)

    def _check_ready(self) -> asyncio.AbstractEventLoop:
        self._check_running()
        return self._check_loop()

    def _check_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not None and loop is not self._loop:
            message = "the bus belongs to the event loop that started it, this is another one"
            raise InvalidStateError(message)
        return loop

    def _check_thread(self) -> None:
        """Keep other threads from the kernel while it lives (SDK-THR-01)."""
        if self._loop is not None and threading.get_ident() != self._thread and self.get_state() < BusState.STOPPED:
            message = "this belongs to the thread of the event loop that started the bus"
            raise TransportError(message)

    def _check_running(self) -> None:
        state = self._backend.state
        if state is BusState.RUNNING:
            return
        if state in {BusState.CREATED, BusState.STARTING}:
            message = f"the bus is {state.name}: await start() first"
            raise InvalidStateError(message)
        reason = f": {self._end}" if self._end is not None else ""
        message = "Bus is shutting down" if state is BusState.STOPPING else f"Bus is stopped{reason}"
        raise TransportError(message)
