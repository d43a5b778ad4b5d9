"""The kernel in a container, reached over a port that is published on loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import tempfile
import uuid
from typing import TYPE_CHECKING

from pytest_stdiobus.bus.arguments import SHORTEST_START_SEC, seconds, text, texts, variables
from pytest_stdiobus.bus.backends.base import Backend, Sink, fail_start
from pytest_stdiobus.bus.backends.child import ChildProcess
from pytest_stdiobus.bus.backends.connection import Connection
from pytest_stdiobus.bus.backends.engine import ContainerGuard, ask_engine
from pytest_stdiobus.bus.backends.kernel_log import KernelLog
from pytest_stdiobus.bus.backends.traffic import Traffic
from pytest_stdiobus.bus.errors import InternalError, InvalidArgumentError, StdioBusError, TransportError
from pytest_stdiobus.bus.types import BackendMode, BusState, BusStats, DockerOptions

if TYPE_CHECKING:
    from pytest_stdiobus.bus.config import KernelConfig

_PULL = {"never": "never", "if-missing": "missing", "always": "always"}
_PREFIX = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_PORT = 9000  # inside the container; outside, the engine takes a free one
_CONFIG_PATH = "/stdiobus.json"
_NOBODY = 65534
_ENGINE_FAILED = 125  # the status of `docker run` where not the container but the engine failed
# The exit of a kernel closes its connection first; its status and last words take the engine a moment longer.
_LAST_WORDS_SEC = 3.0
# How long stop() waits for the engine beyond its timeout; less than the second it may take (SDK-CAN-04).
_REMOVAL_SEC = 0.8


class DockerBackend(Backend):
    """Runs ``docker run IMAGE --config PATH --tcp 0.0.0.0:PORT`` and connects to the published port."""

    mode = BackendMode.DOCKER

    def __init__(self, config: KernelConfig, sink: Sink, options: DockerOptions) -> None:
        """Check the options; nothing runs before `start`.

        Raises:
            InvalidArgumentError: an option can never work.
        """
        _check(options)
        self._config = config
        self._sink = sink
        self._options = options
        self._name = f"{options.container_name_prefix}-{uuid.uuid4().hex}"
        self._log = KernelLog()
        self._traffic = Traffic()
        self._child: ChildProcess | None = None
        self._guard: ContainerGuard | None = None
        self._connection: Connection | None = None
        self._config_file = ""
        self._ready: asyncio.Future[None] | None = None
        self._exited = asyncio.Event()
        self._lost_timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Run the container, wait until its kernel serves, and connect.

        Raises:
            InvalidArgumentError: the kernel finds the configuration faulty.
            TransportError: container or kernel cannot start, or end, or are not ready in time; with their log.
        """
        self.state = BusState.STARTING
        self._ready = asyncio.get_running_loop().create_future()
        self._spawn()
        try:
            await asyncio.wait_for(self._connect(self._ready), self._options.startup_timeout_sec)
        except asyncio.TimeoutError:
            limit = self._options.startup_timeout_sec
            message = f"the container {self._described} was not ready within {limit:g} s{self._said()}"
            raise TransportError(message) from None
        finally:
            self._remove_config_file()

    async def stop(self, timeout_sec: float) -> None:
        """Send SIGTERM into the container (KRN-SHD-01); what has not ended within the timeout is removed (SDK-CAN-04)."""
        if self._child is not None and self.state is not BusState.STOPPED:
            self.state = BusState.STOPPING
            self._child.send_signal(signal.SIGTERM)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._exited.wait(), timeout_sec)
            self._let_go()
        if self._guard is not None:
            await self._guard.removed(_REMOVAL_SEC)
        if self._connection is not None:
            await self._connection.closed.wait()

    def destroy(self) -> None:
        """Remove the container, which ends whatever runs in it; blocks until the engine has done so, ten seconds at most."""
        self._let_go()
        if self._guard is not None:
            self._guard.remove()

    def _let_go(self) -> None:
        self.state = BusState.STOPPED
        self._remove_config_file()
        if self._lost_timer is not None:
            self._lost_timer.cancel()
        if self._connection is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._connection.abort()
        if self._child is not None:
            self._child.kill()
        fail_start(self._ready, TransportError("Bus is shutting down"))
        self._exited.set()

    def send(self, line: bytes) -> None:
        """Queue a line for the connection."""
        if self._connection is None:
            message = "the kernel does not run"
            raise InternalError(message)
        self._traffic.sent(line)
        self._connection.write(line)

    def stats(self) -> BusStats:
        """What passed between client and kernel."""
        return self._traffic.stats()

    def worker_count(self) -> int:
        """Unknown from outside the container."""
        return -1

    def client_count(self) -> int:
        """Unknown: whoever may connect to the published port is a client."""
        return -1

    def log(self) -> list[str]:
        """What kernel and workers said on stderr, and the engine about them."""
        if self._child is not None:
            self._child.read_stderr()
        return self._log.lines()

    # What the engine's command reports (see `ChildEvents`)

    def child_line(self, line: bytes) -> None:
        """Keep a line of the container's stdout, where the kernel itself writes nothing."""
        self._log.add(line)

    def child_stderr(self, line: bytes) -> None:
        """Keep a line of the container's stderr, or of the engine's own."""
        if self._log.add(line) and self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def child_exited(self, status: int) -> None:
        """Tell whoever waits, or the client when nobody expected it (SDK-CAN-01)."""
        state = self.state
        error = self._end(status)
        if state is BusState.STOPPING and self._guard is not None and 0 <= status != _ENGINE_FAILED:
            self._guard.dismiss()  # --rm: the engine's command ends when the container has been removed
        fail_start(self._ready, error)
        self._let_go()
        if state is BusState.RUNNING:
            self._lost(error)

    # Inside

    @property
    def _described(self) -> str:
        return f"{self._name} of the image {self._options.image}"

    def _said(self) -> str:
        return self._log.said("log")

    def _end(self, status: int) -> StdioBusError:
        if status == _ENGINE_FAILED:
            default = self._options.image == DockerOptions.image
            hint = f" (`make image` in the sources of pytest-stdiobus builds {DockerOptions.image})" if default else ""
            return TransportError(f"the engine cannot run the container {self._described}{hint}{self._said()}")
        if status < 0:
            left = f"{self._options.engine_path} was ended by signal {-status} and left the container {self._described}"
            return TransportError(f"{left}{self._said()}")
        refused = self.state is BusState.STARTING and self._log.refuses_configuration(status)
        kind = InvalidArgumentError if refused else TransportError
        return kind(f"the container {self._described} ended with status {status}{self._said()}")

    def _spawn(self) -> None:
        user = self._write_config_file()
        try:
            self._guard = ContainerGuard(self._options.engine_path, self._name)
            environment = {**os.environ, **self._options.env}
            self._child = ChildProcess(self._command(user), self, env=environment)
        except OSError as error:
            message = f"cannot run the container engine {self._options.engine_path}: {error}"
            raise TransportError(message) from error

    def _write_config_file(self) -> str:
        """Write the file that is mounted (SDK-WIR-06), for one reader alone: the user and group to run as.

        That is this user, or for root one who owns nothing else.
        """
        descriptor, self._config_file = tempfile.mkstemp(prefix="stdiobus-", suffix=".json")
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(self._config.text)
        if os.geteuid() != 0:
            return f"{os.geteuid()}:{os.getegid()}"
        os.chown(self._config_file, _NOBODY, _NOBODY)
        return f"{_NOBODY}:{_NOBODY}"

    def _remove_config_file(self) -> None:
        """Forget the file: once the kernel is ready it has read it."""
        if self._config_file:
            with contextlib.suppress(OSError):
                os.unlink(self._config_file)
            self._config_file = ""

    def _command(self, user: str) -> list[str]:
        options = self._options
        # Without a value: the engine's command takes it from its own environment, and no list of processes shows it.
        variables = [f"--env={name}" for name in options.env]
        return [
            *(options.engine_path, "run", "--rm", f"--name={self._name}", f"--pull={_PULL[options.pull_policy]}"),
            *(f"--publish=127.0.0.1::{_PORT}", f"--volume={self._config_file}:{_CONFIG_PATH}:ro"),
            *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={user}"),
            *variables,
            *options.extra_args,
            *(options.image, "--config", _CONFIG_PATH, "--tcp", f"0.0.0.0:{_PORT}"),
        ]

    async def _connect(self, ready: asyncio.Future[None]) -> None:
        await ready
        answer = await ask_engine(self._options.engine_path, "port", self._name, f"{_PORT}/tcp")
        host, _, port = (answer.output.splitlines() or [""])[0].rpartition(":")
        if answer.status != 0 or not port.isdigit():
            message = f"the container {self._described} has no port: {answer.errors or answer.output}{self._said()}"
            raise TransportError(message)
        connection = Connection(self._line_received, self._connection_lost)
        try:
            await asyncio.get_running_loop().create_connection(lambda: connection, host, int(port))
        except OSError as error:
            message = f"cannot connect to the container {self._described}: {error}{self._said()}"
            raise TransportError(message) from error
        self._connection = connection
        if self._exited.is_set():
            connection.abort()
            message = f"the container {self._described} ended as soon as it was ready{self._said()}"
            raise TransportError(message)
        self.state = BusState.RUNNING

    def _line_received(self, line: bytes) -> None:
        self._traffic.received(line)
        self._sink.line_received(line)

    def _connection_lost(self, error: Exception | None) -> None:
        if self.state is BusState.RUNNING:
            self._lost_timer = asyncio.get_running_loop().call_later(_LAST_WORDS_SEC, self._give_up, error)

    def _give_up(self, error: Exception | None) -> None:
        if self.state is BusState.RUNNING:
            reason = f" ({error})" if error is not None else ""
            self._let_go()
            message = f"the connection to the container {self._described} was lost{reason}{self._said()}"
            self._lost(TransportError(message))

    def _lost(self, error: StdioBusError) -> None:
        if self._guard is not None:
            self._guard.begin_removal()  # which takes the engine a while: stop() waits for it, the loop does not
        self._sink.backend_lost(error)


def _check(options: DockerOptions) -> None:
    text("image", options.image)
    if options.image.startswith("-"):
        message = f"image: expected the name of a container image, got {options.image!r}"
        raise InvalidArgumentError(message)
    if not isinstance(options.pull_policy, str) or options.pull_policy not in _PULL:
        message = f"pull_policy: expected one of {', '.join(_PULL)}, got {options.pull_policy!r}"
        raise InvalidArgumentError(message)
    text("container_name_prefix", options.container_name_prefix)
    if not _PREFIX.fullmatch(options.container_name_prefix):
        message = f"container_name_prefix: expected letters, digits, _.-, got {options.container_name_prefix!r}"
        raise InvalidArgumentError(message)
    seconds("startup_timeout_sec", options.startup_timeout_sec, least=SHORTEST_START_SEC)
    texts("extra_args", options.extra_args)
    variables("env", options.env)
