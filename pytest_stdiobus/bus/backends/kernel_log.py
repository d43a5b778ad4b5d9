"""What a kernel in another process says on its stderr, which its workers share."""

from __future__ import annotations

import logging
import re
from collections import deque

_log = logging.getLogger("pytest_stdiobus.kernel")

_READY_LINE = b"stdio_bus: info: ready"
_FAULT = re.compile(r"(pools|limits|\$)[\[.:]|\S.*: unknown key; expected")
_CONFIG_STATUS = 1
_SHOWN_LINES = 20


class KernelLog:
    """The last lines, for error messages."""

    def __init__(self, lines: int = 200) -> None:
        """Keep as many of the last lines."""
        self._lines: deque[str] = deque(maxlen=max(1, lines))

    def add(self, line: bytes) -> bool:
        """Keep a line; whether it is the one by which our kernel says that it serves (SDK-STA-01)."""
        text = line.decode(errors="replace").rstrip()
        self._lines.append(text)
        _log.info("%s", text)
        return line.endswith(_READY_LINE)

    def lines(self) -> list[str]:
        """What is kept."""
        return list(self._lines)

    def refuses_configuration(self, status: int) -> bool:
        """Whether our kernel ended because of its configuration: it then lists the faults by their JSON path."""
        return status == _CONFIG_STATUS and bool(self._lines) and all(_FAULT.match(line) for line in self._lines)

    def said(self, name: str) -> str:
        """The last lines, as the end of an error message that calls them `name`."""
        last = list(self._lines)[-_SHOWN_LINES:]
        return f"; its {name}:\n" + "\n".join(last) if last else f"; its {name} is empty"
