# SPDX-License-Identifier: Apache-2.0
"""What the reference and the published Python client have in common: the names of their methods, arguments and types."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from adapter import CLOSE_S, After, Call, Pulled, Sdk, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

_PROBE_S = 5.0
_LINE = '{"jsonrpc":"2.0","method":"probe"}'
_OPTIONS = {"session": "session_id", "timeout_ms": "timeout_ms"}
_PYTHON = {
    "subjectId": "subject_id",
    "assertedBy": "asserted_by",
    "eventId": "event_id",
    "parentEventId": "parent_event_id",
}


class Client(Sdk):
    """An ``AsyncStdioBus``; a subclass says of which package, and adds what the package has more."""

    api: ClassVar[Any]
    extension: ClassVar[Any]  # the class of an offered extension
    backends: ClassVar[list[str]] = ["native", "subprocess", "docker"]

    def __init__(self) -> None:
        """Begin without a bus."""
        super().__init__()
        self._opened: Any = None
        self._command: Call = {}
        self._threads = _threads()

    @property
    def bus(self) -> Any:
        """The bus that is open, or has been.

        Raises:
            StdioBusError: there is none.
        """
        if self._opened is None:
            message = "no bus is open: open comes first"
            raise self.api.InvalidStateError(message)
        return self._opened

    def made(self, bus: Any) -> None:
        """Prepare a bus before it starts."""

    def has_descriptor(self) -> bool:
        """Whether the kernel in the client's own process gives it a descriptor to watch."""
        return True

    async def open(self, command: Call) -> None:
        """A bus of the configuration; `kernel` is the executable, with docker the image."""
        self._opened, self._command = None, command
        bus = self._bus_of(command)
        self._opened = bus
        await bus.start()

    async def close(self) -> None:
        """Stop the bus."""
        if self._opened is not None:
            await self._opened.stop(CLOSE_S)

    def error(self, error: Exception) -> dict[str, Any]:
        """The canonical code and name of the client's own errors."""
        if isinstance(error, self.api.StdioBusError):
            code = self.api.errors.ErrorCode(error.code)
            return {"code": code.value, "name": code.name, "message": str(error)}
        return super().error(error)

    async def op_request(self, call: Call) -> Any:
        """The result of a request."""
        return await self.bus.request(call["method"], call.get("params"), **self.where(call), **self.how(call))

    async def op_stream(self, call: Call) -> Pulled:
        """A stream, which sends its request when it is first pulled."""
        stream = self.bus.stream_request(call["method"], call.get("params"), **self.where(call), **self.how(call))
        return Pulled(stream, _event, stream.aclose)

    async def op_send(self, call: Call) -> After:
        """A line as it is."""
        self.bus.send(call["line"])
        return After.DONE

    async def op_on_message(self, call: Call) -> After:
        """Every line that arrives, unasked."""
        self.bus.on_message(lambda line: self.tell(call=call["id"], event="notification", value=line))
        return After.OPEN

    async def op_on_notification(self, call: Call) -> After:
        """Every line that is a notification, unasked."""
        self.bus.on_notification(lambda line: self.tell(call=call["id"], event="notification", value=line))
        return After.OPEN

    async def op_hello(self, call: Call) -> dict[str, Any]:
        """The handshake."""
        offer = call["offer"]
        extensions = {name: self.extension(**extension) for name, extension in offer.get("extensions", {}).items()}
        agreed = await self.bus.hello(self.api.HelloParams(offer["protocolVersion"], extensions))
        active = {name: {"version": e.version, "active": e.active} for name, e in agreed.extensions.items()}
        version = agreed.negotiated_protocol_version
        return {"negotiatedProtocolVersion": version, "sessionId": agreed.session_id, "extensions": active}

    async def op_stop(self, call: Call) -> After:
        """Stop, within a time."""
        await self.bus.stop(**({"timeout_sec": call["timeout_ms"] / 1000} if "timeout_ms" in call else {}))
        return After.DONE

    async def op_destroy(self, _call: Call) -> After:
        """End at once."""
        self.bus.destroy()
        return After.DONE

    async def op_state(self, _call: Call) -> str:
        """The name of the state."""
        name: str = self.bus.get_state().name
        return name

    async def op_stats(self, _call: Call) -> dict[str, int]:
        """The kernel's counters, and how many workers and clients there are."""
        counts = {"workers": self.bus.get_worker_count(), "clients": self.bus.get_client_count()}
        return {**vars(self.bus.get_stats()), **counts}

    async def op_probe(self, call: Call) -> Any:
        """What a use that the SDK does not allow comes to: the error, or null; or how many threads it has made, or an error."""
        if call["name"] == "threads":
            return _threads() - self._threads
        if call["name"] == "foreign_thread_send":
            return await self._apart(lambda: self.bus.send(_LINE))
        if call["name"] == "second_loop":
            return await self._apart(lambda: asyncio.run(asyncio.wait_for(self.bus.request("probe"), _PROBE_S)))
        if call["name"] == "without_reader":
            return await self._apart(lambda: asyncio.run(self._ask_by_timer()))
        if call["name"] == "descriptor" and self.has_descriptor():
            return None
        if call["name"] == "error_of_code":
            return self.error(self.api.errors.error_from_code(call["code"], "probe"))
        raise UnsupportedError

    def where(self, call: Call) -> dict[str, Any]:
        """The arguments that say where a call goes."""
        return {name: call[key] for key, name in (("pool", "pool"), ("session", "session_id")) if key in call}

    def how(self, call: Call) -> dict[str, Any]:
        """The other arguments of a request."""
        given: dict[str, Any] = {"timeout_ms": call["timeout_ms"]} if "timeout_ms" in call else {}
        chosen, extension = call.get("options", {}), call.get("extension", {})
        known: dict[str, Any] = {name: chosen[key] for key, name in _OPTIONS.items() if key in chosen}
        if "agent" in call:
            known["agent_id"] = call["agent"]
        for name, kind in (("identity", self.api.Identity), ("audit", self.api.AuditEvent)):
            if name in extension:
                known[name] = kind(**{_PYTHON.get(key, key): value for key, value in extension[name].items()})
        return {**given, "options": self.api.RequestOptions(**known)} if known else given

    def _bus_of(self, command: Call) -> Any:
        api, kernel, config = self.api, command.get("kernel"), command["config"]
        limits = api.LimitsConfig(**config["limits"]) if "limits" in config else None
        bus = api.AsyncStdioBus(
            api.BusConfig(pools=[api.PoolConfig(**pool) for pool in config["pools"]], limits=limits),
            backend=command["backend"],
            subprocess=api.SubprocessOptions(binary_path=kernel) if kernel else None,
            docker=api.DockerOptions(**_docker(command)),
            **command.get("options", {}),
        )
        self.made(bus)
        return bus

    async def _ask_by_timer(self) -> None:
        loop: Any = asyncio.get_running_loop()
        loop.add_reader = _refuse
        bus = self._bus_of(self._command)
        await bus.start()
        try:
            await bus.request("probe", timeout_ms=_PROBE_S * 1000)
        finally:
            await bus.stop(CLOSE_S)

    async def _apart(self, use: Callable[[], object]) -> dict[str, Any] | None:
        """What `use` raises in a thread of its own.

        Raises:
            TimeoutError: it does not return.
        """
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
            thread.join(0)


def _event(event: Any) -> tuple[str, Any]:
    kind = str(getattr(event.type, "value", event.type))
    return kind, event.text if kind == "chunk" else event.result


def _docker(command: Call) -> dict[str, Any]:
    image = {"image": command["kernel"]} if "kernel" in command else {}
    return {**image, "extra_args": command.get("extra_args", [])}


def _refuse(*_: object) -> None:
    raise NotImplementedError


def _threads() -> int:
    """How many threads this process has; those that no Python code began included, where the system tells."""
    if os.path.isdir("/proc/self/task"):
        return len(os.listdir("/proc/self/task"))
    return threading.active_count()
