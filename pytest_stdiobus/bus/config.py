"""The configuration of a bus, as the kernel reads it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from types import NoneType
from typing import Any

from pytest_stdiobus.bus.arguments import instance_of, text, texts, variables, whole_number
from pytest_stdiobus.bus.errors import InvalidArgumentError

DEFAULT_MAX_INPUT_BUFFER = 10 * 1024 * 1024


@dataclass(frozen=True)
class PoolConfig:
    """A pool: `instances` copies of one worker command (KRN-WRK-01).

    Attributes:
        id: the name requests use.
        command: the program, looked up in PATH; no shell is involved.
        args: its arguments.
        instances: how many copies run.
        env: variables added to the workers' environment.
        inherit_env: whether workers inherit the kernel's environment, or the names they inherit.
        cwd: the directory they run in.
        envelope: ``"strip"`` hides the bus's members from workers that refuse them (KRN-RTE-13).
    """

    id: str
    command: str
    args: list[str] = field(default_factory=list)
    instances: int = 1
    env: dict[str, str] | None = None
    inherit_env: bool | list[str] | None = None
    cwd: str | None = None
    envelope: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The pool in the kernel's schema, without what is not set."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


@dataclass(frozen=True)
class LimitsConfig:
    """The kernel's limits (KRN-LIM-05): sizes in bytes, times in seconds; None leaves the kernel's default."""

    max_input_buffer: int | None = None
    max_output_queue: int | None = None
    max_restarts: int | None = None
    restart_window_sec: int | None = None
    drain_timeout_sec: int | None = None
    backpressure_timeout_sec: int | None = None
    max_total_buffer: int | None = None

    def to_dict(self) -> dict[str, int]:
        """The limits that are set."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}


@dataclass(frozen=True)
class BusConfig:
    """Pools and limits of a bus (SDK-WIR-06)."""

    pools: list[PoolConfig] = field(default_factory=list)
    limits: LimitsConfig | None = None

    def validate(self) -> None:
        """Refuse what no kernel can run; every bus does so when it is made.

        Raises:
            InvalidArgumentError: no pools, or a value of the wrong type; it is named by its path.
        """
        if not isinstance(self.pools, (list, tuple)) or not self.pools:
            message = f"pools: expected a list of at least one pool, got {self.pools!r}"
            raise InvalidArgumentError(message)
        for number, pool in enumerate(self.pools):
            _check_pool(f"pools[{number}]", pool)
        instance_of("limits", LimitsConfig, self.limits)
        for name, value in (self.limits or LimitsConfig()).to_dict().items():
            whole_number(f"limits.{name}", value, least=0)

    def to_json(self) -> str:
        """The configuration in the kernel's schema, as text."""
        return json.dumps(self.to_dict(), allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """The configuration in the kernel's schema; unset limits are omitted."""
        document: dict[str, Any] = {"pools": [pool.to_dict() for pool in self.pools]}
        if self.limits is not None and (limits := self.limits.to_dict()):
            document["limits"] = limits
        return document


def _check_pool(path: str, pool: Any) -> None:
    if not isinstance(pool, PoolConfig):
        message = f"{path}: expected PoolConfig, got {pool!r}"
        raise InvalidArgumentError(message)
    text(f"{path}.id", pool.id)
    text(f"{path}.command", pool.command)
    if pool.args is not None:
        texts(f"{path}.args", pool.args)
    whole_number(f"{path}.instances", pool.instances, least=1)
    if pool.env is not None:
        variables(f"{path}.env", pool.env)
    if not isinstance(pool.inherit_env, (bool, NoneType)):
        texts(f"{path}.inherit_env", pool.inherit_env)
    for name in ("cwd", "envelope"):
        if getattr(pool, name) is not None:
            text(f"{path}.{name}", getattr(pool, name))


@dataclass(frozen=True)
class KernelConfig:
    """What the client itself needs of a configuration, beside the text that goes to the kernel.

    Attributes:
        text: the JSON document for the kernel.
        pool_ids: the pools' ids in their order.
        instances: how many workers the configuration asks for.
        max_input_buffer: the longest line, in bytes, that the kernel accepts.
    """

    text: str
    pool_ids: tuple[str, ...]
    instances: int
    max_input_buffer: int

    @classmethod
    def of(cls, config: BusConfig) -> KernelConfig:
        """Serialise a configuration object.

        Raises:
            InvalidArgumentError: no kernel can run it.
        """
        config.validate()
        return cls.parse(config.to_json(), "config")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> KernelConfig:
        """Read a configuration file; the kernel gets its text unchanged.

        Raises:
            InvalidArgumentError: the file cannot be read or is not a configuration.
        """
        if not isinstance(path, (str, os.PathLike)):
            message = f"config_path: expected a path, got {path!r}"
            raise InvalidArgumentError(message)
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a NUL in the path
            message = f"config_path: cannot read {os.fspath(path)!r}: {error}"
            raise InvalidArgumentError(message) from error
        return cls.parse(text, os.fspath(path))

    @classmethod
    def parse(cls, text: str, source: str) -> KernelConfig:
        """Read what the client needs; everything else is the kernel's to judge (KRN-CFG-02, KRN-CFG-03)."""
        try:
            document = json.loads(text)
            pools = [(pool["id"], pool.get("instances", 1)) for pool in document["pools"]]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            message = f'{source}: expected {{"pools": [{{"id", "command", ...}}]}}, got {text[:80]!r} ({error})'
            raise InvalidArgumentError(message) from error
        if not pools:
            message = f"{source}: pools: expected at least one pool"
            raise InvalidArgumentError(message)
        limits = document.get("limits") or {}
        longest = limits.get("max_input_buffer") if isinstance(limits, dict) else None
        return cls(
            text=text,
            pool_ids=tuple(str(name) for name, _ in pools),
            instances=sum(count for _, count in pools if isinstance(count, int)),
            max_input_buffer=longest if isinstance(longest, int) else DEFAULT_MAX_INPUT_BUFFER,
        )
