"""The option ``--stdiobus-sdk``: which client the fixtures hand out."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.options import SDK
from pytest_stdiobus.stash import CLIENT
from pytest_stdiobus.testing.clients import CustomClient, PublishedClient

if TYPE_CHECKING:
    from pytest_stdiobus.testing.clients import Client

PUBLISHED = "stdiobus"


def selected_client(config: pytest.Config) -> Client | None:
    """The client to hand out; None for the reference.

    Raises:
        pytest.UsageError: no such client, or it is not installed.
    """
    if CLIENT not in config.stash:
        config.stash[CLIENT] = _client(SDK.value(config))
    return config.stash[CLIENT]


def client_name(config: pytest.Config) -> str:
    """The client as the header shows it."""
    client = selected_client(config)
    return client.name if client is not None else SDK.default


def _client(value: str) -> Client | None:
    if value == SDK.default:
        return None
    if value == PUBLISHED:
        if importlib.util.find_spec(PUBLISHED) is None:
            message = f"{SDK.flag}: {PUBLISHED} is not installed: pip install 'pytest-stdiobus[stdiobus]'"
            raise pytest.UsageError(message)
        version = importlib.metadata.version(PUBLISHED)
        return PublishedClient(f"{PUBLISHED} {version}", importlib.import_module(PUBLISHED))
    module, colon, attribute = value.partition(":")
    if not (module and colon and attribute):
        message = f"{SDK.flag}: {value!r} is not a client; use {SDK.default}, {PUBLISHED} or module:attribute"
        raise pytest.UsageError(message)
    try:
        factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        message = f"{SDK.flag}: {value} cannot be used: {error}"
        raise pytest.UsageError(message) from error
    if not callable(factory):
        message = f"{SDK.flag}: {value} cannot be called like AsyncStdioBus"
        raise pytest.UsageError(message)
    return CustomClient(value, factory)
