from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import (
    AsyncStdioBus,
    BusConfig,
    DockerOptions,
    InvalidArgumentError,
    ListenMode,
    NativeOptions,
    StdioBus,
    StdioBusBuilder,
    SubprocessOptions,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import WorkerPool

SILENT = "for m in lines: pass"


def test_both_clients_are_built_with_what_was_said(
    stdiobus_backend: str, stdiobus_docker: DockerOptions, worker: WorkerPool
) -> None:
    builder = StdioBusBuilder().config(BusConfig(pools=[worker(SILENT)])).backend(stdiobus_backend).timeout_ms(50)
    builder = builder.docker_options(stdiobus_docker)
    assert isinstance(builder.build(), AsyncStdioBus)
    with builder.build_sync() as bus:
        assert isinstance(bus, StdioBus)
        assert bus.get_backend_type() == stdiobus_backend
        with pytest.raises(TimeoutError, match="50 ms"):
            bus.request("m")
        bus.destroy()


@pytest.mark.parametrize("step", ["native", "native_options"])
def test_options_of_the_native_backend_count(worker: WorkerPool, step: str) -> None:
    builder = StdioBusBuilder().config(BusConfig(pools=[worker(SILENT)]))
    bus = getattr(builder, step)(NativeOptions(listen_mode=ListenMode.TCP, tcp_port=0)).build()
    assert (bus.get_backend_type(), bus.get_listen_mode()) == ("native", ListenMode.TCP)


@pytest.mark.parametrize("step", ["subprocess", "subprocess_options"])
def test_options_of_the_subprocess_backend_count(worker: WorkerPool, step: str) -> None:
    builder = StdioBusBuilder().config(BusConfig(pools=[worker(SILENT)])).backend("subprocess")
    with pytest.raises(Exception, match="/no/kernel"):
        getattr(builder, step)(SubprocessOptions(binary_path="/no/kernel")).build()


def test_a_configuration_file_may_stand_in(worker: WorkerPool, tmp_path: Path) -> None:
    path = tmp_path / "bus.json"
    path.write_text(json.dumps(BusConfig(pools=[worker(SILENT)]).to_dict()), encoding="utf-8")
    assert isinstance(StdioBusBuilder().config_path(path).build(), AsyncStdioBus)


def test_a_bus_without_a_configuration_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="config"):
        StdioBusBuilder().build_sync()
