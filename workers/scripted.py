# SPDX-License-Identifier: Apache-2.0
"""A worker without a will of its own: it hands its stdin and stdout to a test and obeys orders.

Started as ``python -I -S scripted.py SOCKET [LABEL]``; what follows is told, and with ``--config PATH`` or ``--config-fd N``
among it what stands there, and with ``--tcp HOST:PORT`` the first connection to there is its stdin and stdout: so it
plays a kernel, too. It connects to the unix socket, sends one JSON line about
itself with its descriptors 0 and 1 attached (SCM_RIGHTS), closes its own copies and then reads orders, one per line.
The test therefore holds the worker's very ends of the pipes: it decides which bytes are read and written, and when.

Orders: ``exit STATUS``, ``signal NUMBER`` (sent to itself), ``term default|ignore|report|exit`` (what SIGTERM does),
``child group|session`` (starts a process that only waits, in this process group or in a session of its own),
``stderr COUNT`` (writes that many bytes). Every order but the first two is answered by a JSON line with ``event``.
The end of the socket ends the worker. Only modules that are built into the interpreter are imported: a start takes
some ten milliseconds.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import os
import sys

# What the hello tells of the environment: the values of these names only, of all others the name.
_SHOWN = ("KRN_", "PATH")


def quote(value: object) -> str:
    """Return the value as JSON; the ``json`` module would double the start-up time."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "{" + ",".join(f"{quote(str(k))}:{quote(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(quote, value)) + "]"
    text = "".join(c if " " <= c <= "~" and c not in '"\\' else _escape(c) for c in str(value))
    return f'"{text}"'


def _escape(char: str) -> str:
    return "".join(f"\\u{int.from_bytes(u, 'big'):04x}" for u in _utf16_units(char))


def _utf16_units(char: str) -> "list[bytes]":
    code = ord(char)
    if code < 0x10000:
        return [code.to_bytes(2, "big")]
    code -= 0x10000
    return [(0xD800 + (code >> 10)).to_bytes(2, "big"), (0xDC00 + (code & 0x3FF)).to_bytes(2, "big")]


def _open_descriptors() -> "dict[str, str]":
    found = {}
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return {}
    for name in names:
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the descriptor of the listing itself
            continue
    return found


def _signal_sets() -> "dict[str, str]":
    try:
        descriptor = os.open("/proc/self/status", os.O_RDONLY)
    except OSError:
        return {}
    try:
        status = os.read(descriptor, 65536).decode("latin-1")
    finally:
        os.close(descriptor)
    return {
        key: value.strip()
        for key, _, value in (line.partition(":") for line in status.splitlines())
        if key.startswith("Sig")
    }


def _value(options: "list[str]", name: str) -> "str | None":
    """Return what follows an option, where it is there."""
    return options[options.index(name) + 1] if name in options[:-1] else None


def _configuration(options: "list[str]") -> "str | None":
    """Return the text of the configuration that a kernel's options name."""
    path, descriptor = _value(options, "--config"), _value(options, "--config-fd")
    named = path if descriptor is None else int(descriptor)
    if named is None:
        return None
    with open(named, "rb") as file:
        text: str = file.read().decode("utf-8", "surrogateescape")
        return text


def _listen(address: str) -> None:
    """Wait for a client in place of stdin and stdout; stderr tells when one can come, as a kernel's does."""
    host, _, port = address.rpartition(":")
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind((host, int(port)))
    listener.listen(1)
    os.write(2, b"stdio_bus: info: ready\n")
    client, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001 - what the module socket is made of
    os.dup2(client, 0)
    os.dup2(client, 1)
    os.close(client)
    listener.close()


def _hello(label: str) -> "dict[str, object]":
    return {
        "label": label,
        "pid": os.getpid(),
        "ppid": os.getppid(),
        "pgid": os.getpgid(0),
        "sid": os.getsid(0),
        "argv": sys.argv,
        "config": _configuration(sys.argv[3:]),
        "cwd": os.getcwd(),
        "env": {k: v for k, v in os.environ.items() if k.startswith(_SHOWN)},
        "env_names": sorted(os.environ),
        "fds": _open_descriptors(),
        "signals": _signal_sets(),
        "blocking": [os.get_blocking(fd) for fd in (0, 1, 2)],
    }


class Servant:
    """The connection to the test and what may be ordered over it."""

    def __init__(self, control: "_socket.socket") -> None:
        """Serve the test at the other end of a connected socket."""
        self.control = control

    def say(self, **what: object) -> None:
        """Send one event."""
        self.control.sendall(quote(what).encode() + b"\n")

    def on_term(self, mode: str) -> None:
        """Decide what SIGTERM does."""
        handlers = {"default": _signal.SIG_DFL, "ignore": _signal.SIG_IGN, "report": self._report, "exit": self._exit}
        _signal.signal(_signal.SIGTERM, handlers[mode])

    def _report(self, number: int, _frame: object) -> None:
        self.say(event="signal", number=number)

    def _exit(self, _number: int, _frame: object) -> None:
        os._exit(0)

    def child(self, mode: str) -> None:
        """Start a process that waits for a signal."""
        if os.fork() != 0:
            return
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
        if mode == "session":
            os.setsid()
        self.say(event="child", pid=os.getpid())
        self.control.close()
        while True:
            _signal.pause()

    def obey(self, order: str) -> None:
        """Do what one line says."""
        verb, _, argument = order.partition(" ")
        if verb == "exit":
            os._exit(int(argument))
        elif verb == "signal":
            if int(argument) != _signal.SIGKILL:
                _signal.signal(int(argument), _signal.SIG_DFL)
            os.kill(os.getpid(), int(argument))
        elif verb == "term":
            self.on_term(argument)
        elif verb == "child":
            self.child(argument)
        elif verb == "stderr":
            os.write(2, b"x" * (int(argument) - 1) + b"\n")
        self.say(event="done", order=order)


def main() -> None:
    """Hand over the descriptors, then obey until the test hangs up."""
    if address := _value(sys.argv[3:], "--tcp"):
        _listen(address)
    control = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    control.connect(sys.argv[1])
    label = sys.argv[2] if len(sys.argv) > 2 else ""
    rights = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1))
    hello = quote(_hello(label)).encode() + b"\n"
    sent = control.sendmsg([hello], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
    control.sendall(hello[sent:])
    os.close(0)
    os.close(1)
    servant = Servant(control)
    pending = b""
    while True:
        data = control.recv(4096)
        if not data:
            os._exit(0)
        pending += data
        *orders, pending = pending.split(b"\n")
        for order in orders:
            servant.obey(order.decode())


if __name__ == "__main__":
    main()
