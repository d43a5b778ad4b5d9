"""How long a run waits, and how much it reads: in full, until its target has shown that more of it is of no use.

A target that never answers must not cost the full deadline in every case. So after some waits that were in vain the
later ones are short. What a short wait does not see is held against nobody: the step is untestable, with the reason. For
a target that does answer, what each requirement waits for has the full time once more, so that it is decided.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

ANSWER, EXIT, EXIT_ON_TERM, OUTPUT = "an answer", "an exit at the end of its input", "an exit on SIGTERM", "an end"
QUIET = "a process that uses no more than it should"
CONTAINED = "a container that serves"

# A peer that is silent for so long with nothing else to do does not answer: a hundred times what a start in Python takes.
DEADLINE_S = 5.0
# The drain timeout within which the bus lets a worker end (KRN-END); longer than one needs that has nothing in flight.
ENDING_S = 5.0
# A busy engine takes many seconds for a start that else takes one; an SDK has a limit of its own for it, which decides.
_CONTAINED_S = 30.0
# Longer than a kernel works off what a case has sent before.
_FULL_S = {ANSWER: DEADLINE_S, EXIT: ENDING_S, EXIT_ON_TERM: ENDING_S, QUIET: 3.0, CONTAINED: _CONTAINED_S}
# Still ten times what a worker takes that answers at all, so that one that recovers is judged in full again.
_SHORT_S = {ANSWER: 1.0, EXIT: 0.25, EXIT_ON_TERM: 0.25, QUIET: 0.8, CONTAINED: _CONTAINED_S / 3}

# Of one case: sixteen times the longest line a worker is asked for, and many more than any case provokes.
MAX_BYTES, MAX_LINES = 16 * 1024 * 1024, 10_000
_SHORT_BYTES, _SHORT_LINES = 1024 * 1024, 1_000

_IN_VAIN_ALWAYS = 3  # full waits, when what is waited for has never been seen
_IN_VAIN = 12  # full waits, when it has been: a minute of silence in all


@dataclass(frozen=True)
class Wait:
    """A wait: so many seconds on a machine that is not slow, and why they are fewer than usual if they are."""

    seconds: float
    shortened: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What the history says about it."""
        return {"shortened": self.shortened} if self.shortened else {}


@dataclass(frozen=True)
class Room:
    """How much of an output is read, and why that is less than usual if it is."""

    size: int = MAX_BYTES
    lines: int = MAX_LINES
    shortened: str = ""


@dataclass
class Patience:
    """The waits of one run.

    Attributes:
        time_scale: a factor on all of them, for slow machines, which whoever waits applies.
    """

    time_scale: float = 1.0
    _seen: Counter[str] = field(default_factory=Counter)
    _in_vain: Counter[str] = field(default_factory=Counter)
    _decided: set[str] = field(default_factory=set)

    def wait(self, what: str, whose: str = "") -> Wait:
        """How long to wait for something now; `whose` is the requirement that wants it, and where it is judged."""
        if not self._is_over(what) or (whose and self._seen[what] and whose not in self._decided):
            return Wait(_FULL_S[what])
        short = _SHORT_S[what]
        full = f"{self._in_vain[what]} waits of {_FULL_S[what] * self.time_scale:g} s for {what} had been in vain"
        return Wait(short, f"{full}, so that this one lasted {short * self.time_scale:g} s only")

    def room(self) -> Room:
        """How much to read in the next case."""
        if not self._is_over(OUTPUT):
            return Room()
        why = f"the output of {self._in_vain[OUTPUT]} cases had no end, so that only the beginning of this one was read"
        return Room(_SHORT_BYTES, _SHORT_LINES, why)

    def note(self, what: str, wait: Wait | Room, whose: str = "", *, seen: bool, in_vain: bool) -> None:
        """Remember what a wait came to: whether that is ever seen, and whether the whole of a full wait was in vain."""
        self._seen[what] += seen
        if in_vain and not wait.shortened:
            self._in_vain[what] += 1
            self._decided.add(whose)

    def _is_over(self, what: str) -> bool:
        return self._in_vain[what] >= (_IN_VAIN if self._seen[what] else _IN_VAIN_ALWAYS)
