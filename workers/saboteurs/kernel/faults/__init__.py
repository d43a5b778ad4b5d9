"""Faults of a kernel: each is a part with one habit of its own, switched on by ``--break NAME``."""

from __future__ import annotations

import sys

_MODULES = (
    "framing",
    "messages",
    "correlation",
    "routing",
    "errors",
    "flow",
    "workers",
    "stopping",
    "settings",
    "clients",
)


def find(name: str) -> type:
    """The class of a fault: ``answers_empty_lines`` is ``AnswersEmptyLines``.

    Raises:
        SystemExit: there is none of that name.
    """
    wanted = "".join(word.capitalize() for word in name.split("_"))
    for module in _MODULES:
        __import__(f"{__name__}.{module}")
        found: type | None = getattr(sys.modules[f"{__name__}.{module}"], wanted, None)
        if found is not None:
            return found
    message = f"there is no fault {name!r}; saboteurs.json lists them"
    raise SystemExit(message)
