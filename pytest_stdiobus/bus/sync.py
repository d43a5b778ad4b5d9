"""The client for code without an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pytest_stdiobus.bus.client import AsyncStdioBus
from pytest_stdiobus.bus.errors import InvalidStateError
from pytest_stdiobus.bus.loop_thread import LoopThread, finish
from pytest_stdiobus.bus.sync_iterator import SyncIterator, SyncSubscription
from pytest_stdiobus.bus.types import BackendMode, BusState, OverflowPolicy

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from typing_extensions import Self

    from pytest_stdiobus.bus.config import BusConfig
    from pytest_stdiobus.bus.handshake import HelloParams, HelloResult
    from pytest_stdiobus.bus.types import (
        BusStats,
        DockerOptions,
        ListenMode,
        NativeOptions,
        RequestOptions,
        StreamEvent,
        SubprocessOptions,
    )

Result = TypeVar("Result")


class StdioBus:
    """`AsyncStdioBus` without ``await``; it works inside a running event loop too.

    One private thread owns a loop and the bus, makes every C call, and runs the handlers. Arguments,
    results and errors are those of `AsyncStdioBus`.
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
        """Prepare a bus; no thread runs before `start`."""
        self._bus = AsyncStdioBus(
            config,
            config_path=config_path,
            backend=backend,
            timeout_ms=timeout_ms,
            native=native,
            subprocess=subprocess,
            docker=docker,
        )
        self._thread = LoopThread()

    def __enter__(self) -> Self:
        """Start the bus."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the bus."""
        self.stop()

    def start(self) -> None:
        """Start the thread, the kernel and its workers; see `AsyncStdioBus.start`."""
        self._start(self._bus.start)

    def connect(self, params: HelloParams | None = None) -> HelloResult | None:
        """Start and, when `params` are given, agree with the peer."""
        return self._start(lambda: self._bus.connect(params))

    def stop(self, timeout_sec: float = 30.0) -> None:
        """Fail what is in flight, end the bus and its thread; repeating it is allowed."""
        if self._thread.alive:
            try:
                self._thread.run(self._bus.stop(timeout_sec))
            finally:
                self._thread.end()

    def destroy(self) -> None:
        """End everything at once, without waiting for anybody."""
        self._thread.call(self._bus.destroy)
        self._thread.end()

    def request(
        self,
        method: str,
        params: Any = None,
        *,
        pool: str | None = None,
        session_id: str | None = None,
        timeout_ms: float | None = None,
        options: RequestOptions | None = None,
    ) -> Any:
        """Send a request and return its result."""
        arguments: dict[str, Any] = {"pool": pool, "session_id": session_id, "options": options}
        return self._thread.run(self._bus.request(method, params, timeout_ms=timeout_ms, **arguments))

    def stream_request(
        self,
        method: str,
        params: Any = None,
        *,
        pool: str | None = None,
        session_id: str | None = None,
        timeout_ms: float | None = None,
        options: RequestOptions | None = None,
    ) -> SyncIterator[StreamEvent]:
        """Send a request when iterated, and give its chunks as they arrive, then its result."""
        arguments: dict[str, Any] = {"pool": pool, "session_id": session_id, "options": options}
        return SyncIterator(self._thread, self._bus.stream_request(method, params, timeout_ms=timeout_ms, **arguments))

    def subscribe(
        self,
        pool: str | None = None,
        *,
        overflow_policy: OverflowPolicy | str = OverflowPolicy.DROP_OLDEST,
        max_queue: int = 256,
    ) -> SyncSubscription:
        """Collect notifications from now on, each as a dict."""
        source = self._thread.call(
            lambda: self._bus.subscribe(pool, overflow_policy=overflow_policy, max_queue=max_queue)
        )
        return SyncSubscription(self._thread, source)

    def subscribe_notifications(self, *, max_queue: int = 256, overflow: str = "drop") -> SyncSubscription:
        """`AsyncStdioBus.subscribe_notifications` as a plain iterator."""
        source = self._thread.call(lambda: self._bus.subscribe_notifications(max_queue=max_queue, overflow=overflow))
        return SyncSubscription(self._thread, source)

    def unsubscribe(self, subscription: SyncSubscription) -> None:
        """End a subscription; what is buffered can still be taken."""
        self._thread.call(lambda: self._bus.unsubscribe(subscription.source))

    def notify(
        self,
        method: str,
        params: Any = None,
        *,
        pool: str | None = None,
        session_id: str | None = None,
        options: RequestOptions | None = None,
    ) -> None:
        """Send a notification; nobody answers it."""
        self._thread.run(self._bus.notify(method, params, pool=pool, session_id=session_id, options=options))

    def send(self, message: str) -> bool:
        """Send a line as it is, from any thread."""
        return self._thread.call(lambda: self._bus.send(message))

    def hello(self, params: HelloParams | None = None, pool: str | None = None) -> HelloResult:
        """Agree with the peer on a protocol version and extensions."""
        return self._thread.run(self._bus.hello(params, pool))

    def respond(self, request: dict[str, Any], result: Any = None, error: dict[str, Any] | None = None) -> None:
        """Answer a worker's request; inside a handler too."""
        self._thread.call(lambda: finish(self._bus.respond(request, result, error)))

    def on_message(self, handler: Callable[[str], object]) -> None:
        """Call `handler` with every line that arrives."""
        self._bus.on_message(handler)

    def on_notification(self, handler: Callable[[str], object]) -> None:
        """Call `handler` with every line that is a notification."""
        self._bus.on_notification(handler)

    def on_request(self, handler: Callable[[dict[str, Any]], object]) -> None:
        """Call `handler` with every request of a worker."""
        self._bus.on_request(handler)

    def on_wire(self, handler: Callable[[str, str], object]) -> None:
        """Call `handler` with ``"out"`` or ``"in"`` and every line that crosses the wire."""
        self._bus.on_wire(handler)

    @property
    def client_session_id(self) -> str:
        """The session of calls that name none, with the first pool."""
        return self._bus.client_session_id

    @property
    def agent_session_id(self) -> str | None:
        """The session that the agent named in the handshake, or None."""
        return self._bus.agent_session_id

    def get_state(self) -> BusState:
        """The state of the bus."""
        return self._bus.get_state()

    def is_running(self) -> bool:
        """Whether the bus serves."""
        return self._bus.is_running()

    def get_stats(self) -> BusStats:
        """The kernel's counters."""
        return self._thread.call(self._bus.get_stats)

    def get_backend_type(self) -> str:
        """The backend in use."""
        return self._bus.get_backend_type()

    def get_listen_mode(self) -> ListenMode:
        """Where other clients may connect."""
        return self._bus.get_listen_mode()

    def get_listen_address(self) -> tuple[str, int] | str | None:
        """Where the bus listens."""
        return self._thread.call(self._bus.get_listen_address)

    def get_worker_count(self) -> int:
        """How many workers live."""
        return self._thread.call(self._bus.get_worker_count)

    def get_client_count(self) -> int:
        """How many clients are connected to the listener."""
        return self._thread.call(self._bus.get_client_count)

    def get_log(self) -> list[str]:
        """The last lines of the kernel's log, and of stderr where a backend keeps it."""
        return self._thread.call(self._bus.get_log)

    def get_pending_count(self) -> int:
        """How many requests wait for their answers."""
        return self._bus.get_pending_count()

    def _start(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        if self.get_state() is not BusState.CREATED or self._thread.alive:
            message = f"start() was called before, the bus is {self.get_state().name}: make a new one"
            raise InvalidStateError(message)
        self._thread.start()
        try:
            return self._thread.run(work())
        except BaseException:
            self.destroy()
            raise
