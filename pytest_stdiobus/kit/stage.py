"""A kernel with the kit at both ends, driven by a program in place of a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.attend import Attendant
from pytest_stdiobus.kit.bindings import Bindings
from pytest_stdiobus.kit.case import UNIX, Step
from pytest_stdiobus.kit.drivers.kernel import KernelSeat
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.history import POOL, TARGET, WORKER, History
from pytest_stdiobus.kit.judge import judge
from pytest_stdiobus.kit.patience import Patience
from pytest_stdiobus.kit.play import Player
from pytest_stdiobus.kit.supervisor import Supervisor
from pytest_stdiobus.kit.walk import MET, Walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_stdiobus.kit.history import Event
    from pytest_stdiobus.kit.result import Finding
    from pytest_stdiobus.kit.target import Target

ONE_WORKER: Mapping[str, Any] = {"pools": [{"id": "w", "worker": "scripted", "instances": 1}]}
_ANY = {"$schema": True}


@dataclass(frozen=True)
class Line:
    """A line that the kernel wrote.

    Attributes:
        data: its bytes, without the LF.
        peer: who read it: a client, or the worker of the pool that it went to.
    """

    data: bytes
    peer: Peer

    @property
    def message(self) -> Any:
        """The JSON value on it.

        Raises:
            ValueError: it is not JSON.
        """
        return wire.parse(self.data)


@dataclass(frozen=True)
class Peer:
    """A client or worker of the kernel, or a pool, whose lines are those of any worker of it."""

    name: str
    _kernel: StagedKernel = field(repr=False)

    def send(self, message: Any, *, split: int = 0) -> None:
        """Send a message as one line; bytes are sent as they are, so that an LF has to be in them.

        Args:
            message: a JSON object, or bytes.
            split: how many bytes to send at a time; 0 is all at once.
        """
        value = {"raw": message} if isinstance(message, bytes) else message
        self._kernel.act(self.name, "send", value, **({"split": split} if split else {}))

    def next(self, expected: Any = _ANY) -> Line:
        """Read its next line, which must be as expected, as a case would say it; bytes are those of the whole line.

        Raises:
            AssertionError: the line is another one, or none came in time, or the output has ended.
        """
        return self._kernel.read(self.name, "next", expected)

    def find(self, expected: Any) -> Line:
        """Read the first line that is as expected; those before it can still be read.

        Raises:
            AssertionError: none came in time, or the output has ended.
        """
        return self._kernel.read(self.name, "find", expected)

    def ends(self) -> None:
        """Wait until the kernel has closed the connection.

        Raises:
            AssertionError: a line comes before that, or it is still open when the time is over.
        """
        self._kernel.read(self.name, "ends", True)

    def stall(self) -> None:
        """Stop reading what the kernel writes."""
        self._kernel.act(self.name, "stall")

    def resume(self) -> None:
        """Read on."""
        self._kernel.act(self.name, "resume")

    def half_close(self) -> None:
        """End the kernel's input from here, and go on reading."""
        self._kernel.act(self.name, "half_close")

    def close(self) -> None:
        """Close the connection, or a worker's streams."""
        self._kernel.act(self.name, "close")

    def exit(self, status: int = 0) -> None:
        """Let a worker exit; wait until it has."""
        self._kernel.act(self.name, "exit", status)

    def kill(self) -> None:
        """Kill a worker; wait until it has ended."""
        self._kernel.act(self.name, "kill")


class StagedKernel:
    """A kernel process whose clients and workers are yours: exact bytes at both ends.

    The first use of a client or pool starts it with one scripted worker, in the pool ``w``, on a unix socket; `start`
    says otherwise. Use it as a context manager: at the end nothing that it started is left running.

    Attributes:
        history: everything that was observed, of the last start.
    """

    def __init__(self, target: Target, *, time_scale: float = 1.0) -> None:
        """Prepare; nothing is started yet.

        Args:
            target: the kernel's executable.
            time_scale: a factor on every deadline.
        """
        self.history = History()
        self._target = target
        self._patience = Patience(time_scale)
        self._supervisor = Supervisor(time_scale)
        self._supervised = False
        self._seat: KernelSeat | None = None
        self._player: Player | None = None

    def __enter__(self) -> StagedKernel:  # noqa: PYI034 - Self is not in Python 3.10
        """Nothing happens yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, if it runs, and everything it started."""
        self.stop()
        if self._supervised:
            self._supervisor.__exit__()

    def start(self, config: Any = ONE_WORKER, *, transport: str = UNIX) -> None:
        """Start it, and wait until its scripted workers are there.

        Args:
            config: its configuration; a pool with ``"worker": "scripted"`` in place of ``command`` has workers that you play.
            transport: ``stdio``, which seats one client, ``unix`` or ``tcp``.

        Raises:
            KitError: it runs already.
        """
        if self._seat is not None:
            message = "the kernel runs already: stop() it before it is started with something else"
            raise KitError(message)
        if not self._supervised:
            self._supervisor.__enter__()
            self._supervised = True
        self.history = History({"target": self._target.name, "config": config, "transport": transport, "values": {}})
        self._seat = KernelSeat(
            self._target, self.history, self._supervisor, self._patience, config=config, transport=transport
        )
        self._player = Player(self._seat, Walk(self.history, Bindings({})), self._patience, Attendant("", ()))
        self._player.begin()

    def client(self, name: str = "kit") -> Peer:
        """A client, which connects when it is first used; on stdio there is one."""
        return Peer(f"client:{name}", self)

    def pool(self, name: str = "w") -> Peer:
        """A pool, to read what came to any of its workers; ``peer`` of a line is the worker."""
        return Peer(f"{POOL}:{name}", self)

    def signal(self, name: str) -> None:
        """Send a signal to the kernel, such as ``TERM``."""
        self.act(f"{TARGET}:process", "signal", name)

    def exits(self) -> dict[str, Any]:
        """Wait until the kernel's process ends.

        Returns:
            ``code`` or ``signal``.

        Raises:
            AssertionError: it still runs when the time is over.
        """
        how: dict[str, Any] = self.read(f"{TARGET}:process", "next", _ANY).message["exit"]
        return how

    def stop(self) -> None:
        """End clients and kernel, and read everything to the end; nothing happens where it does not run."""
        if self._seat is not None:
            seat, self._seat, self._player = self._seat, None, None
            try:
                seat.end()
            finally:
                seat.close()

    @property
    def log(self) -> list[str]:
        """The lines of its stderr, which its workers share."""
        text = b"".join(event.data for event in self.history.of_kind("stderr"))
        return text.decode("utf-8", "backslashreplace").splitlines()

    @property
    def breaches(self) -> list[Finding]:
        """What breaks a rule that every history of a kernel must keep, once it is stopped: a line that nobody sent, an orphan."""
        return list(judge(None, (), self.history, "kernel"))

    def act(self, actor: str, verb: str, value: Any = True, **more: Any) -> None:
        """Do what a step of a case would do."""
        self._running().act(Step(actor, verb, value, "", more))

    def read(self, actor: str, verb: str, expected: Any) -> Line:
        """Read what a step of a case would read.

        Raises:
            AssertionError: it is not what was expected; the message quotes it.
        """
        value = {"bytes": expected} if isinstance(expected, bytes) else expected
        player = self._running()
        reading = player.settle(Step(actor, verb, value, ""))
        if reading.outcome != MET:
            message = f"{actor}: {reading.why}"
            raise AssertionError(message)
        return self._line(reading.events[-1], player) if reading.events else Line(b"", Peer(actor, self))

    def _running(self) -> Player:
        if self._player is None:
            self.start()
        assert self._player is not None
        return self._player

    def _line(self, event: Event, player: Player) -> Line:
        """A line, whose worker can be meant from now on by its own name."""
        player.walk.bindings.bind(event.actor.removeprefix(f"{WORKER}:"), event)
        return Line(event.data, Peer(event.actor, self))
