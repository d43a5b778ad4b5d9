"""Faults in how things end (SDK-CAN)."""

from __future__ import annotations

import asyncio
from typing import Any

from patches import fault, in_place_of

from pytest_stdiobus.bus import AsyncStdioBus, BusState, InvalidStateError
from pytest_stdiobus.bus.backends.subprocess import SubprocessBackend
from pytest_stdiobus.bus.calls import CallTable
from pytest_stdiobus.bus.life import BusLife


@fault
def leaves_who_waits_when_it_stops() -> None:
    """Who waits for an answer is told nothing when the client stops."""

    @in_place_of(BusLife, "stop")
    async def stop(usual: Any, self: Any, *timeout: Any, **named: Any) -> None:
        self._calls.fail_all = lambda _: None
        await usual(self, *timeout, **named)


@fault
def leaves_who_waits_when_the_kernel_ends() -> None:
    """Who waits for an answer is told nothing when the kernel has ended."""

    @in_place_of(BusLife, "backend_lost")
    def backend_lost(_usual: Any, self: Any, error: Any) -> None:
        self._end = error
        self._end_inbound()


@fault
def loses_last_words() -> None:
    """What a kernel wrote just before it ended is not read."""

    @in_place_of(SubprocessBackend, "child_line")
    def child_line(usual: Any, self: Any, line: bytes) -> None:
        def late() -> None:
            if self.state is BusState.RUNNING:
                usual(self, line)

        asyncio.get_running_loop().call_later(0.1, late)


@fault
def waits_for_the_dead() -> None:
    """That a worker has died is no reason to end a request."""

    @in_place_of(CallTable, "answer")
    def answer(usual: Any, self: Any, message: Any) -> Any:
        error = message.get("error")
        data = error.get("data") if isinstance(error, dict) else None
        is_news = isinstance(data, dict) and data.get("reason") == "worker_exited"
        return None if is_news else usual(self, message)


@fault
def counts_what_was_given_up() -> None:
    """A request that nobody waits for is pending until it is answered."""

    @in_place_of(CallTable, "__len__")
    def count(_usual: Any, self: Any) -> int:
        return len(self._calls)


@fault
def keeps_what_was_refused() -> None:
    """A request that was answered by an error is pending for ever."""
    refused = []

    @in_place_of(CallTable, "answer")
    def answer(usual: Any, self: Any, message: Any) -> Any:
        if "error" in message:
            refused.append(message)
        return usual(self, message)

    @in_place_of(CallTable, "__len__")
    def count(usual: Any, self: Any) -> int:
        return int(usual(self)) + len(refused)


@fault
def takes_its_time_to_stop() -> None:
    """A stop takes a second with nothing to do."""

    @in_place_of(BusLife, "stop")
    async def stop(usual: Any, *arguments: Any, **named: Any) -> None:
        await asyncio.sleep(1)
        await usual(*arguments, **named)


@fault
def gives_kernels_all_the_time_they_want() -> None:
    """A stop waits for the kernel, whatever its timeout."""

    @in_place_of(SubprocessBackend, "stop")
    async def stop(usual: Any, self: Any, _timeout: float) -> None:
        await usual(self, 30)


@fault
def stops_only_once() -> None:
    """A stop of a client that has stopped is an error."""

    @in_place_of(BusLife, "stop")
    async def stop(usual: Any, self: Any, *arguments: Any, **named: Any) -> None:
        if self.get_state() is BusState.STOPPED:
            message = "this bus has stopped"
            raise InvalidStateError(message)
        await usual(self, *arguments, **named)


@fault
def starts_another_kernel() -> None:
    """A kernel that has ended is replaced by another."""

    @in_place_of(SubprocessBackend, "child_exited")
    def child_exited(usual: Any, self: Any, status: int) -> None:
        was_running = self.state is BusState.RUNNING
        usual(self, status)
        if was_running:
            self._exited.clear()
            self._again = asyncio.ensure_future(self.start())


@fault
def waits_for_a_bus_that_has_stopped() -> None:
    """A call after the end waits for what never comes."""

    @in_place_of(AsyncStdioBus, "request")
    async def request(usual: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        if self.get_state() is BusState.STOPPED:
            await asyncio.Event().wait()
        return await usual(self, *arguments, **named)
