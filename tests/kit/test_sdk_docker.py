"""The reference client with its kernel in a container: the cases in which the kit is the workers behind it."""

from __future__ import annotations

import shutil
import sys
import tempfile
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import NATIVE, bundled_cases
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import SDK, Options, Runner
from pytest_stdiobus.kit.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_stdiobus.bus import DockerOptions
    from pytest_stdiobus.kit.case import Case

# What is native's alone, and what starts another kernel than the image's.
ELSEWHERE = ("sdk/threads/idle", "sdk/threads/send-from", "sdk/threads/without", "sdk/start/path", "sdk/load/requests")
FOLDERS = ("answers", "endings", "errors", "load", "start", "subscriptions", "threads", "wire")
OF_EACH = 1  # a container takes a second


@pytest.fixture
def reference(docker: DockerOptions, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    """The adapter with options that the kit knows nothing of: the image, and the folders that its workers need."""
    folder = tempfile.mkdtemp(prefix="sdk-")
    monkeypatch.setattr(tempfile, "tempdir", folder)
    mounts = [f"--volume={folder}:{folder}", f"--volume={data_dir()}:{data_dir()}:ro"]
    options = {**vars(docker), "extra_args": [*docker.extra_args, *mounts, "--user=0:0", "--cap-add=DAC_OVERRIDE"]}
    program = Path(folder) / "adapter.py"
    program.write_text(
        textwrap.dedent(f"""
            import sys
            sys.path.insert(0, {str(data_dir() / "conformance" / "adapters" / "python")!r})
            import adapter, reference
            from pytest_stdiobus.bus import DockerOptions

            options = DockerOptions(**{options!r})
            reference.bus.DockerOptions = lambda image: options

            class Docked(reference.Reference):
                async def open(self, command):
                    await super().open({{**command, "kernel": options.image}})

            adapter.main(Docked())
        """),
        encoding="utf-8",
    )
    yield Target("reference", (sys.executable, str(program)), subject=SDK)
    shutil.rmtree(folder, ignore_errors=True)


def in_folder(folder: str) -> list[Case]:
    """One case of each file that is played over the client's own kernel."""
    found = [case for case in bundled_cases() if case.subject == SDK and case.transport == NATIVE]
    meant = [case for case in found if Path(case.file).parent.name == folder and not case.id.startswith(ELSEWHERE)]
    return list({case.file: replace(case, transport="docker") for case in reversed(meant)}.values())


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_reference_client_passes_with_its_kernel_in_a_container(folder: str, reference: Target) -> None:
    with Runner(reference, Options(time_scale=6)) as runner:
        results = {case.id: runner.run_case(case) for case in in_folder(folder)[:OF_EACH]}
    assert {name: result.findings for name, result in results.items() if result.outcome is not Outcome.PASS} == {}
