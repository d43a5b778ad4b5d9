"""Tests of the client run on both backends."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["native", "subprocess"])
def stdiobus_backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
