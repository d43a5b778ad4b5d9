# SPDX-License-Identifier: Apache-2.0
"""The adapter of the reference client, `pytest_stdiobus.bus.AsyncStdioBus`: ``python reference.py``."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import threading
from typing import Any, ClassVar

from adapter import CLOSE_S, After, Call, Pulled, Sdk, UnsupportedError, main

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    AuditEvent,
    BusConfig,
    DockerOptions,
    ErrorCode,
    ExtensionInfo,
    HelloParams,
    Identity,
    InvalidStateError,
    LimitsConfig,
    PoolConfig,
    RemoteError,
    RequestOptions,
    StdioBusError,
    StreamEvent,
    SubprocessOptions,
)

_PROBE_S = 5.0
_OPTIONS = {"session": "session_id", "timeout_ms": "timeout_ms"}
_PYTHON = {
    "subjectId": "subject_id",
    "assertedBy": "asserted_by",
    "eventId": "event_id",
    "parentEventId": "parent_event_id",
}
_LINE = '{"jsonrpc":"2.0","method":"probe"}'


class Reference(Sdk):
    """The reference client."""

    name: ClassVar[str] = "pytest-stdiobus"
    backends: ClassVar[list[str]] = ["native", "subprocess", "docker"]
    version = importlib.metadata.version("pytest-stdiobus")

    def __init__(self) -> None:
        """Begin without a bus."""
        super().__init__()
        self._opened: AsyncStdioBus | None = None
        self._threads = _threads()

    @property
    def _bus(self) -> AsyncStdioBus:
        if self._opened is None:
            message = "no bus is open: open comes first"
            raise InvalidStateError(message)
        return self._opened

    async def open(self, command: Call) -> None:
        """A bus of the configuration; `kernel` is the executable, with docker the image."""
        config, kernel = command["config"], command.get("kernel")
        limits = LimitsConfig(**config["limits"]) if "limits" in config else None
        bus = AsyncStdioBus(
            BusConfig(pools=[PoolConfig(**pool) for pool in config["pools"]], limits=limits),
            backend=command["backend"],
            subprocess=SubprocessOptions(binary_path=kernel or ""),
            docker=DockerOptions(image=kernel) if kernel else None,
            **command.get("options", {}),
        )
        bus.on_request(lambda _: None)  # the kit answers, or does not
        self._opened = bus
        await bus.start()

    async def close(self) -> None:
        """Stop the bus."""
        if self._opened is not None:
            await self._opened.stop(CLOSE_S)

    def error(self, error: Exception) -> dict[str, Any]:
        """The canonical name and code; of a worker's error the error itself."""
        if isinstance(error, RemoteError):
            rpc = {"code": error.code, "message": error.message}
            return {
                "name": "REMOTE",
                "message": str(error),
                "rpc": rpc | ({} if error.data is None else {"data": error.data}),
            }
        if isinstance(error, StdioBusError):
            return {"code": int(error.code), "name": ErrorCode(error.code).name, "message": str(error)}
        return super().error(error)

    async def op_request(self, call: Call) -> Any:
        """The result of a request."""
        return await self._bus.request(call["method"], call.get("params"), **_where(call), **_how(call))

    async def op_stream(self, call: Call) -> Pulled:
        """A stream, which sends its request when it is first pulled."""
        stream = self._bus.stream_request(call["method"], call.get("params"), **_where(call), **_how(call))
        return Pulled(stream, _event, stream.aclose)

    async def op_notify(self, call: Call) -> After:
        """A notification."""
        await self._bus.notify(call["method"], call.get("params"), **_where(call))
        return After.DONE

    async def op_send(self, call: Call) -> After:
        """A line as it is."""
        self._bus.send(call["line"])
        return After.DONE

    async def op_respond(self, call: Call) -> After:
        """The answer to a worker's request."""
        await self._bus.respond(call["request"], call.get("result"), call.get("error"))
        return After.DONE

    async def op_subscribe(self, call: Call) -> Pulled:
        """The notifications of a pool, or of all."""
        given = {name: call[key] for key, name in (("policy", "overflow_policy"), ("max_queue",) * 2) if key in call}
        subscription = self._bus.subscribe(call.get("pool"), **given)

        async def close() -> None:
            self._bus.unsubscribe(subscription)

        return Pulled(subscription, lambda item: ("notification", item), close, lambda: subscription.dropped)

    async def op_on_message(self, call: Call) -> After:
        """Every line that arrives, unasked."""
        self._bus.on_message(lambda line: self.tell(call=call["id"], event="notification", value=line))
        return After.OPEN

    async def op_on_notification(self, call: Call) -> After:
        """Every line that is a notification, unasked."""
        self._bus.on_notification(lambda line: self.tell(call=call["id"], event="notification", value=line))
        return After.OPEN

    async def op_hello(self, call: Call) -> dict[str, Any]:
        """The handshake."""
        offer = call["offer"]
        extensions = {name: ExtensionInfo(**extension) for name, extension in offer.get("extensions", {}).items()}
        agreed = await self._bus.hello(HelloParams(offer["protocolVersion"], extensions))
        active = {name: {"version": e.version, "active": e.active} for name, e in agreed.extensions.items()}
        version = agreed.negotiated_protocol_version
        return {"negotiatedProtocolVersion": version, "sessionId": agreed.session_id, "extensions": active}

    async def op_stop(self, call: Call) -> After:
        """Stop, within a time."""
        await self._bus.stop(**({"timeout_sec": call["timeout_ms"] / 1000} if "timeout_ms" in call else {}))
        return After.DONE

    async def op_destroy(self, _call: Call) -> After:
        """End at once."""
        self._bus.destroy()
        return After.DONE

    async def op_state(self, _call: Call) -> str:
        """The name of the state."""
        return self._bus.get_state().name

    async def op_stats(self, _call: Call) -> dict[str, int]:
        """The kernel's counters, and how many workers and clients there are."""
        counts = {"workers": self._bus.get_worker_count(), "clients": self._bus.get_client_count()}
        return {**vars(self._bus.get_stats()), **counts}

    async def op_pending(self, _call: Call) -> int:
        """How many requests wait."""
        return self._bus.get_pending_count()

    async def op_probe(self, call: Call) -> Any:
        """What a use that the SDK does not allow comes to: the error, or null."""
        if call["name"] == "threads":
            return _threads() - self._threads
        if call["name"] == "foreign_thread_send":
            return await self._apart(self._send_elsewhere)
        if call["name"] == "second_loop":
            return await self._apart(lambda: asyncio.run(asyncio.wait_for(self._ask_elsewhere(), _PROBE_S)))
        raise UnsupportedError

    def _send_elsewhere(self) -> None:
        self._bus.send(_LINE)

    async def _ask_elsewhere(self) -> None:
        await self._bus.request("probe")

    async def _apart(self, use: Any) -> dict[str, Any] | None:
        """What `use` raises in a thread of its own."""
        loop = asyncio.get_running_loop()
        came_to: asyncio.Future[dict[str, Any] | None] = loop.create_future()

        def run() -> None:
            try:
                use()
            except Exception as error:  # noqa: BLE001 - it is told
                loop.call_soon_threadsafe(came_to.set_result, self.error(error))
            else:
                loop.call_soon_threadsafe(came_to.set_result, None)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            return await asyncio.wait_for(came_to, 2 * _PROBE_S)
        finally:
            thread.join(_PROBE_S)


def _where(call: Call) -> dict[str, Any]:
    names = {"pool": "pool", "session": "session_id"}
    return {name: call[key] for key, name in names.items() if key in call}


def _how(call: Call) -> dict[str, Any]:
    given: dict[str, Any] = {"timeout_ms": call["timeout_ms"]} if "timeout_ms" in call else {}
    chosen, extension = call.get("options", {}), call.get("extension", {})
    known: dict[str, Any] = {name: chosen[key] for key, name in _OPTIONS.items() if key in chosen}
    if "agent" in call:
        known["agent_id"] = call["agent"]
    for name, kind in (("identity", Identity), ("audit", AuditEvent)):
        if name in extension:
            known[name] = kind(**{_PYTHON.get(key, key): value for key, value in extension[name].items()})
    return {**given, "options": RequestOptions(**known)} if known else given


def _event(event: StreamEvent) -> tuple[str, Any]:
    return event.type.value, event.data


def _threads() -> int:
    """How many threads this process has; those that no Python code began included, where the system tells."""
    if os.path.isdir("/proc/self/task"):
        return len(os.listdir("/proc/self/task"))
    return threading.active_count()


if __name__ == "__main__":
    main(Reference())
