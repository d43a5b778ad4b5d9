"""Faults in what becomes of errors (SDK-ERR)."""

from __future__ import annotations

import math
from typing import Any

from patches import fault, in_place_of

from pytest_stdiobus.bus import RemoteError, TransportError, UnavailableError, calls, errors
from pytest_stdiobus.bus.calls import CallTable
from pytest_stdiobus.bus.destinations import Destinations
from pytest_stdiobus.bus.life import BusLife


@fault
def calls_a_timeout_a_transport_error() -> None:
    """That time is over is an error of the transport."""
    vars(calls)["TimeoutError"] = TransportError


@fault
def lets_streams_take_their_time() -> None:
    """The time of a stream is not limited."""

    @in_place_of(CallTable, "limit")
    def limit(usual: Any, self: Any, loop: Any, message_id: str, timeout: float) -> None:
        usual(self, loop, message_id, timeout if self._calls[message_id].on_chunk is None else math.inf)


@fault
def ignores_the_time_of_its_own() -> None:
    """The time that a client was given for all its requests counts for nothing."""

    @in_place_of(BusLife, "__init__")
    def begin(usual: Any, *arguments: Any, **named: Any) -> None:
        usual(*arguments, **{key: value for key, value in named.items() if key != "timeout_ms"})


@fault
def knows_one_class_for_all_codes() -> None:
    """Every canonical code has the same error."""

    @in_place_of(errors, "error_from_code")
    def error_from_code(_usual: Any, _code: int, message: str, details: Any = None) -> Any:
        return errors.InternalError(message, details)


@fault
def calls_an_unknown_pool_unavailable() -> None:
    """A pool that is not configured is one whose workers have gone."""

    @in_place_of(Destinations, "check_pool")
    def check_pool(_usual: Any, self: Any, pool: str) -> None:
        if pool not in self._pool_ids:
            message = f"there is no pool {pool}"
            raise UnavailableError(message)


@fault
def takes_small_codes_for_its_own() -> None:
    """The code of a worker's error is looked up among the client's own."""

    @in_place_of(calls, "error_from_wire")
    def error_from_wire(usual: Any, error: Any) -> Any:
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, int) and 0 < code < 100:
            return errors.error_from_code(code, error["message"])
        return usual(error)


@fault
def goes_by_the_number() -> None:
    """A number of the kernel's is taken for the kernel's, whoever says it."""

    @in_place_of(calls, "error_from_wire")
    def error_from_wire(usual: Any, error: Any) -> Any:
        if isinstance(error, dict) and error.get("code") in errors._KERNEL_ERRORS:
            data = error.get("data")
            error = {**error, "data": {**(data if isinstance(data, dict) else {}), "source": "stdio_bus"}}
        return usual(error)


@fault
def loses_the_data_of_errors() -> None:
    """The data of a worker's error is lost."""

    @in_place_of(calls, "error_from_wire")
    def error_from_wire(usual: Any, error: Any) -> Any:
        found = usual(error)
        return RemoteError(found.code, found.message) if isinstance(found, RemoteError) else found


@fault
def takes_the_kernel_for_a_worker() -> None:
    """An error of the kernel's is handed on as a worker's."""

    @in_place_of(calls, "error_from_wire")
    def error_from_wire(usual: Any, error: Any) -> Any:
        is_error = isinstance(error, dict) and isinstance(error.get("code"), int)
        return RemoteError(error["code"], str(error.get("message")), error.get("data")) if is_error else usual(error)


@fault
def knows_one_class_for_the_kernel() -> None:
    """Every error of the kernel's is one of the transport."""

    @in_place_of(calls, "error_from_wire")
    def error_from_wire(usual: Any, error: Any) -> Any:
        found = usual(error)
        return found if isinstance(found, RemoteError) else TransportError(found.message, found.details)
