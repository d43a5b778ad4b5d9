"""Who takes part in the cases of each subject, and what each can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_stdiobus.kit.case import Step

_WRITE = {"send", "close", "half_close"}
_PAUSE = {"stall", "resume"}
_READ = {"next", "find", "until", "take"}
_STATEMENTS = {"": {"assume", "elapsed", "distinct"}, "line": {"is"}, "target:stderr": _PAUSE}
_PARTS = {
    "worker": {
        **_STATEMENTS,
        "client:kit": {*_WRITE, *_PAUSE, *_READ},
        "target:process": {"signal", "kill", "next"},
        "target:usage": {"next", "find"},
    },
    "kernel": {
        **_STATEMENTS,
        "client": {*_WRITE, *_PAUSE, *_READ, "ends"},
        "pool": {*_READ, "starts"},
        "worker": {*_WRITE, *_PAUSE, *_READ, "ends", "kill", "signal", "exit"},
        "host:api": {"send", *_READ},
        "host": _READ,
        "target:process": {"signal", "kill", "next"},
        "target:usage": {"next", "find"},
    },
    "sdk": {
        **_STATEMENTS,
        "call": {"send", *_READ},
        "kernel": {*_WRITE, *_PAUSE, *_READ, "starts", "ends", "kill", "signal", "exit"},
        "pool": {*_READ, "starts"},
        "worker": {*_WRITE, *_PAUSE, *_READ, "ends", "kill", "signal", "exit"},
        "target:adapter": {"send", *_READ},
        "target:process": {"signal", "kill", "next"},
        "target:usage": {"next", "find"},
    },
}


def takes_part(step: Step, subject: str) -> bool:
    """Whether somebody who takes part in the cases of a subject can do this; of the others nothing is known."""
    if subject not in _PARTS:
        return True
    parts = _PARTS[subject]
    return step.verb in parts.get(step.actor, parts.get(step.actor.partition(":")[0], set()))
