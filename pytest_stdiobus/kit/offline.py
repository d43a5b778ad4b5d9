"""What a history says that was written down before: the verdict of its run, or of the invariants where it has no case."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit import wire
from pytest_stdiobus.kit.case import Case, bundled_cases, read_cases
from pytest_stdiobus.kit.catalogue import applies, catalogue, profile
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.judge import judge
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.run import steps_of
from pytest_stdiobus.kit.target import WORKER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_stdiobus.kit.history import History

RECORDING = Case("recording", "What a client and a worker said to each other", (), WORKER)


def rejudge(history: History) -> CaseResult:
    """Judge a history as the run that wrote it did.

    Raises:
        KitError: its case or profile is not known here.
    """
    duration_ms = history.events[-1].t_us // 1000 if history.events else 0
    name = history.head.get("case", "")
    if not name:
        return CaseResult(RECORDING, tuple(_of_recording(history)), history, duration_ms)
    case = case_of(name, history.head.get("case_file", ""))
    played = steps_of(case, history.head.get("profile", "bus"), history.head.get("seed", 0))
    return CaseResult(case, judge(case, played, history, case.subject), history, duration_ms)


def options_of(head: Mapping[str, Any]) -> Options:
    """How a history was played, as its head says it."""
    return Options(
        profile=head.get("profile", "bus"),
        seed=head.get("seed", 0),
        time_scale=head.get("time_scale", 1.0),
        kernel=head.get("kernel", ""),
        image=head.get("image", ""),
    )


def _of_recording(history: History) -> Iterator[Finding]:
    """What always holds was broken, or kept where it could be seen; nobody knows what was expected besides."""
    asked = profile(history.head.get("profile", "bus")).name
    broken = judge(None, (), history, WORKER)
    yield from broken
    accused = {finding.requirement for finding in broken}
    for row in catalogue().values():
        if row.id in accused or not applies(row, WORKER, asked):
            continue
        if row.id in _SEEN and _SEEN[row.id](history):
            yield Finding(row.id, Outcome.PASS)
        else:
            yield Finding(row.id, Outcome.NOT_OBSERVED, "a recording has no case that asks for it")


def _has_answered(history: History) -> bool:
    return any(wire.kind_of(wire.parsed(event.data)) is wire.Kind.RESPONSE for event in history.lines())


# What a recording must contain for an invariant to have been kept, not merely not broken.
_SEEN: dict[str, Callable[[History], bool]] = {
    "WRK-01": lambda history: any(history.lines()),
    "WRK-03": _has_answered,
    "WRK-08": lambda history: any(history.of_kind("ending")) and any(history.of_kind("exit")),
}


def case_of(name: str, file: str = "") -> Case:
    """The case with an id, from its file where it is not one of this kit's.

    Raises:
        KitError: there is none.
    """
    known = read_cases(Path(file)) if file else bundled_cases()
    case = next((case for case in known if case.id == name), None)
    if case is None:
        message = f"there is no case {name!r} in {file or 'this version of the kit'}; list shows those there are"
        raise KitError(message)
    return case
