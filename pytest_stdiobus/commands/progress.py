"""What can be seen while a run goes on: on a terminal one line that changes, elsewhere a line now and then."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, TextIO

from pytest_stdiobus.kit.result import NOT_PLAYED, Outcome
from pytest_stdiobus.report.masking import printable, shortened
from pytest_stdiobus.report.words import group

if TYPE_CHECKING:
    from pytest_stdiobus.kit.result import CaseResult
    from pytest_stdiobus.report.masking import Mask

PAUSE_S, LONGEST_S = 1.0, 16.0  # before the first line where there is no terminal; each pause is twice the one before
_CLEAR = "\r\x1b[K"


class Progress:
    """Tells of each case that is over, and of the first failure of each requirement at once."""

    def __init__(self, stream: TextIO, mask: Mask, total: int, examples: int = 0) -> None:
        """`total` cases will be told of, each as the report counts it, and some of them after so many `examples`."""
        self._stream = stream
        self._mask = mask
        self._total = total
        self._done = 0
        self._examples = examples
        self._tried = 0
        self._groups: dict[str, list[int]] = {}
        self._accused: set[str] = set()
        self._pause = PAUSE_S
        self._due = time.monotonic() + PAUSE_S
        self._live = stream.isatty()

    def add(self, result: CaseResult) -> None:
        """Tell that a case is over."""
        self._done += 1
        if result.outcome not in NOT_PLAYED:
            counted = self._groups.setdefault(group(result.case.id), [0, 0])
            counted[0] += result.outcome is Outcome.PASS
            counted[1] += 1
        self._tell(result)

    def tried(self, result: CaseResult) -> None:
        """Tell that a case made at random is over, of which the report tells only what all of them came to."""
        self._tried += 1
        self._tell(result)

    def _tell(self, result: CaseResult) -> None:
        for finding in result.failures:
            if finding.requirement not in self._accused:
                self._accused.add(finding.requirement)
                why = shortened(printable(self._mask.text(finding.explanation)))
                self._line(f"{finding.outcome.value} {finding.requirement} in {result.case.id}: {why}")
        if self._live:
            self._stream.write(_CLEAR + self._status()[: shutil.get_terminal_size().columns - 1])
            self._stream.flush()
        elif time.monotonic() >= self._due:
            self._line(self._status())
            self._pause = min(2 * self._pause, LONGEST_S)
            self._due = time.monotonic() + self._pause

    def end(self) -> None:
        """Leave the terminal clean for the report."""
        if self._live:
            self._stream.write(_CLEAR)
            self._stream.flush()

    def _status(self) -> str:
        told = "   ".join(f"{name} {passed}/{played}" for name, (passed, played) in self._groups.items())
        tried = f"   made at random {self._tried}/{self._examples}" if self._tried else ""
        return f"{self._done}/{max(self._done, self._total)}   {told}{tried}"

    def _line(self, text: str) -> None:
        self._stream.write(f"{_CLEAR if self._live else ''}{text}\n")
        self._stream.flush()
