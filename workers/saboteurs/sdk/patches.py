"""How a fault gets into the client: it takes the place of a function, which it may still call."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = Callable[..., Any]

FAULTS: dict[str, Callable[[], None]] = {}  # by their names


def fault(put: Callable[[], None]) -> Callable[[], None]:
    """Register what puts a fault into the client."""
    FAULTS[put.__name__] = put
    return put


def in_place_of(owner: Any, name: str) -> Callable[[Function], None]:
    """Let the function below stand where a function of a module or class stood, which is its first argument."""

    def put(new: Function) -> None:
        usual = getattr(owner, name)

        @functools.wraps(usual)
        def call(*arguments: Any, **named: Any) -> Any:
            return new(usual, *arguments, **named)

        setattr(owner, name, call)

    return put
