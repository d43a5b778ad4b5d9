"""The messages that generated cases are made of are what the schemas say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_stdiobus.kit import schemas, wire
from pytest_stdiobus.kit.explore import messages
from pytest_stdiobus.kit.schemas import schema
from pytest_stdiobus.kit.wire import Kind

SHAPES = {
    "request": (messages.requests(), Kind.REQUEST),
    "notification": (messages.notifications(), Kind.NOTIFICATION),
    "response": (messages.responses(), Kind.RESPONSE),
    "error": (messages.errors(), Kind.RESPONSE),
}


@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_message_is_what_its_schema_says_and_nothing_else(shape: str, data: st.DataObject) -> None:
    strategy, kind = SHAPES[shape]
    message = data.draw(strategy)
    assert [name for name in SHAPES if faults(message, name) == []] == [shape]
    assert wire.kind_of(message) is kind
    assert wire.parse(wire.encode(message)) == message


@settings(deadline=None, max_examples=40)
@given(messages.ids())
def test_a_spelled_id_is_an_id_of_a_message(ident: str) -> None:
    assert faults({"jsonrpc": "2.0", "id": json.loads(ident), "result": None}, "response") == []


@settings(deadline=None, max_examples=40)
@given(messages.pools())
def test_pools_are_those_of_a_configuration_once_their_workers_have_a_command(pools: list[Any]) -> None:
    config = {"pools": [{"id": pool["id"], "instances": pool["instances"], "command": "worker"} for pool in pools]}
    assert schemas.faults(config, schema("config")) == []
    assert {pool["worker"] for pool in pools} == {"scripted"}


@settings(deadline=None, max_examples=40)
@given(messages.sizes(), messages.splits())
def test_a_message_can_be_longer_than_a_pipe_is_deep_and_written_in_single_bytes(size: int, split: int) -> None:
    assert 0 <= size < 1_048_576
    assert split >= 1


def faults(message: dict[str, Any], shape: str) -> list[str]:
    return schemas.faults(message, {"$ref": f"{schema('message')['$id']}#/$defs/{shape}"})
