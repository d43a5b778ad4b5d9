"""How every history of a kernel ends: the kernel itself, and what it started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.case import EMBEDDED
from pytest_stdiobus.kit.checks import invariant
from pytest_stdiobus.kit.history import TARGET, WORKER
from pytest_stdiobus.kit.result import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.kit.history import Event, History

_FAULTS = frozenset({"SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE", "SIGTRAP", "SIGSYS"})
_TERM = frozenset({"SIGTERM", "SIGINT"})
_DRAIN_S = 1  # of a case that names no drain timeout


@invariant("KRN-SHD-01", subject="kernel")
def a_signal_ends_it_cleanly(history: History) -> Iterator[Finding]:
    """SIGTERM or SIGINT ends a kernel in time, and it ends by itself or by that signal, not by a fault.

    The host of a library may end by the fault of an earlier call, which is for the rules about that call to tell.
    """
    asked: Event | None = None
    faults = frozenset() if history.head.get("transport") == EMBEDDED else _FAULTS
    for event in _of_the_process(history):
        if event.kind == "exit":
            if asked is not None and event.facts.get("signal") in faults:
                yield _fail("KRN-SHD-01", event, f"after {asked.facts['signal']} it ended by {event.facts['signal']}")
            return
        if event.kind == "signal" and event.facts["signal"] not in _TERM:
            if asked is not None and _is_last_resort(event) and _had_its_time(history, asked):
                seconds = (event.t_us - asked.t_us) / 1_000_000
                yield _fail("KRN-SHD-01", event, f"it had not ended {seconds:.1f} s after {asked.facts['signal']}")
            return
        if event.kind == "signal":
            asked = event


@invariant("KRN-SHD-05", subject="kernel")
def the_end_of_stdin_ends_it(history: History) -> Iterator[Finding]:
    """On stdio a kernel ends with status 0 when its input does, unless its output was closed before."""
    if history.head.get("transport") != "stdio" or any(history.of_kind("close")):
        return
    ending: Event | None = None
    for event in _of_the_process(history):
        if event.kind == "ending":
            ending = event
            continue
        if ending is not None and event.kind == "signal" and _had_its_time(history, ending):
            seconds = (event.t_us - ending.t_us) / 1_000_000
            yield _fail("KRN-SHD-05", event, f"it was still running {seconds:.1f} s after the end of its input")
        if ending is not None and event.kind == "exit" and event.facts.get("code") != 0:
            yield _fail("KRN-SHD-05", event, f"at the end of its input it ended with {event.data.decode()}")
        return


@invariant("KRN-WRK-07", subject="kernel")
def no_worker_is_left(history: History) -> Iterator[Finding]:
    """Nothing that a kernel started is left when it has ended; the kit's workers obey the end of their input."""
    for event in history.of_kind("orphans"):
        left = ", ".join(f"{process['pid']} {process['command']}" for process in event.facts["processes"])
        yield _fail("KRN-WRK-07", event, f"it left processes behind: {left}")


@invariant("KRN-WRK-03", subject="kernel")
def restarts_are_limited(history: History) -> Iterator[Finding]:
    """No pool starts more workers than its instances and their restarts; whether these count together or apart is open."""
    config, limits = history.head.get("config", {}), _limits(history)
    if not {"max_restarts", "restart_window_sec"} <= limits.keys():
        return
    started = [event for event in history.of_kind("open") if event.actor.startswith(WORKER)]
    for pool in config["pools"]:
        most = pool.get("instances", 1) * (1 + limits["max_restarts"])
        of_pool = [event for event in started if event.actor.startswith(f"{WORKER}:{pool['id']}/")]
        if len(of_pool) > most and of_pool[most].t_us < limits["restart_window_sec"] * 1_000_000:
            why = f"{of_pool[most].actor} was started, when max_restarts was {limits['max_restarts']}"
            yield _fail("KRN-WRK-03", of_pool[most], why)


def _of_the_process(history: History) -> Iterator[Event]:
    return (event for event in history.of_kind("signal", "exit", "ending") if event.actor == TARGET)


def _is_last_resort(event: Event) -> bool:
    """Whether the kit killed it because it had not ended, and not because the case says so."""
    return event.facts["signal"] == "SIGKILL" and "step" not in event.facts


def _had_its_time(history: History, asked: Event) -> bool:
    """Whether the kernel was waited for as long as its drain timeout lets it take, and longer."""
    return "shortened" not in asked.facts and _limits(history).get("drain_timeout_sec", _DRAIN_S) <= _DRAIN_S


def _limits(history: History) -> dict[str, Any]:
    config = history.head.get("config", {})
    limits = config.get("limits", {}) if isinstance(config, dict) else {}
    return limits if isinstance(limits, dict) else {}


def _fail(requirement: str, event: Event, why: str) -> Finding:
    return Finding(requirement, Outcome.FAIL, why, (event.n,))
