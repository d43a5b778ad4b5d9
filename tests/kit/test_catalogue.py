"""What the catalogue says of its rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_stdiobus.kit.catalogue import Requirement, Source, catalogue


@pytest.mark.parametrize(
    ("basis", "url", "public"),
    [("rpc", "https://example.org/rules", True), ("rpc", "", False), ("kit", "https://example.org/rules", False)],
)
def test_a_rule_is_public_when_it_can_be_shown(basis: str, url: str, *, public: bool) -> None:
    row: Requirement = replace(catalogue()["WRK-03"], basis=basis, source=Source("rules", url))
    assert row.public is public
