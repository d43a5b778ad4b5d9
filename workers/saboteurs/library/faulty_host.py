# SPDX-License-Identifier: Apache-2.0
"""A library with one fault, which the variable ``FAULT`` names: a real one, with the fault between it and its host.

Started as ``python -S faulty_host.py LIBRARY ...`` it is the program that hosts a library (``workers/embedding.py``).
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from embedding import main
from embedding_api import FULL, OK, WRONG_STATE, Bus, Library

Fault = Callable[..., Any]

FAULTS: "dict[tuple[str, str], Fault]" = {}
_PIPE = os.pipe()


def fault(name: str, *functions: str) -> "Callable[[Fault], Fault]":
    """Say what a fault makes of the calls of some functions, or of some callbacks."""

    def register(made: Fault) -> Fault:
        FAULTS.update({(name, function): made for function in functions})
        return made

    return register


def _first(what: str, seen: "set[str]" = set()) -> bool:  # noqa: B006 - of this process
    is_first = what not in seen
    seen.add(what)
    return is_first


@fault("starts_twice", "start")
@fault("steps_in_a_callback", "step")
def _forgives(real: Fault, *arguments: Any) -> int:
    code = int(real(*arguments))
    return OK if code == WRONG_STATE else code


@fault("stops_once", "stop")
def _stops_once(real: Fault, bus: Any, timeout_sec: int) -> int:
    return int(real(bus, timeout_sec)) if _first("stop") or bus is None else WRONG_STATE


@fault("takes_null", "start", "step", "stop", "ingest")
def _takes_null(real: Fault, bus: Any, *rest: Any) -> int:
    return OK if bus is None else int(real(bus, *rest))


@fault("explains_nothing", "on_error")
@fault("reports_no_worker", "on_worker")
@fault("reports_no_client", "on_client_connect", "on_client_disconnect")
def _keeps_silent(_hear: Fault, _name: str, _told: Any) -> None:
    return


@fault("takes_its_time", "step")
def _takes_its_time(real: Fault, bus: Any, timeout_ms: int) -> int:
    return int(real(bus, timeout_ms * 10))


@fault("counts_no_event", "step")
def _counts_no_event(real: Fault, bus: Any, timeout_ms: int) -> int:
    return min(int(real(bus, timeout_ms)), OK)


@fault("restless_descriptor", "get_poll_fd")
def _restless_descriptor(_real: Fault, _bus: Any) -> int:
    os.set_blocking(_PIPE[1], False)
    with contextlib.suppress(BlockingIOError):
        os.write(_PIPE[1], b"x")
    return _PIPE[0]


@fault("starts_a_thread", "start")
def _starts_a_thread(real: Fault, bus: Any) -> int:
    threading.Thread(target=time.sleep, args=[60], daemon=True).start()
    return int(real(bus))


@fault("logs_to_stderr", "on_log")
def _logs_to_stderr(hear: Fault, name: str, told: Any) -> None:
    os.write(2, told["message"].encode() + b"\n")
    hear(name, told)


@fault("ignores_a_signal", "start")
def _ignores_a_signal(real: Fault, bus: Any) -> int:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    return int(real(bus))


@fault("waits_for_every_child", "step")
def _waits_for_every_child(real: Fault, bus: Any, timeout_ms: int) -> int:
    code = int(real(bus, timeout_ms))
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    return code


@fault("takes_garbage", "ingest")
def _takes_garbage(real: Fault, bus: Any, line: "bytes | None", length: int) -> int:
    code = int(real(bus, line, length))
    return OK if bus and line is not None and not line.startswith(b"{") else code


@fault("takes_the_first_line", "ingest")
def _takes_the_first_line(real: Fault, bus: Any, line: "bytes | None", length: int) -> int:
    first = (line or b"").lstrip(b"\n").split(b"\n")[0]
    return int(real(bus, first, len(first)) if line and b"\n" in line else real(bus, line, length))


@fault("has_another_word_for_full", "ingest")
def _has_another_word_for_full(real: Fault, *arguments: Any) -> int:
    code = int(real(*arguments))
    return -13 if code == FULL else code


@fault("forgets_the_nul", "on_message")
def _forgets_the_nul(hear: Fault, name: str, told: Any) -> None:
    hear(name, {**told, "nul": False})


@fault("counts_the_nul", "on_message")
def _counts_the_nul(hear: Fault, name: str, told: Any) -> None:
    hear(name, {**told, "length": told["length"] + 1})


@fault("counts_nothing", "session_count", "pending_count")
def _counts_nothing(_real: Fault, _bus: Any) -> int:
    return 0


@fault("keeps_no_statistics", "get_stats")
def _keeps_no_statistics(_real: Fault, _bus: Any, _stats: Any) -> None:
    return


@fault("registers_nobody", "register_embedded_worker")
def _registers_nobody(_real: Fault, *_: Any) -> int:
    return -1


@fault("unregisters_nobody", "unregister_embedded_worker")
def _unregisters_nobody(_real: Fault, *_: Any) -> int:
    return OK


@fault("stops_when_it_likes", "stop")
def _stops_when_it_likes(real: Fault, bus: Any, timeout_sec: int) -> int:
    return int(real(bus, max(timeout_sec, 30)))


@fault("leaves_its_workers", "destroy")
def _leaves_its_workers(_real: Fault, _bus: Any) -> None:
    return


def sabotage(name: str) -> None:
    """Put a fault between every library and its host."""
    call, begin = Library.call, Bus.__init__

    def sabotaged(library: Library, function: str, *arguments: Any) -> Any:
        made = FAULTS.get((name, function))
        if made is None:
            return call(library, function, *arguments)
        return made(lambda *changed: call(library, function, *changed), *arguments)

    def begun(bus: Bus, library: Library, hear: Any) -> None:
        def heard(callback: str, told: "dict[str, Any]") -> None:
            made = FAULTS.get((name, callback))
            if made is None:
                hear(callback, told)
            else:
                made(hear, callback, told)

        begin(bus, library, heard)

    Library.call = sabotaged  # type: ignore[method-assign, assignment]
    Bus.__init__ = begun  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    sabotage(os.environ.get("FAULT", ""))
    sys.exit(main(sys.argv[1:]))
