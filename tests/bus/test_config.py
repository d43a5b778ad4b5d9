from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import BusConfig, InvalidArgumentError, LimitsConfig, PoolConfig
from pytest_stdiobus.bus.config import KernelConfig
from pytest_stdiobus.data import data_dir

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_not_set_is_not_written() -> None:
    config = BusConfig(pools=[PoolConfig(id="a", command="cat")], limits=LimitsConfig(max_restarts=0))
    assert config.to_dict() == {
        "pools": [{"id": "a", "command": "cat", "args": [], "instances": 1}],
        "limits": {"max_restarts": 0},
    }


def test_empty_limits_are_omitted() -> None:
    assert "limits" not in BusConfig(pools=[PoolConfig("a", "cat")], limits=LimitsConfig()).to_dict()


def test_a_full_configuration_meets_the_schema() -> None:
    import jsonschema

    pool = PoolConfig(
        id="a", command="c", args=["x"], instances=2, env={"A": "b"}, inherit_env=["PATH"], cwd="/", envelope="strip"
    )
    limits = LimitsConfig(1, 1, 0, 1, 0, 0, 1)
    schema = json.loads((data_dir() / "schemas" / "config.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(BusConfig(pools=[pool], limits=limits).to_dict(), schema)


def test_a_file_reaches_the_kernel_as_it_is(tmp_path: Path) -> None:
    text = '{ "pools": [{"id": "a", "command": "cat"}, {"id": "b", "command": "cat", "instances": 3}]\n}'
    path = tmp_path / "bus.json"
    path.write_text(text, encoding="utf-8")
    config = KernelConfig.load(path)
    assert (config.text, config.pool_ids, config.instances) == (text, ("a", "b"), 4)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"pools": []}', '{"pools": [{"command": "cat"}]}', '{"pools": 3}'])
def test_what_is_no_configuration_is_refused_with_its_source(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bus.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgumentError, match=r"bus\.json"):
        KernelConfig.load(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"absent\.json"):
        KernelConfig.load(tmp_path / "absent.json")
