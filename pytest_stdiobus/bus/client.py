"""The asyncio client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus import handshake, messages
from pytest_stdiobus.bus.agent_requests import check_answer
from pytest_stdiobus.bus.arguments import check_call, check_handler, instance_of, milliseconds
from pytest_stdiobus.bus.calls import Ticket
from pytest_stdiobus.bus.errors import (
    InvalidArgumentError,
    InvalidStateError,
    RemoteError,
    StdioBusError,
)
from pytest_stdiobus.bus.handshake import HelloParams, HelloResult
from pytest_stdiobus.bus.life import BusLife
from pytest_stdiobus.bus.streaming import Stream
from pytest_stdiobus.bus.subscriptions import Subscription
from pytest_stdiobus.bus.types import BusState, OverflowPolicy

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pytest_stdiobus.bus.calls import Waiter
    from pytest_stdiobus.bus.destinations import Destination
    from pytest_stdiobus.bus.streaming import StreamBuffer
    from pytest_stdiobus.bus.types import RequestOptions


class AsyncStdioBus(BusLife):
    """A bus and its only embedded client, on the event loop that started it.

    Every call belongs to that loop: a coroutine awaited on another one raises `InvalidStateError`, and
    `send` from another thread `TransportError` (SDK-THR-01, SDK-THR-03). No thread is created (SDK-THR-04).
    """

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
        check_call(method, params, options)
        to = self._destinations.choose(method, pool, session_id, options)
        future: asyncio.Future[Any] = loop.create_future()
        message_id = self._send_request(
            loop, future, None, method, params, to=to, pool=pool, timeout_ms=timeout_ms, options=options
        )
        try:
            return await future
        except BaseException:
            self._calls.abandon(message_id)
            raise

    def stream_request(
        self,
        method: str,
        params: Any = None,
        *,
        pool: str | None = None,
        session_id: str | None = None,
        timeout_ms: float | None = None,
        options: RequestOptions | None = None,
    ) -> Stream:
        """Send a request when iterated, and give its text as it arrives, then its result (SDK-AGG-02).

        Streams on different sessions run at once. While one runs on the client's own session, another one
        without a session gets a session of its own (SDK-AGG-03).

        Arguments and errors are those of `request`; they are raised by the iteration. `timeout_ms` is the
        time until the result.

        Raises:
            InvalidStateError: a stream runs already on the session that was named.
        """

        def begin(buffer: StreamBuffer) -> Ticket:
            loop = self._check_ready()
            check_call(method, params, options)
            to = self._stream_destination(method, pool, session_id, options)
            message_id = self._send_request(
                loop, buffer, buffer.chunk, method, params, to=to, pool=pool, timeout_ms=timeout_ms, options=options
            )
            self._streams[to.session] = buffer
            return Ticket(self._calls, message_id)

        return Stream(begin, self._check_loop)

    async def hello(self, params: HelloParams | None = None, pool: str | None = None) -> HelloResult:
        """Offer a protocol version and extensions, and read what is agreed (SDK-WIR-04).

        Raises:
            NegotiationFailedError: the peer does not know hello, or lacks a required extension (SDK-WIR-05).
        """
        handshake.check_offer(params)
        offered = params if params is not None else HelloParams()
        try:
            result = await self.request(handshake.METHOD, offered.to_dict(), pool=pool)
        except RemoteError as error:
            if (failure := handshake.refused(error)) is None:
                raise
            raise failure from error
        agreed = handshake.read_result(result, offered)
        self._agent_session_id = agreed.session_id or None
        return agreed

    async def connect(self, params: HelloParams | None = None) -> HelloResult | None:
        """Start the bus and, when `params` are given, agree with the peer; what fails leaves no bus behind."""
        handshake.check_offer(params)
        await self.start()
        if params is None:
            return None
        try:
            return await self.hello(params)
        except BaseException:
            self.destroy()
            raise

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
        check_call(method, params, options)
        to = self._destinations.choose(method, pool, session_id, options)
        message = messages.notification(method, params, session_id=to.session, pool=pool, options=options)
        self._transmit(self._line(message))
        self._destinations.used(to)

    def send(self, message: str) -> bool:
        """Send a line as it is, without its LF.

        Raises:
            InvalidArgumentError: not one JSON object on one line.
            TransportError: called from another thread, or the bus stopped.
            InvalidStateError: not started.
        """
        self._check_thread()
        self._check_running()
        line = messages.raw_line(message)
        self._check_limits(line)
        self._transmit(line)
        return True

    def subscribe(
        self,
        pool: str | None = None,
        *,
        overflow_policy: OverflowPolicy | str = OverflowPolicy.DROP_OLDEST,
        max_queue: int = 256,
    ) -> Subscription:
        """Collect notifications from now on, each as a dict (SDK-SUB-01).

        Args:
            pool: only those of the sessions this client used with that pool; None for all.
            overflow_policy: what happens to one notification more than fits.
            max_queue: how many may wait to be taken.

        Raises:
            InvalidArgumentError: no such pool or policy, or a queue without room.
            TransportError: the bus has stopped.
        """
        self._check_thread()
        if self.get_state() >= BusState.STOPPING:
            self._check_running()
        if pool is not None:
            self._destinations.check_pool(pool)
        subscription = Subscription(pool, max_queue, overflow_policy, self._check_loop, self._inbound.forget)
        self._inbound.subscriptions.append(subscription)
        return subscription

    def subscribe_notifications(self, *, max_queue: int = 256, overflow: str = "drop") -> Subscription:
        """The name of the published client for `subscribe` to all; ``drop`` drops the newest."""
        policy = OverflowPolicy.DROP_NEWEST if overflow == "drop" else overflow
        return self.subscribe(max_queue=max_queue, overflow_policy=policy)

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription; what is buffered can still be taken (SDK-SUB-05)."""
        if subscription is None:
            message = "subscription: expected what subscribe() gave, got None"
            raise InvalidArgumentError(message)
        instance_of("subscription", Subscription, subscription)
        subscription.close()

    def on_request(self, handler: Callable[[dict[str, Any]], object]) -> None:
        """Call `handler`, a function or a coroutine function, with every request of a worker.

        It is answered with `respond`, at once or later. Without a handler the answer is -32601.
        """
        check_handler(handler)
        self._agent_requests.handlers.append(handler)

    async def respond(self, request: dict[str, Any], result: Any = None, error: dict[str, Any] | None = None) -> None:
        """Answer a worker's request with a result, or with an error ``{"code", "message", "data"}``.

        Raises:
            InvalidArgumentError: no request, both a result and an error, or no error object.
        """
        self._check_ready()
        check_answer(request, result, error)
        self._transmit(self._line(messages.answer(request, result=result, error=error)))

    def on_wire(self, handler: Callable[[str, str], object]) -> None:
        """Call `handler` with ``"out"`` or ``"in"`` and every line, without LF, that crosses the wire."""
        check_handler(handler)
        self._on_wire.append(handler)

    def on_message(self, handler: Callable[[str], object]) -> None:
        """Call `handler` with every line that arrives (SDK-SUB-04)."""
        check_handler(handler)
        self._inbound.on_message.append(handler)

    def on_notification(self, handler: Callable[[str], object]) -> None:
        """Call `handler` with every line that is a notification (SDK-SUB-04)."""
        check_handler(handler)
        self._inbound.on_notification.append(handler)

    def _send_request(
        self,
        loop: asyncio.AbstractEventLoop,
        waiter: Waiter,
        on_chunk: Callable[[str], object] | None,
        method: str,
        params: Any,
        *,
        to: Destination,
        pool: str | None,
        timeout_ms: float | None,
        options: RequestOptions | None,
    ) -> str:
        chosen = options.timeout_ms if options is not None and options.timeout_ms is not None else timeout_ms
        timeout = self._timeout_ms if chosen is None else milliseconds(chosen)
        message_id = str(next(self._ids))
        message = messages.request(message_id, method, params, session_id=to.session, pool=pool, options=options)
        line = self._line(message)
        call = self._calls.open(message, waiter, on_chunk)
        self._calls.limit(loop, message_id, timeout)
        try:
            self._transmit(line)
        except StdioBusError:
            self._calls.forget(message_id)
            raise
        self._destinations.used(to)
        for inner in call.sessions[1:]:
            self._destinations.learn(inner, to.pool)
        return message_id

    def _stream_destination(
        self, method: str, pool: str | None, session_id: str | None, options: RequestOptions | None
    ) -> Destination:
        to = self._destinations.choose(method, pool, session_id, options)
        running = self._streams.get(to.session)
        if running is None or running.done():
            return to
        if self._destinations.given(session_id, options) is not None:
            message = f"a stream runs already on session {to.session!r}: end it first, or name another session"
            raise InvalidStateError(message)
        return self._destinations.one_more(to)
