"""How to judge."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.through import ENVELOPES, FORWARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_stdiobus.kit.case import Case


@dataclass(frozen=True)
class Options:
    """How to judge.

    Attributes:
        profile: what kind of worker it claims to be.
        select: an expression of parts of the ids of cases and requirements (`kit.select`); empty is all.
        repeat: how often each case is run; what differs is flaky.
        seed: of generated cases.
        transports: what a kernel's cases are played on, or the backends of an SDK; empty is all that it has.
        through: the executable of a kernel that is put between the kit and the worker; empty for none.
        kernel: the executable that an SDK starts on its subprocess backend; empty is its own.
        image: the container image that an SDK starts on its docker backend, with Python in it; empty is its own.
        envelope: what that kernel does with the bus's own members: ``forward`` or ``strip``.
        time_scale: a factor on every deadline, for slow machines.
        cases: cases of the user's, besides the bundled ones.
        examples: how many cases are made at random for each transport of a kernel.
    """

    profile: str = "bus"
    select: str = ""
    repeat: int = 1
    seed: int = 0
    transports: Sequence[str] = ()
    through: str = ""
    kernel: str = ""
    image: str = ""
    envelope: str = FORWARD
    time_scale: float = 1.0
    cases: Sequence[Case] = ()
    examples: int = 0

    def __post_init__(self) -> None:
        """Refuse what nothing can be run with.

        Raises:
            KitError: an option is not valid; the message says what was expected.
        """
        if self.repeat < 1:
            message = f"repeat: expected how often, at least 1, got {self.repeat}"
        elif not 0 < self.time_scale < float("inf"):
            message = f"time_scale: expected a factor above 0, got {self.time_scale:g}"
        elif self.envelope not in ENVELOPES:
            message = f"envelope: expected one of {', '.join(ENVELOPES)}, got {self.envelope!r}"
        elif self.through and not os.access(self.through, os.X_OK):
            message = f"through: expected the executable of a kernel, got {self.through}"
        else:
            return
        raise KitError(message)
