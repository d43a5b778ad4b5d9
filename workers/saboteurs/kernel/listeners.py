"""How clients come: on the standard streams, over a unix socket, over TCP."""

from __future__ import annotations

import os
import socket
import stat

from channels import Channel, Lines
from loop import READ
from peers import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bus import Bus
    from command_line import CommandLine

_BACKLOG = 128
_MODE = 0o600
_PAUSE_S = 0.2


class Listener:
    """Lets clients in."""

    def __init__(self, bus: Bus) -> None:
        """Begin closed."""
        self.bus = bus
        self._socket: socket.socket | None = None
        self._path = ""
        self._count = 0

    def open(self, line: CommandLine) -> None:
        """Begin to listen.

        Raises:
            OSError: the address is taken, or none.
        """
        if line.transport == "--unix":
            self._path = line.given["--unix"]
            self._socket = self.unix(self._path)
        elif line.transport == "--tcp":
            self._socket = self.tcp(line.host, line.port)
        else:
            self.add(0, 1, inherited=True)
            return
        self._socket.listen(_BACKLOG)
        self._socket.setblocking(False)
        self.listen(READ)
        self.bus.log.say(f"listening on {self.name()}")

    def name(self) -> str:
        """The address that it has taken."""
        return self._path or (":".join(map(str, self._socket.getsockname()[:2])) if self._socket else "")

    def unix(self, path: str) -> socket.socket:
        """A unix socket in the place of a dead one."""
        made = socket.socket(socket.AF_UNIX)
        if os.path.lexists(path):
            self.make_room(path)
        mask = os.umask(0o777 & ~_MODE)
        try:
            made.bind(path)
        finally:
            os.umask(mask)
        return made

    def make_room(self, path: str) -> None:
        """Remove a socket that nobody listens on.

        Raises:
            OSError: it is no socket, or somebody does.
        """
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            message = f"{path} is no socket"
            raise FileExistsError(message)
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
                return
        message = f"{path} is in use"
        raise FileExistsError(message)

    def tcp(self, host: str, port: int) -> socket.socket:
        """A TCP socket."""
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        return made

    def accept(self) -> None:
        """Let everyone in who waits."""
        while self._socket:
            try:
                connection, _ = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self.pause(error)
                return
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            descriptor = connection.detach()
            self.add(descriptor, descriptor)

    def pause(self, error: OSError) -> None:
        """Accept nobody for a while, for want of descriptors."""
        self.bus.log.say(f"accepting nobody for a while: {error}")
        self.listen(0)
        self.bus.loop.later(_PAUSE_S, lambda: self.listen(READ))

    def listen(self, events: int) -> None:
        """Wait for clients, or do not."""
        if self._socket:
            self.bus.loop.watch(self._socket.fileno(), events, lambda _: self.accept())

    def add(self, reading: int, writing: int, *, inherited: bool = False) -> None:
        """A client has come."""
        lines = self.bus.parts.of(Lines)(self.bus.limits["max_input_buffer"])
        channel = self.bus.parts.of(Channel)(self.bus.loop, lines, reading, writing, inherited=inherited)
        self._count += 1
        client = Client(channel, f"client {self._count}")
        self.bus.clients[client] = None
        self.bus.attach(client)
        channel.on_end = lambda: self.ended(client)
        channel.on_broken = lambda: self.bus.leave(client)
        if inherited:
            channel.on_end = lambda: self.input_ended(client)
            channel.on_broken = lambda: self.output_closed(client)

    def ended(self, client: Client) -> None:
        """A client that has ended its input answers nothing any more, and is closed after its last answer."""
        if client.channel.is_hung_up:
            self.bus.leave(client)
            return
        self.bus.unanswerable(client)
        self.bus.settle(client)

    def input_ended(self, client: Client) -> None:
        """The end of the standard input is the beginning of the end."""
        self.bus.unanswerable(client)
        self.bus.stopping.begin(self.bus.limits["drain_timeout_sec"])

    def output_closed(self, client: Client) -> None:
        """Nobody reads any more: there is nothing left to do."""
        self.bus.leave(client)
        self.bus.stopping.begin(0)

    def close(self) -> None:
        """Let nobody in any more, and take our socket away."""
        if self._socket:
            self.listen(0)
            self._socket.close()
            self._socket = None
            if self._path:
                self.remove()

    def remove(self) -> None:
        """Take our socket away."""
        os.unlink(self._path)
