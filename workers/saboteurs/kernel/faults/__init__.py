"""Faults of a kernel: each is a part with one habit of its own, switched on by ``--break NAME``."""

from __future__ import annotations

import os
import sys

_FOLDER = os.path.dirname(__file__)


def find(name: str) -> type:
    """The class of a fault: ``answers_empty_lines`` is ``AnswersEmptyLines``.

    Raises:
        SystemExit: there is none of that name.
    """
    wanted = "".join(word.capitalize() for word in name.split("_"))
    for file in os.listdir(_FOLDER):
        if file.endswith(".py") and f"\nclass {wanted}(" in _text_of(file):  # to import them all takes 30 ms
            module = f"{__name__}.{file.removesuffix('.py')}"
            __import__(module)
            found: type = getattr(sys.modules[module], wanted)
            return found
    message = f"there is no fault {name!r}; saboteurs.json lists them"
    raise SystemExit(message)


def _text_of(file: str) -> str:
    with open(os.path.join(_FOLDER, file), encoding="utf-8") as opened:
        return opened.read()
