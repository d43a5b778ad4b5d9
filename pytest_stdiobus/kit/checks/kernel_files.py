"""What a kernel makes in the file system: its unix socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.history import TARGET
from pytest_stdiobus.kit.result import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.history import Event, History

_OTHERS = 0o077  # what anybody but the owner may do


@invariant("KRN-NET-03", subject="kernel")
def its_socket_is_private_and_goes_with_it(history: History) -> Iterator[Finding]:
    """Only its owner can use the socket of a kernel, and a kernel that was asked to end takes it away."""
    was_asked = False
    for event in history.events:
        if event.kind == "signal" and event.actor == TARGET:
            was_asked = event.facts["signal"] in {"SIGTERM", "SIGINT"}
        if event.kind == "files" and event.facts.get("mode", 0) & _OTHERS:
            yield _fail(event, f"its socket has the mode {event.facts['mode']:04o}")
        if event.kind == "files" and "left" in event.facts and was_asked:
            yield _fail(event, "it was asked to end, and left its socket behind")


def _fail(event: Event, why: str) -> Finding:
    return Finding("KRN-NET-03", Outcome.FAIL, why, (event.n,))
