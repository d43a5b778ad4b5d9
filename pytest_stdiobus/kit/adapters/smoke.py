"""Does an adapter reach its SDK: a few calls with every backend, to a peer that is well-behaved and keeps a log."""

from __future__ import annotations

import contextlib
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.adapters.peer_log import PeerLog
from pytest_stdiobus.kit.adapters.result import Blame, Check, Outcome
from pytest_stdiobus.kit.adapters.talk import EVENTS, LINES, SilenceError, Talk
from pytest_stdiobus.kit.adapters.trial import RULES, Trial
from pytest_stdiobus.kit.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.kit.target import Target

BACKENDS = ("native", "subprocess")  # docker would need an engine and an image that holds the peer


def smoke(target: Target, *, time_scale: float = 1.0) -> Outcome:
    """Try an adapter with every backend that it describes; `time_scale` is a factor on every wait."""
    outcome = Outcome()
    with Supervisor(time_scale) as supervisor, tempfile.TemporaryDirectory(prefix="stdiobus-") as folder:
        start = partial(Talk, target, supervisor, time_scale=time_scale)
        about = _described(start, outcome)
        for backend in about.get("backends", ()):
            if backend not in BACKENDS:
                said = "not tried: it needs an engine and an image that holds the peer"
                outcome.checks.append(Check(f"{backend}/open", RULES["open"], Blame.SKIPPED, said))
                continue
            with start() as talk:
                outcome.histories[backend] = talk.history
                log = PeerLog(Path(folder, backend))
                checks = Trial(talk, log, backend, frozenset(about.get("capabilities", ()))).run()
                outcome.checks += [*checks, *_kept(talk, backend)]
    return outcome


def _described(start: Callable[[], Talk], outcome: Outcome) -> dict[str, Any]:
    """What the adapter says of itself; nothing where it cannot."""
    rule = "describe is answered with the backends and capabilities of the SDK"
    with start() as talk:
        outcome.histories["describe"] = talk.history
        try:
            about = talk.ask("describe")
        except SilenceError as silence:
            outcome.checks.append(Check("describe", rule, Blame.ADAPTER, str(silence)))
            return {}
        if "error" in about:
            error = about["error"]
            said = f"{error.get('name')}: {error.get('message', 'no more is said')}"
            outcome.checks.append(Check("describe", rule, Blame.SDK, said, "Install what it names."))
            return {}
        with contextlib.suppress(SilenceError):
            talk.end("exit")
        faults = "; ".join(said for _, said in talk.faults)
        blame = Blame.ADAPTER if faults else Blame.NOBODY
        outcome.checks.append(Check("describe", rule, blame, faults, "Run adapter lint first." if faults else ""))
        return {} if faults else about


def _kept(talk: Talk, backend: str) -> list[Check]:
    """Whether the lines that nobody waited for were in order, and nothing is left."""
    faults = "; ".join(said for about, said in talk.faults if about in {LINES, EVENTS})
    left = ", ".join(talk.left_behind())
    return [
        Check(f"{backend}/lines", RULES["lines"], Blame.ADAPTER if faults else Blame.NOBODY, faults),
        Check(f"{backend}/leaves-nothing", RULES["leaves-nothing"], Blame.SDK if left else Blame.NOBODY, left),
    ]
