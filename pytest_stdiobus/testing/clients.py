"""Other clients than the reference, handed out by the same fixtures."""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BackendMode, StdioBus, UnavailableError
from pytest_stdiobus.bus.backends.binary import resolve_binary

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_OURS = AsyncStdioBus.__module__.rpartition(".")[0]


class ForeignBus:
    """A bus of another client. What it lacks and the reference has skips the test, and says so."""

    def __init__(self, bus: Any, model: type[AsyncStdioBus | StdioBus], client: str) -> None:
        """Stand before `bus`, where a test expects a `model`."""
        self._bus = bus
        self._model = model
        self._client = client

    def __getattr__(self, name: str) -> Any:
        """The bus's own attribute; a method looks at its arguments first."""
        if not hasattr(self._bus, name) and hasattr(self._model, name):
            pytest.skip(f"{self._client} has no {name}")
        found = getattr(self._bus, name)
        return self._checked(name, found) if inspect.isroutine(found) else found

    def _checked(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        known = inspect.signature(method).parameters
        takes_any = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in known.values())
        ours = inspect.signature(getattr(self._model, name)).parameters if hasattr(self._model, name) else {}

        def call(*arguments: Any, **named: Any) -> Any:
            for argument in named:
                if argument not in known and argument in ours and not takes_any:
                    pytest.skip(f"{self._client} has no {argument}= of {name}")
            return method(*arguments, **named)

        return call


@dataclass(frozen=True)
class CustomClient:
    """A factory that is called like `AsyncStdioBus`, with this package's configuration and options."""

    name: str
    factory: Callable[..., Any]
    stop_timeout_sec: float = 2.0

    def make(self, model: type[AsyncStdioBus | StdioBus], **arguments: Any) -> Any:
        """A bus, not started."""
        if model is StdioBus:
            pytest.skip(f"{self.name} is asynchronous: there is no stdiobus_sync")
        return ForeignBus(self.factory(**arguments), model, self.name)


@dataclass(frozen=True)
class PublishedClient:
    """The package ``stdiobus``; configuration and options are translated into its own.

    Its `stop` waits out its timeout on the subprocess backend, so that it gets none.
    """

    name: str
    module: ModuleType
    stop_timeout_sec: float = 0.0

    def make(self, model: type[AsyncStdioBus | StdioBus], **arguments: Any) -> Any:
        """A bus, not started; over the bundled kernel on subprocess, unless another one is named."""
        if arguments["backend"] == BackendMode.DOCKER.value:
            pytest.skip(f"{self.name} runs in no container of these fixtures: the image is made for the bundled kernel")
        if not arguments["subprocess"].binary_path:
            with contextlib.suppress(UnavailableError):
                arguments["subprocess"] = replace(arguments["subprocess"], binary_path=resolve_binary("").path)
        kind = getattr(self.module, model.__name__)
        return ForeignBus(kind(**{key: self._translated(value) for key, value in arguments.items()}), model, self.name)

    def _translated(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._translated(item) for item in value]
        kind = type(value)
        if not is_dataclass(kind) or not kind.__module__.startswith(_OURS):
            return value
        counterpart = getattr(self.module, kind.__name__)
        known = {field.name for field in fields(counterpart)}
        given = {field.name: getattr(value, field.name) for field in fields(kind) if not _is_default(field, value)}
        for name in given:
            if name not in known:
                pytest.skip(f"{self.name} has no {kind.__name__}.{name}")
        return counterpart(**{name: self._translated(part) for name, part in given.items()})


Client = CustomClient | PublishedClient


def _is_default(field: Any, owner: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return bool(getattr(owner, field.name) == default)
