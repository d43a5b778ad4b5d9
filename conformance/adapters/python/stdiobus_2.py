# SPDX-License-Identifier: Apache-2.0
"""The adapter of the published Python client, the package ``stdiobus`` 2.x: ``python stdiobus_2.py``."""

from __future__ import annotations

from typing import Any, ClassVar

import stdiobus
import stdiobus.types
from adapter import After, Call, Pulled, UnsupportedError, main
from bus_client import Client

_OVERFLOW = {"drop_newest": "drop", "close": "close"}


class Published(Client):
    """The published client. It names no pools and answers no requests of workers."""

    api: ClassVar[Any] = stdiobus
    extension: ClassVar[Any] = stdiobus.types.ExtensionInfo
    name: ClassVar[str] = "stdiobus"
    version: str = stdiobus.__version__

    def where(self, call: Call) -> dict[str, Any]:
        """The session; there is no argument for a pool."""
        if "pool" in call:
            raise UnsupportedError
        return super().where(call)

    def has_descriptor(self) -> bool:
        """Its library gives none on some systems, and nothing public tells."""
        backend: Any = self.bus._backend  # noqa: SLF001 - as it says
        return backend._poll_fd is not None  # noqa: SLF001

    async def op_notify(self, call: Call) -> After:
        """A notification, whose session is an option."""
        given = {"options": self.api.RequestOptions(**self.where(call))} if self.where(call) else {}
        await self.bus.notify(call["method"], call.get("params"), **given)
        return After.DONE

    async def op_subscribe(self, call: Call) -> Pulled:
        """All notifications; it knows no pools and drops no old ones."""
        if "pool" in call or call.get("policy", "close") not in _OVERFLOW:
            raise UnsupportedError
        given = {"max_queue": call["max_queue"]} if "max_queue" in call else {}
        if "policy" in call:
            given["overflow"] = _OVERFLOW[call["policy"]]
        subscription = self.bus.subscribe_notifications(**given)

        async def close() -> None:
            subscription.close()

        return Pulled(subscription, lambda item: ("notification", item), close)

    async def op_pending(self, _call: Call) -> int:
        """How many requests wait; nothing public tells."""
        return len(self.bus._pending_requests)  # noqa: SLF001 - as it says


if __name__ == "__main__":
    main(Published())
