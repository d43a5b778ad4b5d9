"""How a worker's process begins."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from settings import PoolSettings

_REPORT = 3
_MOST_DESCRIPTORS = 4096
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE)
_CANNOT = 127


class Start:
    """Starts processes with two pipes, without a shell."""

    def process(self, settings: PoolSettings) -> tuple[int, int, int]:
        """A new process: its id, the end of its stdin to write to, that of its stdout to read from.

        Raises:
            OSError: the command cannot be executed.
        """
        stdin, to_worker = self.pipe()
        from_worker, stdout = self.pipe()
        told, report = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if not pid:
            self.become(settings, stdin, stdout, report)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        for descriptor in (stdin, stdout, report):
            os.close(descriptor)
        with os.fdopen(told, "rb") as reading:
            failure = reading.read()
        if failure:
            os.waitpid(pid, 0)
            os.close(to_worker)
            os.close(from_worker)
            raise OSError(int(failure), os.strerror(int(failure)), settings.command)
        return pid, to_worker, from_worker

    def pipe(self) -> tuple[int, int]:
        """Two ends, the one to read from first."""
        return os.pipe()

    def become(self, settings: PoolSettings, stdin: int, stdout: int, report: int) -> None:
        """Be the worker, in the child."""
        try:
            os.dup2(stdin, 0)
            os.dup2(stdout, 1)
            if report != _REPORT:
                os.dup2(report, _REPORT, inheritable=False)
            self.leave_nothing_open()
            self.be_alone()
            signal.set_wakeup_fd(-1)
            self.reset_signals()
            if settings.cwd:
                os.chdir(settings.cwd)
            self.execute(settings)
        except OSError as error:
            os.write(_REPORT, str(error.errno).encode())
        os._exit(_CANNOT)

    def leave_nothing_open(self) -> None:
        """Close what is not the worker's."""
        os.closerange(_REPORT + 1, _MOST_DESCRIPTORS)

    def reset_signals(self) -> None:
        """Handle and block no signal."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def be_alone(self) -> None:
        """Lead a process group."""
        os.setpgid(0, 0)

    def execute(self, settings: PoolSettings) -> None:
        """Run the command, found through PATH."""
        os.execvpe(settings.command, [settings.command, *self.arguments(settings)], self.environment(settings))  # noqa: S606

    def arguments(self, settings: PoolSettings) -> list[str]:
        """What the command is given."""
        return settings.args

    def environment(self, settings: PoolSettings) -> dict[str, str]:
        """The worker's variables."""
        inherit = settings.inherit
        kept = {name: value for name, value in os.environ.items() if inherit is True or name in (inherit or ())}
        return {**kept, **settings.env}
