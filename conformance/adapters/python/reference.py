# SPDX-License-Identifier: Apache-2.0
"""The adapter of the reference client, `pytest_stdiobus.bus.AsyncStdioBus`: ``python reference.py``."""

from __future__ import annotations

from typing import Any, ClassVar

from adapter import After, Call, Pulled, main
from bus_client import Client

from pytest_stdiobus import bus


class Reference(Client):
    """The reference client."""

    api: ClassVar[Any] = bus
    extension: ClassVar[Any] = bus.ExtensionInfo
    name: ClassVar[str] = "pytest-stdiobus"

    @property
    def version(self) -> str:
        """Of the installed package."""
        from importlib.metadata import version  # noqa: PLC0415 - a tenth of the time of a start, for one call

        return version("pytest-stdiobus")

    def made(self, bus: Any) -> None:
        """Leave the requests of workers to the kit."""
        bus.on_request(lambda _: None)

    def error(self, error: Exception) -> dict[str, Any]:
        """Of a worker's error the error itself."""
        if isinstance(error, bus.RemoteError):
            rpc: dict[str, Any] = {"code": error.code, "message": error.message}
            if error.data is not None:
                rpc["data"] = error.data
            return {"name": "REMOTE", "message": str(error), "rpc": rpc}
        return super().error(error)

    async def op_notify(self, call: Call) -> After:
        """A notification."""
        await self.bus.notify(call["method"], call.get("params"), **self.where(call))
        return After.DONE

    async def op_respond(self, call: Call) -> After:
        """The answer to a worker's request."""
        await self.bus.respond(call["request"], call.get("result"), call.get("error"))
        return After.DONE

    async def op_subscribe(self, call: Call) -> Pulled:
        """The notifications of a pool, or of all."""
        given = {name: call[key] for key, name in (("policy", "overflow_policy"), ("max_queue",) * 2) if key in call}
        subscription = self.bus.subscribe(call.get("pool"), **given)

        async def close() -> None:
            self.bus.unsubscribe(subscription)

        return Pulled(subscription, lambda item: ("notification", item), close, lambda: subscription.dropped)

    async def op_pending(self, _call: Call) -> int:
        """How many requests wait."""
        number: int = self.bus.get_pending_count()
        return number


if __name__ == "__main__":
    main(Reference())
