"""The peer behind an SDK that is tried, and its log."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import wire

if TYPE_CHECKING:
    from pathlib import Path

_SHOWN = 4  # lines of the log


class PeerLog:
    """What the peer behind the SDK has seen and said."""

    def __init__(self, folder: Path) -> None:
        """Prepare the peer and a kernel that is nothing but the peer, in a new folder."""
        folder.mkdir()
        self._file = folder / "log"
        self._file.touch()
        program = data_dir() / "workers" / "smoke_peer.py"
        self.arguments = ["-I", "-S", str(program), str(self._file)]
        self.kernel = folder / "kernel"
        words = shlex.join([sys.executable, *self.arguments])
        self.kernel.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        self.kernel.chmod(0o700)

    def lines(self, direction: str, method: str) -> list[dict[str, Any]]:
        """The messages in one direction, ``in`` or ``out``, with a method."""
        entries = [json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines()]
        messages = [json.loads(entry[direction]) for entry in entries if direction in entry]
        return [message for message in messages if message.get("method") == method]

    def told(self) -> str:
        """The last of it, as one text."""
        words = {"in": "it got", "out": "it said"}
        entries = [json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines()]
        lines = [f"{words[way]} {wire.preview(line.encode())}" for entry in entries for way, line in entry.items()]
        return "; ".join(lines[-_SHOWN:]) or "it got nothing"
