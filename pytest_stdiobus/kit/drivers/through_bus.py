"""A worker as a target, with a bus between it and the kit: the kit is a client of a kernel that starts the worker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.kit.case import STDIO
from pytest_stdiobus.kit.drivers.kernel import KernelSeat
from pytest_stdiobus.kit.through import FORWARD

if TYPE_CHECKING:
    from pytest_stdiobus.kit.case import Step
    from pytest_stdiobus.kit.history import Event, History
    from pytest_stdiobus.kit.patience import Patience
    from pytest_stdiobus.kit.supervisor import Supervisor
    from pytest_stdiobus.kit.target import Target

SESSION = "kit"
_POOL = "worker"
# Nothing that a case sends may meet a limit of the bus, and a worker that does not end must not hold up its end.
_LIMITS = {
    "max_input_buffer": 64 * 1024 * 1024,
    "max_output_queue": 256 * 1024 * 1024,
    "max_restarts": 0,
    "drain_timeout_sec": 1,
}


class ThroughBusSeat(KernelSeat):
    """One life of a worker behind a kernel."""

    def __init__(
        self,
        target: Target,
        history: History,
        supervisor: Supervisor,
        patience: Patience,
        *,
        kernel: str,
        envelope: str,
        in_session: bool,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            target: the worker.
            history: what is observed goes there; its process facts are the kernel's.
            supervisor: starts the kernel.
            patience: how long it is waited for.
            kernel: the path of the kernel's executable.
            envelope: ``forward`` or ``strip``: what becomes of the bus's own members on the way to the worker.
            in_session: whether messages get a top-level ``sessionId`` where they have none, as clients of a bus write it.
        """
        program, *arguments = target.command
        pool = {"id": _POOL, "command": program, "args": arguments, "instances": 1}
        if envelope != FORWARD:  # which every kernel does without being told
            pool["envelope"] = envelope
        super().__init__(
            replace(target, command=(kernel,)),
            history,
            supervisor,
            patience,
            config={"pools": [pool], "limits": _LIMITS},
            transport=STDIO,
        )
        self._in_session = in_session

    def act(self, step: Step, value: Any, index: int) -> Event | None:
        """Send as a client of the bus does, and whatever else a client can do."""
        return super().act(step, self._addressed(value), index)

    def _addressed(self, value: Any) -> Any:
        is_message = self._in_session and isinstance(value, dict) and "method" in value
        return {"sessionId": SESSION, **value} if is_message else value
