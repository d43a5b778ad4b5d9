"""Tests of the client run on every backend."""

from __future__ import annotations

import pytest

from pytest_stdiobus.bus import DockerOptions


@pytest.fixture(params=["native", "subprocess", "docker"])
def stdiobus_backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "docker":
        request.getfixturevalue("docker")
    return name


@pytest.fixture
def stdiobus_docker(request: pytest.FixtureRequest) -> DockerOptions:
    if "stdiobus_backend" in request.fixturenames and request.getfixturevalue("stdiobus_backend") != "docker":
        return DockerOptions()
    options: DockerOptions = request.getfixturevalue("docker")
    return options
