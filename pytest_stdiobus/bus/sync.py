"""The client for code without an event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pytest_stdiobus.bus.client import AsyncStdioBus
from pytest_stdiobus.bus.errors import InvalidStateError
from pytest_stdiobus.bus.types import BackendMode, BusState, OverflowPolicy

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from typing_extensions import Self

    from pytest_stdiobus.bus.config import BusConfig
    from pytest_stdiobus.bus.handshake import HelloParams, HelloResult
    from pytest_stdiobus.bus.streaming import Stream
    from pytest_stdiobus.bus.subscriptions import Subscription
    from pytest_stdiobus.bus.types import (
        BusStats,
        DockerOptions,
        ListenMode,
        NativeOptions,
        RequestOptions,
        SubprocessOptions,
    )

Item = TypeVar("Item")
Result = TypeVar("Result")

_LAST_WORDS_SEC = 1.0


class SyncIterator(Generic[Item]):
    """A stream or a subscription as a plain iterator."""

    def __init__(self, bus: StdioBus, source: Any) -> None:
        """Take the items of `source`."""
        self._bus = bus
        self.source = source

    def __iter__(self) -> Self:
        """The iterator itself."""
        return self

    def __next__(self) -> Item:
        """The next item; waits for it."""
        try:
            item: Item = self._bus.run(self.source.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None
        return item

    def close(self) -> None:
        """End it early."""
        self._bus.call(self.source.close)

    @property
    def dropped(self) -> int:
        """How many notifications a subscription dropped; 0 for a stream."""
        return int(getattr(self.source, "dropped", 0))


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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.on_message = self._bus.on_message
        self.on_notification = self._bus.on_notification
        self.on_request = self._bus.on_request
        self.on_wire = self._bus.on_wire
        self.get_state = self._bus.get_state
        self.is_running = self._bus.is_running

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
        if self._loop is not None:
            try:
                self.run(self._bus.stop(timeout_sec))
            finally:
                self._end_thread()

    def destroy(self) -> None:
        """End everything at once, without waiting for anybody."""
        self.call(self._bus.destroy)
        if self._loop is not None:
            self._end_thread()

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
        return self.run(self._bus.request(method, params, timeout_ms=timeout_ms, **arguments))

    def stream_request(
        self,
        method: str,
        params: Any = None,
        *,
        pool: str | None = None,
        session_id: str | None = None,
        timeout_ms: float | None = None,
        options: RequestOptions | None = None,
    ) -> SyncIterator[Any]:
        """Send a request when iterated, and give its chunks as they arrive, then its result."""
        arguments: dict[str, Any] = {"pool": pool, "session_id": session_id, "options": options}
        stream: Stream = self._bus.stream_request(method, params, timeout_ms=timeout_ms, **arguments)
        return SyncIterator(self, stream)

    def subscribe(
        self,
        pool: str | None = None,
        *,
        overflow_policy: OverflowPolicy | str = OverflowPolicy.DROP_OLDEST,
        max_queue: int = 256,
    ) -> SyncIterator[dict[str, Any]]:
        """Collect notifications from now on, each as a dict."""
        source: Subscription = self.call(
            lambda: self._bus.subscribe(pool, overflow_policy=overflow_policy, max_queue=max_queue)
        )
        return SyncIterator(self, source)

    def unsubscribe(self, subscription: SyncIterator[dict[str, Any]]) -> None:
        """End a subscription; what is buffered can still be taken."""
        self.call(lambda: self._bus.unsubscribe(subscription.source))

    def notify(self, method: str, params: Any = None, **options: Any) -> None:
        """Send a notification; `options` are those of `AsyncStdioBus.notify`."""
        self.run(self._bus.notify(method, params, **options))

    def send(self, message: str) -> bool:
        """Send a line as it is, from any thread."""
        return self.call(lambda: self._bus.send(message))

    def hello(self, params: HelloParams | None = None, pool: str | None = None) -> HelloResult:
        """Agree with the peer on a protocol version and extensions."""
        return self.run(self._bus.hello(params, pool))

    def respond(self, request: dict[str, Any], result: Any = None, error: dict[str, Any] | None = None) -> None:
        """Answer a worker's request; inside a handler too."""
        self.call(lambda: _finish(self._bus.respond(request, result, error)))

    @property
    def client_session_id(self) -> str:
        """The session of calls that name none, with the first pool."""
        return self._bus.client_session_id

    @property
    def agent_session_id(self) -> str | None:
        """The session that the agent named in the handshake, or None."""
        return self._bus.agent_session_id

    def get_stats(self) -> BusStats:
        """The kernel's counters."""
        return self.call(self._bus.get_stats)

    def get_backend_type(self) -> str:
        """The backend in use."""
        return self._bus.get_backend_type()

    def get_listen_mode(self) -> ListenMode:
        """Where other clients may connect."""
        return self._bus.get_listen_mode()

    def get_listen_address(self) -> tuple[str, int] | str | None:
        """Where the bus listens."""
        return self.call(self._bus.get_listen_address)

    def get_worker_count(self) -> int:
        """How many workers live."""
        return self.call(self._bus.get_worker_count)

    def get_client_count(self) -> int:
        """How many clients are connected to the listener."""
        return self.call(self._bus.get_client_count)

    def get_log(self) -> list[str]:
        """The last lines of the kernel's log, and of stderr where a backend keeps it."""
        return self.call(self._bus.get_log)

    def get_pending_count(self) -> int:
        """How many requests wait for their answers."""
        return self._bus.get_pending_count()

    # The thread

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine of the bus on its thread and wait for it."""
        if self._loop is None:  # not started, or stopped: it ends without waiting
            return _finish(work)
        if threading.current_thread() is self._thread:
            work.close()
            message = "a handler cannot wait on the thread that runs it: use send() or respond(), or another thread"
            raise InvalidStateError(message)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[[], Result]) -> Result:
        """Call a function of the bus on its thread and wait for it."""
        if self._loop is None or threading.current_thread() is self._thread:
            return function()
        done: concurrent.futures.Future[Result] = concurrent.futures.Future()

        def work() -> None:
            try:
                done.set_result(function())
            except BaseException as error:  # noqa: BLE001 - raised where it was called
                done.set_exception(error)

        self._loop.call_soon_threadsafe(work)
        return done.result()

    def _start(self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        if self.get_state() is not BusState.CREATED or self._loop is not None:
            message = f"start() was called before, the bus is {self.get_state().name}: make a new one"
            raise InvalidStateError(message)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stdiobus", daemon=True)
        self._thread.start()
        try:
            return self.run(work())
        except BaseException:
            self.destroy()
            raise

    def _end_thread(self) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self.run(_let_others_end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None


def _finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that does not wait."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    work.close()
    message = "the bus is not running"
    raise InvalidStateError(message)


async def _let_others_end() -> None:
    """Let other threads' calls, which have failed by now, report to them before the loop ends."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, stubborn = await asyncio.wait(others, timeout=_LAST_WORDS_SEC)
        for task in stubborn:
            task.cancel()
    await asyncio.sleep(0)
