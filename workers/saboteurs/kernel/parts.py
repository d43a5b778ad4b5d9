"""Which class plays a part of the kernel: the honest one, or the fault that is switched on."""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing would double the time of a start
if TYPE_CHECKING:
    from typing import TypeVar

    Part = TypeVar("Part")


class Parts:
    """The cast: a fault plays the part that it is a subclass of."""

    def __init__(self, *faults: type) -> None:
        """Begin with these faults."""
        self._faults = faults

    def of(self, honest: type[Part]) -> type[Part]:
        """The class to use in place of the honest one."""
        return next((fault for fault in self._faults if issubclass(fault, honest)), honest)
