"""What can be wrong before anything runs, and what is our own fault."""

from __future__ import annotations


class KitError(Exception):
    """Something the user of the kit has to know; the message says what to do."""


class DataError(KitError):
    """A file of the user's or of ours that is not valid: the file, the JSON path, and what was expected there."""

    def __init__(self, file: str, faults: list[str]) -> None:
        """Name the file and all its faults at once."""
        super().__init__("\n".join(f"{file}: {fault}" for fault in faults))
        self.file = file
        self.faults = faults


class HarnessError(Exception):
    """The kit itself failed: never held against a target."""
