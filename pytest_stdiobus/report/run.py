"""What was run, and how it counts: what a report needs besides the results."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_stdiobus.kit import verdict as judging
from pytest_stdiobus.kit.baseline import Baseline
from pytest_stdiobus.kit.options import Options

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.kit.target import Target


@dataclass(frozen=True)
class Behind:
    """What a worker's cases came to behind a bus.

    Attributes:
        kernel: the executable of the bus.
        forward: through one that passes messages on as they are.
        strip: through one that removes its own members before; empty where that was not needed.
    """

    kernel: str
    forward: Sequence[CaseResult]
    strip: Sequence[CaseResult] = ()


@dataclass(frozen=True)
class Run:
    """What was run, and how it counts.

    Attributes:
        target: what was judged.
        options: how it was played.
        rules: how strictly, and whether everything was run.
        baseline: the failures that are known.
        file: the target file, where there is one.
        words: what else the command needs to do it again, such as ``--prompt TEXT``.
        foreign: whether the target is somebody else's, whom the report must not speak for.
        stopped: why not everything was run that should have been, or empty.
        bus: what became of it behind a bus, where that was asked.
        date: when; None is now.
    """

    target: Target
    options: Options = field(default_factory=Options)
    rules: judging.Rules = field(default_factory=judging.Rules)
    baseline: Baseline = field(default_factory=Baseline)
    file: str = ""
    words: tuple[str, ...] = ()
    foreign: bool = False
    stopped: str = ""
    bus: Behind | None = None
    date: dt.datetime | None = None

    @property
    def weights(self) -> judging.Rules:
        """The rules, for the profile and for how much was run."""
        return replace(self.rules, partial=not self.complete, profile=self.options.profile)

    @property
    def complete(self) -> bool:
        """Whether every case of the profile was played."""
        return not self.rules.partial and not self.stopped
