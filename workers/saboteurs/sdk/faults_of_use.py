"""Faults in how a client is started, driven and loaded (SDK-THR, SDK-LOD, SDK-STA, SDK-BIN)."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from typing import Any

from patches import fault, in_place_of

from pytest_stdiobus.bus import AsyncStdioBus, BusState, InvalidArgumentError, ResourceExhaustedError, UnavailableError
from pytest_stdiobus.bus.backends import subprocess as subprocess_backend
from pytest_stdiobus.bus.backends.child import ChildProcess
from pytest_stdiobus.bus.backends.native import NativeBackend
from pytest_stdiobus.bus.calls import CallTable
from pytest_stdiobus.bus.life import BusLife

_MOST_BYTES, _MOST_REQUESTS = 65536, 1000
_NOTHING = ""


@fault
def sends_from_any_thread() -> None:
    """A line from another thread is sent."""

    @in_place_of(BusLife, "_check_thread")
    def check_thread(_usual: Any, _self: Any) -> None:
        pass


@fault
def starts_a_thread() -> None:
    """A thread is started beside the event loop."""

    @in_place_of(BusLife, "start")
    async def start(usual: Any, self: Any) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        await usual(self)


@fault
def never_sleeps() -> None:
    """The event loop goes round without a pause."""

    @in_place_of(BusLife, "start")
    async def start(usual: Any, self: Any) -> None:
        await usual(self)
        loop = asyncio.get_running_loop()

        def again() -> None:
            if self.is_running():
                loop.call_soon(again)

        again()


@fault
def looks_again_and_again() -> None:
    """The library is asked a thousand times in a second whether there is something to do."""

    @in_place_of(NativeBackend, "_watch")
    def watch(_usual: Any, self: Any) -> None:
        self._poll()


@fault
def cannot_do_without_a_reader() -> None:
    """An event loop that can watch no descriptor is refused."""

    @in_place_of(NativeBackend, "_poll")
    def poll(_usual: Any, _self: Any) -> None:
        message = "this event loop has no add_reader"
        raise UnavailableError(message)


@fault
def serves_every_loop() -> None:
    """A second event loop is not told from the first."""

    @in_place_of(BusLife, "_check_loop")
    def check_loop(_usual: Any, _self: Any) -> Any:
        return asyncio.get_running_loop()


@fault
def blocks_on_writes() -> None:
    """A write waits until the kernel has read enough."""

    @in_place_of(ChildProcess, "_flush")
    def flush(usual: Any, self: Any) -> None:
        if self._stdin is not None:
            os.set_blocking(self._stdin, True)
        usual(self)


@fault
def drops_long_lines() -> None:
    """A line that is longer than a pipe holds is not read."""

    @in_place_of(BusLife, "line_received")
    def line_received(usual: Any, self: Any, line: bytes) -> None:
        if len(line) <= _MOST_BYTES:
            usual(self, line)


@fault
def refuses_long_lines() -> None:
    """A message that is longer than a pipe holds is not sent."""

    @in_place_of(BusLife, "_check_limits")
    def check_limits(_usual: Any, _self: Any, line: bytes) -> None:
        if len(line) > _MOST_BYTES:
            message = "the message is too long"
            raise InvalidArgumentError(message)


@fault
def allows_a_thousand_requests() -> None:
    """No more than a thousand requests may be in flight."""

    @in_place_of(AsyncStdioBus, "_send_request")
    def send_request(usual: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        if len(self._calls._calls) >= _MOST_REQUESTS:
            message = "too many requests are in flight"
            raise ResourceExhaustedError(message)
        return usual(self, *arguments, **named)


@fault
def has_always_started() -> None:
    """A start that fails is taken for one that did not."""

    @in_place_of(BusLife, "start")
    async def start(usual: Any, self: Any) -> None:
        try:
            await usual(self)
        except Exception:  # noqa: BLE001 - the fault
            self._end = None


@fault
def says_nothing_of_the_reason() -> None:
    """A start that fails does not say why."""

    @in_place_of(BusLife, "start")
    async def start(usual: Any, self: Any) -> None:
        try:
            await usual(self)
        except Exception as error:
            error.args = ("the bus cannot start",)
            raise


@fault
def takes_any_configuration() -> None:
    """What is wrong with a configuration is told by nobody."""

    @in_place_of(BusLife, "__init__")
    def begin(usual: Any, self: Any, *arguments: Any, **named: Any) -> None:
        try:
            usual(self, *arguments, **named)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(_NOTHING) from error

    @in_place_of(BusLife, "start")
    async def start(usual: Any, self: Any) -> None:
        try:
            await usual(self)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(_NOTHING) from error


@fault
def starts_without_looking() -> None:
    """Its kernel is taken for ready as soon as it was spawned, whatever becomes of it."""

    @in_place_of(subprocess_backend.SubprocessBackend, "_hand_over_configuration")
    async def hand_over(_usual: Any, self: Any, kernel: Any) -> None:
        self._become_ready()
        kernel.sendall(self._config.text.encode())


@fault
def says_running_for_ever() -> None:
    """Its state is RUNNING once it has started, whatever becomes of it."""

    @in_place_of(BusLife, "get_state")
    def get_state(usual: Any, self: Any) -> Any:
        state = usual(self)
        return min(state, BusState.RUNNING)


@fault
def says_starting_for_ever() -> None:
    """Its state is STARTING as long as it serves."""

    @in_place_of(BusLife, "get_state")
    def get_state(usual: Any, self: Any) -> Any:
        state = usual(self)
        return BusState.STARTING if state is BusState.RUNNING else state


@fault
def counts_no_streams() -> None:
    """A stream that waits is not pending."""

    @in_place_of(CallTable, "__len__")
    def count(_usual: Any, self: Any) -> int:
        return sum(call.waiter is not None and call.on_chunk is None for call in self._calls.values())


@fault
def mistakes_in_for_out() -> None:
    """What was sent is counted as received, and what was received as sent."""

    @in_place_of(BusLife, "get_stats")
    def get_stats(usual: Any, self: Any) -> Any:
        stats = usual(self)
        return replace(stats, messages_in=stats.messages_out, messages_out=stats.messages_in)


@fault
def counts_starts_for_restarts() -> None:
    """The first start of a worker is counted as a restart."""

    @in_place_of(BusLife, "get_stats")
    def get_stats(usual: Any, self: Any) -> Any:
        stats = usual(self)
        return replace(stats, worker_restarts=stats.worker_restarts + 1)


@fault
def counts_pools_for_workers() -> None:
    """The number of workers is that of the pools."""

    @in_place_of(BusLife, "get_worker_count")
    def get_worker_count(_usual: Any, self: Any) -> int:
        return len(self._config.pool_ids)


@fault
def replaces_a_kernel_that_is_not_there() -> None:
    """Where the kernel that was named is not there another is taken."""

    @in_place_of(subprocess_backend, "resolve_binary")
    def resolve_binary(usual: Any, path: str = "") -> Any:
        try:
            return usual(path)
        except UnavailableError:
            return usual()


@fault
def does_not_say_which_kernel() -> None:
    """That a kernel is not there is said without its path."""

    @in_place_of(subprocess_backend, "resolve_binary")
    def resolve_binary(usual: Any, path: str = "") -> Any:
        try:
            return usual(path)
        except UnavailableError as error:
            message = "no kernel"
            raise UnavailableError(message) from error
