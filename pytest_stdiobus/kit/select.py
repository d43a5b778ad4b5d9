"""Expressions that select cases: parts of ids, joined by ``and``, ``or``, ``not`` and parentheses, as for pytest's ``-k``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_stdiobus.kit.errors import KitError

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORD = re.compile(r"[()]|[^\s()]+")
_JOINS = ("or", "and")  # the weaker first


def selects(expression: str, names: Iterable[str]) -> bool:
    """Whether an expression is true of something with these names; an empty one is true of everything.

    A word is true when it is part of a name, in any case of letters.

    Raises:
        KitError: the expression cannot be read; the message says where.
    """
    words = _WORD.findall(expression)
    if not words:
        return True
    reader = _Reader(expression, words, [name.lower() for name in names])
    found = reader.joined(0)
    if reader.words:
        reader.refuse(f"{reader.words[0]!r} comes too early")
    return found


class _Reader:
    """Reads an expression word by word; what has been read is gone from `words`."""

    def __init__(self, expression: str, words: list[str], names: list[str]) -> None:
        self.words = words
        self._expression = expression
        self._names = names

    def joined(self, level: int) -> bool:
        """Operands joined by one of the words of `_JOINS`, those that bind stronger first."""
        if level == len(_JOINS):
            return self._operand()
        found = [self.joined(level + 1)]
        while self.words and self.words[0] == _JOINS[level]:
            self.words.pop(0)
            found.append(self.joined(level + 1))
        return any(found) if _JOINS[level] == "or" else all(found)

    def _operand(self) -> bool:
        word = self.words.pop(0) if self.words else ""
        if word == "not":
            return not self._operand()
        if word == "(":
            found = self.joined(0)
            if not self.words or self.words.pop(0) != ")":
                self.refuse("a parenthesis is not closed")
            return found
        if word in {"", ")", *_JOINS}:
            self.refuse(f"expected a part of an id, got {word!r}" if word else "expected a part of an id at the end")
        return any(word.lower() in name for name in self._names)

    def refuse(self, why: str) -> None:
        message = f"-k {self._expression!r}: {why}; join parts of ids by and, or, not and parentheses"
        raise KitError(message)
