"""What workers ask of the client: requests such as ACP's permission requests (KRN-COR-06)."""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from pytest_stdiobus.bus import messages
from pytest_stdiobus.bus.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Handler = Callable[[dict[str, Any]], object]

_log = logging.getLogger(__name__)


class AgentRequests:
    """The handlers of a worker's requests. Where there is none, the answer is an error (-32601)."""

    def __init__(self, reply: Callable[[dict[str, Any]], None]) -> None:
        """Answer with `reply`."""
        self.handlers: list[Handler] = []
        self._reply = reply
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, request: dict[str, Any]) -> None:
        """Hand a request to every handler; one that fails answers it with an error (-32603)."""
        if not self.handlers:
            self._reply(messages.refusal(request))
        for handler in tuple(self.handlers):
            try:
                outcome = handler(request)
            except Exception as error:  # noqa: BLE001 - whatever a user's handler raises
                self._failed(request, error)
                continue
            if inspect.iscoroutine(outcome):
                task = asyncio.get_running_loop().create_task(self._finish(request, outcome))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def end(self) -> None:
        """Cancel what still works on an answer: nobody would receive it."""
        for task in self._tasks:
            task.cancel()

    async def _finish(self, request: dict[str, Any], outcome: Coroutine[Any, Any, object]) -> None:
        try:
            await outcome
        except Exception as error:  # noqa: BLE001 - whatever a user's handler raises
            self._failed(request, error)

    def _failed(self, request: dict[str, Any], error: Exception) -> None:
        _log.error("a request handler failed", exc_info=error)
        reason = {"code": messages.INTERNAL_ERROR, "message": f"the handler of {request['method']} failed: {error!r}"}
        self._reply(messages.answer(request, error=reason))


def check_answer(request: Any, result: Any, error: Any) -> None:
    """Refuse what is no answer.

    Raises:
        InvalidArgumentError: names the argument and what is accepted.
    """
    if not isinstance(request, dict) or "id" not in request or "method" not in request:
        message = f"request: expected the dict that the handler was given, got {request!r}"
        raise InvalidArgumentError(message)
    if error is None:
        return
    if result is not None:
        message = "pass either result or error"
        raise InvalidArgumentError(message)
    if not (isinstance(error, dict) and type(error.get("code")) is int and isinstance(error.get("message"), str)):
        message = f'error: expected {{"code": number, "message": text}}, got {error!r}'
        raise InvalidArgumentError(message)
