"""The program that hosts a kernel's library, told by a case which calls to make."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.channel import Lines
from pytest_stdiobus.kit.drivers.greeting import listener_at
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.pattern import raw

if TYPE_CHECKING:
    import socket

    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event
    from pytest_stdiobus.kit.pump import Pump

API, BUS, ITSELF = "host:api", "host:bus", "client:host"
_MOST = 65536
_ORDER_S = 5.0


@dataclass
class KernelHost:
    """The calls of one case, and what the host tells of them: ``workers/embedding_orders.py`` is at the other end.

    Attributes:
        pump: waits for what it tells.
        folder: where the socket is made.
        is_there: whether it has connected.
    """

    pump: Pump
    folder: str
    is_there: bool = False
    _listener: socket.socket = field(init=False)
    _control: socket.socket | None = None
    _lines: Lines = field(default_factory=Lines)
    _actors: set[str] = field(default_factory=lambda: {API, BUS})

    def __post_init__(self) -> None:
        """Listen."""
        self._listener = listener_at(self.address)
        self.pump.watch(self._listener.fileno(), self._accept)

    @property
    def address(self) -> str:
        """The path of the socket."""
        return os.path.join(self.folder, "host")

    def arguments(self, *, workers: str, listener: str) -> list[str]:
        """What lets the program take orders, in place of being like a kernel.

        Args:
            workers: the socket to which workers say hello.
            listener: the path of the bus's own socket.
        """
        return ["--control", self.address, "--workers", workers, "--unix", listener]

    def order(self, step: Step, value: Any, index: int) -> Event:
        """Tell it what to do; a message that is handed over is one of the client that the host is.

        Raises:
            HarnessError: the step is not an order.
        """
        if step.verb != "send":
            message = f"{step.actor} cannot {step.verb}"
            raise HarnessError(message)
        self._hands_over(value, step=index)
        for later in value.get("orders", ()):
            self._hands_over(later, step=index, planned=True)
        event = self.pump.history.add(step.actor, "line", dir="in", data=wire.encode(value), step=index)
        if self._control is None:
            self._end()
            return event
        with contextlib.suppress(OSError):  # it has ended, which the next step sees
            self._control.settimeout(_ORDER_S)
            self._control.sendall(event.data + b"\n")
            self._control.setblocking(False)
        return event

    def _hands_over(self, order: dict[str, Any], **facts: Any) -> None:
        if order.get("call") == "ingest" and order["line"] is not None:
            for line in raw(order["line"]).split(b"\n") * order.get("times", 1):
                self.pump.history.add(ITSELF, "line", dir="in", data=line, **facts)

    def close(self) -> None:
        """Hang up."""
        self._listener.close()
        if self._control is not None:
            self._control.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._control, _ = self._listener.accept()
            self._control.setblocking(False)
            self.pump.watch(self._control.fileno(), self._hear)
            self.is_there = True

    def _hear(self) -> None:
        assert self._control is not None
        try:
            data = self._control.recv(_MOST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        for line in self._lines.feed(data):
            actor = _actor(wire.parse(line))
            self._actors.add(actor)
            self.pump.history.add(actor, "line", dir="out", data=line)
        if not data:
            self.pump.unwatch(self._control.fileno())
            self._end()

    def _end(self) -> None:
        for actor in sorted(self._actors):
            self.pump.history.add(actor, "eof", dir="out")


def _actor(told: Any) -> str:
    """Whose line it is: a callback's, the answer to an order, or what the host has seen of the bus."""
    if "callback" in told:
        return f"host:{told['callback']}"
    return API if "returned" in told else BUS
