"""The reference client with its kernel in a container: the cases in which the kit is the workers behind it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit.case import DOCKER, bundled_cases
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import SDK, Target

if TYPE_CHECKING:
    from pytest_stdiobus.bus import DockerOptions

ADAPTER = data_dir() / "conformance" / "adapters" / "python" / "reference.py"
BUILDER = Path(__file__).parent.parent / "python_image.py"


@pytest.fixture(scope="module")
def image(docker: DockerOptions) -> str:
    name = f"{docker.image}-python"
    subprocess.run([sys.executable, BUILDER, docker.image, name], check=True, capture_output=True)
    return name


def test_the_reference_client_passes_with_its_kernel_in_a_container(image: str) -> None:
    """One case of each folder, because a container takes a second; `make judge-docker` plays them all.

    In one more the kit is the kernel too.
    """
    found = [case for case in reversed(bundled_cases()) if (case.subject, case.transport) == (SDK, DOCKER)]
    killed = (case for case in found if case.base == "sdk/endings/kernel-is-killed")
    cases = [*{Path(case.file).parent: case for case in found}.values(), *killed]
    target = Target("reference", (sys.executable, str(ADAPTER)), subject=SDK)
    with Runner(target, Options(image=image, time_scale=6)) as runner:
        results = {case.id: runner.run_case(case) for case in cases}
    assert {name: result.findings for name, result in results.items() if result.outcome is not Outcome.PASS} == {}
    assert len(results) > 1
