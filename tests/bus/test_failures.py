"""Which failure is which error, on every backend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import (
    ErrorCode,
    InternalError,
    InvalidArgumentError,
    InvalidStateError,
    LimitsConfig,
    NegotiationFailedError,
    RemoteError,
    ResourceExhaustedError,
    StdioBusError,
    TimeoutError,  # noqa: A004 - ours
    TransportError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_stdiobus.bus import AsyncStdioBus
    from tests.conftest import MakeBus, WorkerPool

BOUND_SEC = 10
# Answers with the error that stands in the params; says nothing on the method "wait"; dies of "die".
FAILS = """
for m in lines:
    if m["method"] == "die": sys.exit(3)
    if m["method"] != "wait":
        send({"jsonrpc": "2.0", "id": m["id"], "sessionId": m["sessionId"], "error": m.get("params")})
"""
METHOD_NOT_FOUND = {"code": -32601, "message": "?"}


@pytest.mark.req("SDK-ERR-01", "SDK-ERR-03")
@pytest.mark.parametrize(
    ("call", "kind", "code"),
    [
        (lambda bus: bus.request("m", object()), InvalidArgumentError, ErrorCode.INVALID_ARGUMENT),
        (lambda bus: bus.start(), InvalidStateError, ErrorCode.INVALID_STATE),
        (lambda bus: bus.request("wait", timeout_ms=20), TimeoutError, ErrorCode.TIMEOUT),
        (lambda bus: bus.request("die"), TransportError, ErrorCode.TRANSPORT_ERROR),
        (lambda bus: bus.hello(), TransportError, ErrorCode.TRANSPORT_ERROR),
        (lambda bus: bus.request("m", METHOD_NOT_FOUND), InternalError, -32601),
    ],
    ids=["argument", "state", "timeout", "death", "no error object", "remote"],
)
async def test_every_failure_has_its_canonical_error(
    make_stdiobus: MakeBus,
    worker: WorkerPool,
    call: Callable[[AsyncStdioBus], Awaitable[object]],
    kind: type[StdioBusError],
    code: int,
) -> None:
    bus = await make_stdiobus([worker(FAILS)])
    with pytest.raises(StdioBusError) as caught:
        await asyncio.wait_for(call(bus), BOUND_SEC)
    assert isinstance(caught.value, kind)
    assert caught.value.code == code
    assert caught.value.message


@pytest.mark.req("SDK-ERR-01", "SDK-WIR-05")
async def test_no_agreement_has_its_own_code(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(FAILS.replace('m.get("params")', repr(METHOD_NOT_FOUND)))])
    with pytest.raises(NegotiationFailedError) as caught:
        await bus.hello()
    assert caught.value.code == ErrorCode.NEGOTIATION_FAILED


@pytest.mark.req("SDK-ERR-01", "SDK-ERR-02")
async def test_a_pool_without_workers_is_unavailable(make_stdiobus: MakeBus, worker: WorkerPool) -> None:
    bus = await make_stdiobus([worker(FAILS)], limits=LimitsConfig(max_restarts=0))
    with pytest.raises(TransportError, match="worker_exited"):
        await bus.request("die")
    with pytest.raises(UnavailableError, match=r"no_worker \(-32091\)") as caught:
        await bus.request("m")
    assert caught.value.code == ErrorCode.UNAVAILABLE


@pytest.mark.req("SDK-ERR-01", "SDK-ERR-02")
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-32090, TransportError),
        (-32091, UnavailableError),
        (-32092, InvalidArgumentError),
        (-32093, ResourceExhaustedError),
        (-32095, TransportError),
        (-32096, ResourceExhaustedError),
        (-32097, TransportError),
        (-32600, InvalidArgumentError),
        (-32099, InternalError),
    ],
)
async def test_an_error_counts_as_the_kernels_when_its_data_says_so(
    make_stdiobus: MakeBus, worker: WorkerPool, code: int, kind: type[StdioBusError]
) -> None:
    bus = await make_stdiobus([worker(FAILS)])
    with pytest.raises(kind, match=rf"why \({code}\)") as caught:
        await bus.request("m", {"code": code, "message": "?", "data": {"source": "stdio_bus", "reason": "why"}})
    assert not isinstance(caught.value, RemoteError)
    assert caught.value.code == kind.code


@pytest.mark.req("SDK-ERR-02")
@pytest.mark.parametrize("code", [*[int(code) for code in ErrorCode], 0, -1, -32090, -32091, -32095, -32700, 2**53])
@pytest.mark.parametrize("data", [None, {"source": "worker", "reason": "é"}, [1]])
async def test_a_workers_error_keeps_code_message_and_data(
    make_stdiobus: MakeBus, worker: WorkerPool, code: int, data: Any
) -> None:
    bus = await make_stdiobus([worker(FAILS)])
    error = {"code": code, "message": "no\ud83d é", "data": data}
    with pytest.raises(RemoteError) as caught:
        await bus.request("m", error)
    assert (caught.value.code, caught.value.message, caught.value.data) == (code, "no\ud83d é", data)
    assert not isinstance(caught.value, (TimeoutError, TransportError))


@pytest.mark.req("SDK-ERR-02")
@pytest.mark.parametrize("error", ["text", 3, [], {}, {"code": "3"}, {"code": True, "message": ""}, {"message": "no"}])
async def test_an_error_that_is_no_error_object_is_a_transport_error(
    make_stdiobus: MakeBus, worker: WorkerPool, error: Any
) -> None:
    code = FAILS.replace('m.get("params")', 'm["params"][0]')
    bus = await make_stdiobus([worker(code)])
    with pytest.raises(TransportError):
        await bus.request("m", [error], timeout_ms=BOUND_SEC * 1000)
    assert bus.get_pending_count() == 0
