from __future__ import annotations

import builtins
from typing import Any

import pytest

from pytest_stdiobus import bus
from pytest_stdiobus.bus import ErrorCode, InternalError, StdioBusError, error_from_code
from pytest_stdiobus.bus.errors import error_from_wire


@pytest.mark.parametrize("code", [code for code in bus.ErrorCode if code is not bus.ErrorCode.INTERNAL])
def test_every_code_has_its_class(code: bus.ErrorCode) -> None:
    classes = [kind for kind in bus.StdioBusError.__subclasses__() if kind.code is code]
    assert len(classes) == 1
    assert classes[0]("text").code == code


def test_errors_are_also_the_builtin_ones_a_user_would_catch() -> None:
    assert issubclass(bus.TimeoutError, builtins.TimeoutError)
    assert issubclass(bus.InvalidArgumentError, ValueError)
    assert issubclass(bus.RemoteError, bus.InternalError)


@pytest.mark.parametrize("code", [3, -32090, -32601])
def test_a_workers_error_keeps_code_message_and_data(code: int) -> None:
    error = error_from_wire({"code": code, "message": "no", "data": {"reason": "mine"}})
    assert isinstance(error, bus.RemoteError)
    assert (error.code, error.message, error.data, error.details) == (code, "no", {"reason": "mine"}, error.data)
    assert str(code) in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-32090, bus.TransportError),
        (-32091, bus.UnavailableError),
        (-32092, bus.InvalidArgumentError),
        (-32093, bus.ResourceExhaustedError),
        (-32095, bus.TransportError),
        (-32096, bus.ResourceExhaustedError),
        (-32097, bus.TransportError),
    ],
)
def test_a_kernel_error_becomes_its_class_and_says_reason_and_code(code: int, kind: type[bus.StdioBusError]) -> None:
    error = error_from_wire({"code": code, "message": "text", "data": {"source": "stdio_bus", "reason": "why"}})
    assert type(error) is kind
    assert "why" in str(error)
    assert str(code) in str(error)


@pytest.mark.parametrize("error", [None, "text", {}, {"code": "3"}])
def test_what_is_no_error_object_is_a_transport_error(error: Any) -> None:
    assert isinstance(error_from_wire(error), bus.TransportError)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_canonical_code_has_its_class(code: ErrorCode) -> None:
    error = error_from_code(code, "why", {"a": 1})
    assert (error.code, error.message, error.details) == (code, "why", {"a": 1})
    assert type(error) is not StdioBusError


def test_an_unknown_code_is_an_internal_error() -> None:
    assert type(error_from_code(12345, "why")) is InternalError
