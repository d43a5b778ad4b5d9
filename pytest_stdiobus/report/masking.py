"""Text that may be shown: without secrets of the environment, without characters that a terminal would act on, not too long."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHOWN = 400  # characters of a line
_TAIL = 60  # of them, from its end
_SHORTEST = 6  # characters of a secret: "1" or "true" would mask half a transcript
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)
_ASSIGNED = re.compile(r"^(-{1,2}[^=\s]+|\w+)=(.+)$", re.DOTALL)


class Mask:
    """Hides the values of environment variables that look like secrets."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Learn the values of variables named KEY, TOKEN, SECRET or PASSWORD, of `env` and of this process."""
        known = {value: name for name, value in {**os.environ, **env}.items() if _SECRET.search(name)}
        spelled = {json.dumps(value)[1:-1]: name for value, name in known.items()}
        self._names = {value: name for value, name in {**spelled, **known}.items() if len(value) >= _SHORTEST}
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """The text with the name of the variable in place of its value."""
        return self._pattern.sub(lambda found: f"[{self._names[found[0]]}]", text) if self._pattern else text

    def line(self, data: bytes) -> str:
        """Bytes as one printable line, masked and shortened."""
        return shortened(printable(self.text(data.decode("utf-8", "backslashreplace"))))

    def command(self, words: Sequence[str]) -> list[str]:
        """A command as printable words, also without what its options call a secret."""
        shown: list[str] = []
        for word in words:
            follows = bool(shown) and shown[-1].startswith("-") and "=" not in shown[-1] and _SECRET.search(shown[-1])
            assigned = _ASSIGNED.match(word)
            if follows and not word.startswith("-"):
                shown.append("[masked]")
            elif assigned and _SECRET.search(assigned[1]):
                shown.append(f"{assigned[1]}=[masked]")
            else:
                shown.append(self.text(word))
        return [printable(word) for word in shown]


def printable(text: str) -> str:
    """The text with an escape for whatever has no glyph, such as control characters and changes of direction."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def shortened(text: str) -> str:
    """The text, or its beginning and its end."""
    if len(text) <= SHOWN:
        return text
    return f"{text[: SHOWN - _TAIL]} ... ({len(text)} characters) ... {text[-_TAIL:]}"
