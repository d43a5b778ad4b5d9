"""Making a bus: constructor, builder, and what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.published.conftest import Client

    Refused = Callable[[Client], Any]


def bus(client: Client, **options: Any) -> Any:
    return client.bus.AsyncStdioBus(client.bus.BusConfig([client.pool()]), **options)


def listener(client: Client, **options: Any) -> Any:
    return bus(client, backend="native", native=client.bus.NativeOptions(**options))


# A ValueError is what both raise; which of them are InvalidArgumentErrors too is a difference.
REFUSED: dict[str, Refused] = {
    "no configuration": lambda c: c.bus.AsyncStdioBus(),
    "two configurations": lambda c: bus(c, config_path="bus.json"),
    "no pools": lambda c: c.bus.AsyncStdioBus(c.bus.BusConfig()),
    "a pool without id": lambda c: c.bus.AsyncStdioBus(c.bus.BusConfig([c.bus.PoolConfig("", "python")])),
    "a pool without command": lambda c: c.bus.AsyncStdioBus(c.bus.BusConfig([c.bus.PoolConfig("w", "")])),
    "a pool without instances": lambda c: c.bus.AsyncStdioBus(c.bus.BusConfig([c.pool(instances=0)])),
    "no such backend": lambda c: bus(c, backend="pigeon"),
    "no such listener": lambda c: listener(c, listen_mode="pigeon"),
    "a tcp listener without port": lambda c: listener(c, listen_mode="tcp"),
    "a tcp port out of range": lambda c: listener(c, listen_mode="tcp", tcp_port=70_000),
    "a unix listener without path": lambda c: listener(c, listen_mode="unix"),
    "no time between polls": lambda c: listener(c, poll_interval_ms=0),
    "a listener of another backend": lambda c: bus(
        c, backend="subprocess", native=c.bus.NativeOptions(listen_mode="tcp", tcp_port=9000)
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_can_never_work_is_refused_at_once(names: Client, what: str) -> None:
    with pytest.raises((ValueError, names.bus.InvalidArgumentError)):
        REFUSED[what](names)


@pytest.mark.parametrize("method", ["validate", "to_json"])
def test_a_valid_configuration_passes(names: Client, method: str) -> None:
    getattr(names.bus.BusConfig([names.pool()]), method)()


def test_a_configuration_is_written_without_what_is_not_set(names: Client) -> None:
    config = names.bus.BusConfig([names.bus.PoolConfig("w", "python")], names.bus.LimitsConfig(max_restarts=1))
    pool = {"id": "w", "command": "python", "args": [], "instances": 1}
    assert json.loads(config.to_json()) == {"pools": [pool], "limits": {"max_restarts": 1}}


@pytest.mark.parametrize("how", [lambda c: c.bus.BusConfig(), lambda c: c.bus.NativeOptions("tcp")])
def test_validate_raises_a_value_error(names: Client, how: Refused) -> None:
    with pytest.raises(ValueError, match=r"pool|port"):
        how(names).validate()


def test_the_builder_makes_both_clients(names: Client) -> None:
    builder = names.bus.StdioBusBuilder()
    config = names.bus.BusConfig([names.pool()])
    assert builder.config(config).backend("native").native(names.bus.NativeOptions()).timeout_ms(100) is builder
    assert isinstance(builder.build(), names.bus.AsyncStdioBus)
    assert isinstance(builder.build_sync(), names.bus.StdioBus)


def test_the_last_word_to_the_builder_counts(names: Client) -> None:
    builder = names.bus.StdioBusBuilder().config(names.bus.BusConfig([names.pool()]))
    assert builder.backend("pigeon").backend(names.bus.BackendMode.NATIVE).build().get_backend_type() == "native"


def test_the_builder_refuses_what_the_constructor_refuses(names: Client) -> None:
    with pytest.raises(names.bus.InvalidArgumentError):
        names.bus.StdioBusBuilder().build()


@pytest.mark.asyncio
async def test_a_configuration_file_serves_too(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "bus.json"
    path.write_text(client.bus.BusConfig([client.pool()]).to_json(), encoding="utf-8")
    async with client.running(config=None, config_path=str(path)) as bus:
        assert await bus.request("echo", {"n": 1}) == {"echo": {"n": 1}}


def test_options_of_a_bus_are_its_arguments(names: Client, tmp_path: Path) -> None:
    path = tmp_path / "bus.json"
    path.write_text(names.bus.BusConfig([names.pool()]).to_json(), encoding="utf-8")
    options = names.public("BusOptions")(config_path=str(path), backend=names.bus.BackendMode.NATIVE, timeout_ms=900)
    assert names.bus.AsyncStdioBus(**vars(options)).get_backend_type() == "native"
