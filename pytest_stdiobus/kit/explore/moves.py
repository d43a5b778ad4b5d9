"""What can happen in a generated case.

A move names what it is about by numbers that are taken modulo what there is when it is made, and does nothing where there
is nothing. So every list of moves is a case, and so is every list with some moves left out, or with simpler ones in their
place: this is how the cases get small that fail. The simplest of each kind is the one without arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
LONGEST_LINE = 1_048_576  # bytes; what public sources say of the default differs


@dataclass(frozen=True)
class Manner:
    """How a line is written.

    Attributes:
        size: so many bytes longer than it had to be.
        split: in writes of so many bytes; 0 is one write.
        cut: after so many characters its author pauses, and others go on; 0 is at no place.
        cr: whether a carriage return stands before its line feed, where a client writes it.
    """

    size: int = 0
    split: int = 0
    cut: int = 0
    cr: bool = False


WHOLE = Manner()


@dataclass(frozen=True)
class Ask:
    """A client sends a request, in a session or in none; it names its pool also where that is not needed, if it is to."""

    client: int = 0
    ident: str = "1"
    session: str | None = None
    pool: int = 0
    named: bool = False
    params: Any = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Tell:
    """A client sends a notification, as it does a request."""

    client: int = 0
    session: str | None = None
    pool: int = 0
    named: bool = False
    params: Any = field(default_factory=dict)
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Take:
    """A worker reads a line that is on its way to it."""

    which: int = 0


@dataclass(frozen=True)
class Answer:
    """A worker answers a request it has read.

    Attributes:
        which: of the requests.
        at_once: whether the client reads the answer before anything else happens.
        error: whether it is one.
        names: whether its result has a session that the worker makes.
        respelled: whether the id has another spelling.
        manner: how it is written.
    """

    which: int = 0
    at_once: bool = False
    error: bool = False
    names: bool = False
    respelled: bool = False
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Collect:
    """A client reads a line that is on its way to it."""

    which: int = 0


@dataclass(frozen=True)
class Notify:
    """A worker sends a notification in a session it serves."""

    which: int = 0
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Stray:
    """A worker sends a response to no request: one of its own making, or one of its answers again."""

    which: int = 0
    again: bool = False


@dataclass(frozen=True)
class Trespass:
    """A worker sends a notification in a session that it does not serve.

    Attributes:
        which: of the calls that workers have read.
        session: of the sessions that are another's; the last of them is one that nobody has made.
    """

    which: int = 0
    session: int = 0


@dataclass(frozen=True)
class Misroute:
    """A client sends a request, or a notification, to a pool that there is not."""

    client: int = 0
    ident: str | None = "1"


@dataclass(frozen=True)
class Forge:
    """A client answers what another one has been asked."""

    client: int = 0
    which: int = 0


@dataclass(frozen=True)
class Whisper:
    """A worker sends a notification that shows its session only in its params, under the name that the worker has made."""

    which: int = 0


@dataclass(frozen=True)
class Blunder:
    """A client sends a line that is no message, and goes on.

    Attributes:
        client: who does.
        line: what it sends.
        beyond: by how many bytes it sends too long a message instead, where lines have to be short.
    """

    client: int = 0
    line: str = "x"
    beyond: int = 0


@dataclass(frozen=True)
class Inquire:
    """A worker sends a request of its own in a session it serves; the client may read it before anything else happens."""

    which: int = 0
    at_once: bool = False
    ident: str = "1"
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Reply:
    """A client answers what a worker has asked it."""

    which: int = 0
    error: bool = False
    manner: Manner = WHOLE


@dataclass(frozen=True)
class Stall:
    """A client stops reading, until it has to read."""

    client: int = 0


@dataclass(frozen=True)
class StallWorker:
    """A worker stops reading, until it has to read."""

    which: int = 0


@dataclass(frozen=True)
class Crash:
    """A worker of a pool dies: it exits with a status, or is killed; the call that it has read is one of the pool's."""

    pool: int = 0
    status: int | None = None
    which: int = 0


@dataclass(frozen=True)
class Part:
    """Two sessions are taken to be at different workers of their pool."""

    which: int = 0


@dataclass(frozen=True)
class HalfClose:
    """A client ends what it sends."""

    client: int = 0


@dataclass(frozen=True)
class Leave:
    """A client closes its connection."""

    client: int = 0


@dataclass(frozen=True)
class Intrude:
    """A client comes that sends a line which is no message, and leaves."""

    line: str = "x"


Talk = Ask | Tell | Take | Answer | Collect | Notify | Whisper | Inquire | Reply
Noise = Stray | Trespass | Misroute | Forge | Intrude | Blunder
Move = Talk | Noise | Stall | StallWorker | Crash | Part | HalfClose | Leave


@dataclass(frozen=True)
class Plan:
    """A case to be.

    Attributes:
        pools: of its configuration.
        moves: what happens in it; then everything under way arrives and is answered.
        longest: how many bytes a line may have.
    """

    pools: Sequence[Mapping[str, Any]]
    moves: tuple[Move, ...]
    longest: int = LONGEST_LINE
