"""Faults between bytes and lines (KRN-FRM, KRN-TRN-03, KRN-LIM-01)."""

from __future__ import annotations

from channels import Channel, Line, Lines

_SHORT, _PIECE, _MANY = 24, 8, 150
_PIPE = 64 * 1024


class TakesWhatHasCome(Lines):
    """Takes an object for a message before its LF has come."""

    def part(self, data: bytes) -> list[Line]:
        found = super().part(data)
        if found or not self._rest.rstrip().endswith(b"}") or self._rest.count(b"{") != self._rest.count(b"}"):
            return found
        early = self.line(bytes(self._rest))
        self.restart()
        return found + early


class JoinsShortLines(Channel):
    """Saves the LF between two short lines that wait to be written."""

    def send(self, line: bytes) -> None:
        if self.queue and len(line) < _SHORT and len(self.queue[-1]) <= _SHORT:
            last = self.queue.pop()
            self.queue.append(memoryview(bytes(last[:-1]) + line + b"\n"))
            self.queued += len(line)
            self.total += len(line)
        else:
            super().send(line)


class AnswersEmptyLines(Lines):
    """Takes an empty line for a bad one."""

    def line(self, data: bytes) -> list[Line]:
        return super().line(data) or [Line(b"")]


class ForwardsCarriageReturns(Lines):
    """Forwards the CR that stands before an LF."""

    def line(self, data: bytes) -> list[Line]:
        return [Line(data)] if data.removesuffix(b"\r") else []


class LosesPieces(Lines):
    """Loses a short piece that continues a line."""

    def part(self, data: bytes) -> list[Line]:
        return [] if self._rest and 0 < len(data) < _PIECE else super().part(data)


class TakesAHundredLines(Lines):
    """Takes so many lines of what was read at once, and loses the others."""

    def feed(self, data: bytes) -> list[Line]:
        return super().feed(data)[:_MANY]


class DropsLastLines(Lines):
    """Drops what comes before the end of the input without an LF."""

    def last(self) -> list[Line]:
        return []


class CompletesLastLines(Lines):
    """Closes the object that the end of the input has cut off."""

    def last(self) -> list[Line]:
        if self._rest:
            self._rest += b"}" * (self._rest.count(b"{") - self._rest.count(b"}"))
        return super().last()


class KnowsNoLongest(Lines):
    """Takes lines of any length."""

    def is_too_long(self, size: int) -> bool:
        return False


class CountsLineFeeds(Lines):
    """Counts the LF as part of a line."""

    def is_too_long(self, size: int) -> bool:
        return super().is_too_long(size + 1)


class ReadsTheRest(Lines):
    """Takes what follows a line that became too long for the next one."""

    def part(self, data: bytes) -> list[Line]:
        found = super().part(data)
        if found:
            self.restart()
        return found


class DropsLargeLines(Channel):
    """Writes no line that is longer than a pipe holds."""

    def send(self, line: bytes) -> None:
        if len(line) < _PIPE:
            super().send(line)


class AbandonsPartialWrites(Channel):
    """Takes a line for written when a part of it was."""

    def took(self, count: int) -> None:
        rest = len(self.queue[0]) - count
        super().took(count)
        if rest:
            self.queued -= rest
            self.queue.popleft()


class DropsWhatPilesUp(Channel):
    """Drops messages for a peer that has not read the earlier ones."""

    def send(self, line: bytes) -> None:
        if self.queued < 2 * _PIPE or len(line) > _PIPE:
            super().send(line)
