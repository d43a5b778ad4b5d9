"""The kit as the clients of a kernel: over its standard streams, or as many as want to over a socket."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.case import EMBEDDED, STDIO, TCP, UNIX
from pytest_stdiobus.kit.channel import Channel
from pytest_stdiobus.kit.drivers.kernel_host import ITSELF
from pytest_stdiobus.kit.errors import HarnessError
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.patience import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.pump import Pump

_CONNECT_S = 1.0  # a listener whose queue is full lets everyone wait
_LOOPBACK = "127.0.0.1"
_NOT_YET = frozenset({errno.ENOENT, errno.ECONNREFUSED, errno.EINPROGRESS, errno.EAGAIN})


@dataclass
class KernelClients:
    """The clients of one case.

    Attributes:
        pump: moves their lines.
        folder: where a socket is made.
        transport: ``stdio``, ``unix``, ``tcp`` or ``embedded``.
        hosted: whether the bus is a library's that may listen too; the host itself is the client ``host``.
        everyone: their channels by their actors.
    """

    pump: Pump
    folder: str
    transport: str
    hosted: bool = False
    everyone: dict[str, Channel] = field(default_factory=dict)
    _port: int = 0

    @property
    def path(self) -> str:
        """The path of a unix socket."""
        return os.path.join(self.folder, "bus")

    def arguments(self) -> list[str]:
        """What tells a kernel where they will be."""
        if self.transport == UNIX:
            return ["--unix", self.path]
        if self.transport == TCP:
            with socket.socket() as probe:  # a kernel need not say which port it has taken, so it is given a free one
                probe.bind((_LOOPBACK, 0))
                self._port = probe.getsockname()[1]
            return ["--tcp", f"{_LOOPBACK}:{self._port}"]
        return ["--stdio"]

    def channel(self, actor: str, streams: Channel, *, has_exited: Callable[[], bool]) -> Channel:
        """The channel of a client, which connects when it is first asked for.

        Args:
            actor: the client.
            streams: the kernel's standard streams, which are the only client's where nobody can connect.
            has_exited: whether the kernel has ended, so that nobody will accept a connection.

        Raises:
            HarnessError: nobody can connect, and there is another client.
        """
        if actor not in self.everyone:
            alone = actor == ITSELF if self.hosted else self.transport in {STDIO, EMBEDDED}
            self.everyone[actor] = self._seated(actor, streams) if alone else self._connected(actor, has_exited)
        return self.everyone[actor]

    def _seated(self, actor: str, streams: Channel) -> Channel:
        if self.everyone and not self.hosted:
            message = f"{actor} is a second client, and {self.transport} seats one: name the case's transports"
            raise HarnessError(message)
        streams.actor = actor
        return streams

    def _connected(self, actor: str, has_exited: Callable[[], bool]) -> Channel:
        connection: socket.socket | None = None

        def connects() -> bool:
            nonlocal connection
            connection = self._connect()
            return connection is not None or has_exited()

        self.pump.until(connects, DEADLINE_S)
        if connection is None:
            self.pump.history.add(actor, "harness", what="connect", error="nobody accepts its connection")
            return self.pump.add(Channel(actor))
        writing = os.dup(connection.fileno())
        channel = self.pump.add(Channel(actor, reading=connection.detach(), writing=writing))
        self.pump.history.add(actor, "open", transport=self.transport)
        if not self.everyone and self.transport == UNIX:
            with contextlib.suppress(OSError):  # a kernel may have ended since
                mode = stat.S_IMODE(os.stat(self.path).st_mode)
                self.pump.history.add(TARGET, "files", path=self.path, mode=mode)
        return channel

    def look_behind(self) -> None:
        """See what is left of the socket when the kernel has ended."""
        if self.transport == UNIX and os.path.lexists(self.path):
            self.pump.history.add(TARGET, "files", path=self.path, left=True)

    def _connect(self) -> socket.socket | None:
        connection = socket.socket(socket.AF_INET if self.transport == TCP else socket.AF_UNIX)
        connection.settimeout(_CONNECT_S)
        try:
            connection.connect((_LOOPBACK, self._port) if self.transport == TCP else self.path)
        except OSError as error:
            connection.close()
            if error.errno in _NOT_YET or isinstance(error, TimeoutError):
                return None
            raise HarnessError(str(error)) from None
        return connection
