"""What the fixture ``stdiobus_kernel`` starts, and what is shown of it when a test fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import bundled_kernel, kernel_absence
from pytest_stdiobus.kit.errors import KitError
from pytest_stdiobus.kit.stage import StagedKernel
from pytest_stdiobus.kit.target import Target, from_command
from pytest_stdiobus.options import BINARY, TIME_SCALE
from pytest_stdiobus.report.masking import Mask
from pytest_stdiobus.report.terminal import entry_line
from pytest_stdiobus.report.transcript import stderr, transcript

if TYPE_CHECKING:
    from collections.abc import Iterator

_KERNEL = "kernel"


def staged(config: pytest.Config) -> StagedKernel:
    """The kernel that a run is about: the judged one, the one of ``--stdiobus-binary``, or the bundled one."""
    return StagedKernel(_target(config), time_scale=float(TIME_SCALE.value(config)))


def left_behind(kernel: StagedKernel) -> str:
    """What the kernel left running when it ended, in one sentence; empty where that is nothing."""
    processes = [process for event in kernel.history.of_kind("orphans") for process in event.facts["processes"]]
    told = ", ".join(f"{process['pid']} ({process['command']})" for process in processes)
    return f"the kernel left processes behind, which have been ended: {told}" if told else ""


def sections(kernel: StagedKernel) -> Iterator[tuple[str, str]]:
    """What a failing report says about the kernel."""
    mask = Mask({})
    entries, cut = transcript(kernel.history, _KERNEL, (), mask)
    lines = [entry_line(entry) for entry in entries]
    if cut:
        lines.insert(0, f"({cut} entries in the middle are left out)")
    yield "stdiobus wire", "\n".join(lines) or "nothing crossed the wire"
    if log := stderr(kernel.history, mask):
        yield "stdiobus stderr", "\n".join(log)


def _target(config: pytest.Config) -> Target:
    playing = config.pluginmanager.get_plugin("stdiobus-playing")
    if playing is not None and playing.run.target.subject == _KERNEL and not playing.run.target.library:
        judged: Target = playing.run.target
        return judged
    if named := BINARY.value(config):
        try:
            return from_command([named], subject=_KERNEL, folder=str(BINARY.folder(config)))
        except KitError as error:
            message = f"{BINARY.flag}: {error}"
            raise pytest.UsageError(message) from None
    bundled = bundled_kernel()
    if bundled is None:
        pytest.fail(kernel_absence(), pytrace=False)
    return Target("the bundled kernel", (str(bundled),), subject=_KERNEL)
