"""The same tests on this machine and in a container: run them with --stdiobus-backend=docker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BusConfig, DockerOptions, PoolConfig

if TYPE_CHECKING:
    from pytest_stdiobus.bus import AsyncStdioBus

AGENTS = Path(__file__).parent / "agents"


@pytest.fixture
def stdiobus_docker() -> DockerOptions:
    """The image of ``make image`` holds the kernel alone; this machine lends it Python and the workers.

    An image of your own has both inside, and needs nothing but its name here.
    """
    folders = ["/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix, str(AGENTS)]
    lent = [folder for folder in dict.fromkeys(folders) if Path(folder).is_dir()]
    return DockerOptions(image="stdiobus-kernel", extra_args=[f"--volume={folder}:{folder}:ro" for folder in lent])


@pytest.fixture
def stdiobus_config() -> BusConfig:
    """The command is run where the kernel runs: in the container."""
    pool = PoolConfig(id="calculator", command=sys.executable, args=[str(AGENTS / "calculator.py")])
    return BusConfig(pools=[pool])


async def test_it_adds_wherever_it_runs(stdiobus: AsyncStdioBus) -> None:
    assert await stdiobus.request("add", [1, 2, 3]) == 6
