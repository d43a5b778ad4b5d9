"""An event loop on a private thread, for code that has none or must not block its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_stdiobus.bus.errors import InvalidStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")

_LAST_WORDS_SEC = 1.0


class LoopThread:
    """Runs coroutines and functions on its thread; before `start` and after `end` those that need not wait."""

    def __init__(self) -> None:
        """Begin without a thread."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._loop is not None

    def start(self) -> None:
        """Start the thread and its loop."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stdiobus", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the thread and wait for it.

        Raises:
            InvalidStateError: called on the thread itself, or it has to wait and no thread runs.
        """
        if self._loop is None:
            return finish(work)
        if threading.current_thread() is self._thread:
            work.close()
            message = "a handler cannot wait on the thread that runs it: use send() or respond(), or another thread"
            raise InvalidStateError(message)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[[], Result]) -> Result:
        """Call a function on the thread and wait for it."""
        if self._loop is None or threading.current_thread() is self._thread:
            return function()
        done: concurrent.futures.Future[Result] = concurrent.futures.Future()

        def work() -> None:
            try:
                done.set_result(function())
            except BaseException as error:  # noqa: BLE001 - raised where it was called
                done.set_exception(error)

        self._loop.call_soon_threadsafe(work)
        return done.result()

    def end(self) -> None:
        """End the thread; repeating it is allowed."""
        if self._loop is None or self._thread is None:
            return
        self.run(_let_others_end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that does not wait."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    work.close()
    message = "the bus is not running"
    raise InvalidStateError(message)


async def _let_others_end() -> None:
    """Let other threads' calls, which have failed by now, report to them before the loop ends."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, stubborn = await asyncio.wait(others, timeout=_LAST_WORDS_SEC)
        for task in stubborn:
            task.cancel()
    await asyncio.sleep(0)
