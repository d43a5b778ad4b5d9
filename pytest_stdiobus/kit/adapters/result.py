"""What lint and smoke found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stdiobus.kit.history import History


class Blame(str, Enum):
    """Who has to do something about a check."""

    NOBODY = "ok"
    ADAPTER = "adapter"
    SDK = "sdk"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: a short name, the same in every run.
        rule: what holds of a sound adapter.
        blame: who is at fault, if anybody.
        said: what was seen in its place, or why it was skipped.
        hint: what to do about it.
    """

    name: str
    rule: str
    blame: Blame = Blame.NOBODY
    said: str = ""
    hint: str = ""


@dataclass
class Outcome:
    """All checks of a run, and what was said meanwhile.

    Attributes:
        checks: in the order in which they were made.
        histories: of every life of the adapter, by what it was about.
    """

    checks: list[Check] = field(default_factory=list)
    histories: dict[str, History] = field(default_factory=dict)

    def blamed(self, blame: Blame) -> list[Check]:
        """The checks that somebody has to do something about."""
        return [check for check in self.checks if check.blame is blame]
