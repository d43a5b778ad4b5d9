"""What a failing test says about its buses: the wire, and the last lines of stderr."""

from __future__ import annotations

import contextlib
import re
import shlex
from typing import TYPE_CHECKING

from pytest_stdiobus.bus import StdioBusError
from pytest_stdiobus.testing.direct import NAME
from pytest_stdiobus.testing.wire import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from pytest_stdiobus.bus import AsyncStdioBus, StdioBus
    from pytest_stdiobus.testing.factory import Record

WIRE_SECTION = "stdiobus wire"
STDERR_SECTION = "stdiobus stderr"

_SHOWN_LINES = 50
_NOTED_LINES = 10
_CAPTURED = "stderr"
_KERNEL_LINE = re.compile(r"(?:stdio_bus: \w+: )?(?:worker (?P<pool>.+)#\d+: (?P<epitaph>.*))?")


def explain(item: pytest.Item, record: Record, error: BaseException) -> None:
    """Add the worker's command and its last words to the error of a request that failed because it died."""
    if not isinstance(error, StdioBusError) or not hasattr(error, "add_note"):
        return
    if not isinstance(error.details, dict) or error.details.get("reason") != "worker_exited":
        return
    for name, bus in record.buses.items():
        log = _log_of(bus)
        told = [match for line in log if (match := _kernel_line(line)) and match["epitaph"]]
        pools = [match["pool"] for match in told if match["epitaph"] in error.message]
        for pool in record.pools[name]:
            if pool.id in pools:
                error.add_note(f"its command: {shortened(shlex.join([pool.command, *pool.args]))}")
                words = _worker_lines(item, bus, log)[-_NOTED_LINES:]
                error.add_note(f"{_stderr_name(bus)}: " + ("\n".join(words) or "nothing was captured"))
                return


def attach(item: pytest.Item, record: Record, report: pytest.TestReport) -> None:
    """Give a failing report the sections about the test's buses, and JUnit files the same as properties."""
    if not record.buses and record.worker is None:
        return
    sections = {WIRE_SECTION: str(record.wire) or "nothing crossed the wire"}
    if said := "\n".join(_said(item, record)):
        sections[STDERR_SECTION] = said
    for name, text in sections.items():
        report.sections.append((name, text))
        known = [known for known in item.user_properties if known[0] != name]
        item.user_properties[:] = [*known, (name, text)]
    report.user_properties = list(item.user_properties)


def _said(item: pytest.Item, record: Record) -> Iterator[str]:
    if record.worker is not None and record.worker.log:
        yield f"[{NAME}]"
        yield from _last(record.worker.log)
    for name, bus in record.buses.items():
        log = _log_of(bus)
        if len(record.buses) > 1 and log:
            yield f"[{name}]"
        yield from _last(log)
    if any(_shares_stderr(bus) for bus in record.buses.values()) and (captured := _captured(item)):
        yield "[this process, whose stderr native workers share]"
        yield from _last(captured)


def _last(lines: list[str]) -> Iterator[str]:
    if len(lines) > _SHOWN_LINES:
        yield f"({len(lines) - _SHOWN_LINES} earlier lines are left out)"
    yield from (shortened(line) for line in lines[-_SHOWN_LINES:])


def _worker_lines(item: pytest.Item, bus: AsyncStdioBus | StdioBus, log: list[str]) -> list[str]:
    if _shares_stderr(bus):
        return [shortened(line) for line in _captured(item)]
    return [shortened(line) for line in log if not line.startswith("stdio_bus: ")]


def _stderr_name(bus: AsyncStdioBus | StdioBus) -> str:
    return "stderr, which it shares with this process" if _shares_stderr(bus) else "its stderr"


def _shares_stderr(bus: AsyncStdioBus | StdioBus) -> bool:
    return bus.get_backend_type() == "native"


def _captured(item: pytest.Item) -> list[str]:
    """What pytest has captured of this process's stderr during the test, where it captures descriptors."""
    return [line for _, key, text in item._report_sections if key == _CAPTURED for line in text.splitlines()]  # noqa: SLF001 - reports do not carry it before they are made


def _kernel_line(line: str) -> re.Match[str] | None:
    return _KERNEL_LINE.fullmatch(line)


def _log_of(bus: AsyncStdioBus | StdioBus) -> list[str]:
    with contextlib.suppress(Exception):  # a report is made whatever state the bus is in
        return bus.get_log()
    return []
