"""What the fixtures of one test share; with this module the client is imported."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import BusConfig, DockerOptions
from pytest_stdiobus.sdk import selected_client
from pytest_stdiobus.selection import docker_options, native_options, selected_backends, subprocess_options
from pytest_stdiobus.stash import PROGRESS
from pytest_stdiobus.testing.direct import DirectWorker
from pytest_stdiobus.testing.factory import Record, Workshop, echo_pool
from pytest_stdiobus.testing.faults import Faults
from pytest_stdiobus.testing.orphans import Mark, OrphanError
from pytest_stdiobus.testing.report import attach, explain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_stdiobus.testing.wire import Wire

_MARKER_ARGUMENTS = ("pools", "limits", "orphans")


class Scene:
    """One test with its marker, the options of the run, and the record of its buses."""

    def __init__(self, item: pytest.Item) -> None:
        """Begin without a bus."""
        self._item = item
        self._record = Record()
        if (progress := item.config.stash.get(PROGRESS, None)) is not None:
            progress.follow(self._record)

    @property
    def backend(self) -> str:
        """The backend where the test is not parametrised."""
        return selected_backends(self._item.config)[0].name

    def default_config(self, backend: str) -> BusConfig:
        """The configuration where nobody gives another."""
        return BusConfig(pools=[echo_pool(backend)])

    def marked(self, config: BusConfig) -> BusConfig:
        """The configuration with what the marker says in place of it."""
        given = self._marker_arguments()
        return BusConfig(pools=given.get("pools", config.pools), limits=given.get("limits", config.limits))

    def docker_options(self) -> DockerOptions:
        """The options of the docker backend."""
        return docker_options(self._item.config)

    def wire(self) -> Wire:
        """What crosses the wire of the test's buses."""
        if (client := selected_client(self._item.config)) is not None:
            pytest.skip(f"{client.name} does not show its wire")
        return self._record.wire

    def faults(self, backend: str) -> Faults:
        """Toxics for the workers of the test."""
        return Faults(backend)

    @contextlib.contextmanager
    def workshop(self, backend: str, docker: DockerOptions, faults: Faults | None) -> Iterator[Workshop]:
        """Where the buses of the test are made; it ends after all of them have."""
        config = self._item.config
        workshop = Workshop(
            self._record,
            backend,
            native_options(config),
            subprocess_options(config),
            docker,
            orphans=self._marker_arguments().get("orphans", True),
            faults=faults,
            client=selected_client(config),
        )
        yield workshop
        try:
            workshop.check()
        except OrphanError as error:
            pytest.fail(str(error), pytrace=False)

    @contextlib.contextmanager
    def direct(self, command: Sequence[str], env: Mapping[str, str], cwd: str | None) -> Iterator[DirectWorker]:
        """A worker without a bus, not started yet; after its end nothing that it started may be left."""
        mark = Mark()
        worker = self._record.worker = DirectWorker(command, env, cwd, self._record.wire, mark)
        yield worker
        try:
            mark.check("the worker was ended", "it")
        except OrphanError as error:
            pytest.fail(str(error), pytrace=False)

    def first_command(self, config: BusConfig) -> list[str]:
        """The command of the first pool."""
        pool = self.marked(config).pools[0]
        return [pool.command, *pool.args]

    def explain(self, error: BaseException) -> None:
        """Say more about an error of the test than it says itself."""
        explain(self._item, self._record, error)

    def attach(self, report: pytest.TestReport) -> None:
        """Show in a failing report what the buses of the test did."""
        attach(self._item, self._record, report)

    def _marker_arguments(self) -> dict[str, Any]:
        marker = self._item.get_closest_marker("stdiobus")
        if marker is None:
            return {}
        unknown = sorted(set(marker.kwargs) - set(_MARKER_ARGUMENTS))
        if marker.args or unknown:
            message = (
                f"the stdiobus marker takes {', '.join(_MARKER_ARGUMENTS)} by name, got {[*marker.args, *unknown]}"
            )
            raise pytest.UsageError(message)
        return dict(marker.kwargs)
