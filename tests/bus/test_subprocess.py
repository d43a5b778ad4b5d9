"""What only the subprocess backend does: watch a process that may misbehave."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, BusState, PoolConfig, SubprocessOptions, TransportError
from pytest_stdiobus.bus.backends import binary
from pytest_stdiobus.bus.backends import subprocess as subprocess_backend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.asyncio
BOUND_SEC = 20
CONFIG = BusConfig(pools=[PoolConfig(id="w", command="cat")])


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file to be made into a kernel, taken for the bundled one."""
    path = tmp_path / "stdiobus-kernel"
    monkeypatch.setattr(binary, "bundled_kernel", lambda: path)
    return path


def write(path: Path, code: str) -> None:
    path.write_text(f"#!{sys.executable}\n" + textwrap.dedent(code), encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


async def test_the_kernel_gets_the_configuration_by_descriptor(kernel: Path) -> None:
    write(kernel, "import os, sys; print(sys.argv[1:2] + sys.argv[3:], os.read(int(sys.argv[2]), 99), file=sys.stderr)")
    with pytest.raises(TransportError) as caught:
        await AsyncStdioBus(CONFIG, backend="subprocess").start()
    assert "['--config-fd', '--stdio'] b'{\"pools\"" in str(caught.value)


async def test_an_exit_before_it_is_ready_fails_the_start_with_its_stderr(kernel: Path) -> None:
    write(kernel, "import sys; sys.exit('something is wrong')")
    bus = AsyncStdioBus(CONFIG, backend="subprocess")
    with pytest.raises(TransportError, match=r"ended with status 1(.|\n)*something is wrong"):
        await bus.start()
    assert bus.get_state() is BusState.STOPPED


async def test_one_that_is_never_ready_fails_the_start_in_time(kernel: Path) -> None:
    write(kernel, "import sys; print('hm', file=sys.stderr); sys.stdin.read()")
    bus = AsyncStdioBus(CONFIG, backend="subprocess", subprocess=SubprocessOptions(start_timeout_sec=0.5))
    with pytest.raises(TransportError, match=r"not ready within 0\.5 s"):
        await bus.start()


async def test_the_death_of_the_kernel_fails_what_is_in_flight(kernel: Path) -> None:
    write(
        kernel,
        """
        import os, sys
        print("stdio_bus: info: ready", file=sys.stderr, flush=True)
        sys.stdin.readline()
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), 9)
        """,
    )
    bus = AsyncStdioBus(CONFIG, backend="subprocess")
    await bus.start()
    with pytest.raises(TransportError, match=r"signal 9(.|\n)*last words"):
        await bus.request("m")
    assert bus.get_state() is BusState.STOPPED
    assert bus.get_pending_count() == 0
    with pytest.raises(TransportError):
        await bus.request("m")


@pytest.mark.parametrize(("timeout_sec", "drain_timeout_sec"), [(0.2, 30.0), (30.0, 0.2)])
async def test_a_kernel_that_obeys_nothing_is_killed_within_the_shorter_timeout_plus_a_second(
    kernel: Path, timeout_sec: float, drain_timeout_sec: float
) -> None:
    write(
        kernel,
        """
        import os, signal, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(os.getpid(), file=sys.stderr)
        print("stdio_bus: info: ready", file=sys.stderr, flush=True)
        while True: signal.pause()
        """,
    )
    options = SubprocessOptions(drain_timeout_sec=drain_timeout_sec)
    bus = AsyncStdioBus(CONFIG, backend="subprocess", subprocess=options)
    await bus.start()
    began = asyncio.get_running_loop().time()
    await bus.stop(timeout_sec)
    assert asyncio.get_running_loop().time() - began < 1.2


async def test_a_signal_to_the_tests_does_not_reach_the_kernel(kernel: Path) -> None:
    write(
        kernel,
        """
        import os, sys
        print(os.getpgid(0) == os.getpid(), file=sys.stderr)
        print("stdio_bus: info: ready", file=sys.stderr, flush=True)
        sys.exit("alone" if os.getpgid(0) == os.getpid() else "together")
        """,
    )
    bus = AsyncStdioBus(CONFIG, backend="subprocess")
    with pytest.raises(TransportError, match="alone"):
        async with bus:
            await bus.request("m")


async def test_a_kernel_of_ones_own_is_ready_when_it_runs(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    write(mine, "import sys; sys.stdin.read()")
    bus = AsyncStdioBus(CONFIG, backend="subprocess", subprocess=SubprocessOptions(binary_path=str(mine)))
    await bus.start()
    assert bus.is_running()
    await bus.stop(5)


@pytest.mark.parametrize(
    "code", ["import sys; sys.exit('not today')", "import os; os.write(2, b'not today'); os.abort()"]
)
async def test_a_kernel_of_ones_own_that_ends_at_once_fails_the_start_with_its_stderr(
    tmp_path: Path, code: str
) -> None:
    mine = tmp_path / "mine"
    write(mine, code)
    bus = AsyncStdioBus(CONFIG, backend="subprocess", subprocess=SubprocessOptions(binary_path=str(mine)))
    with pytest.raises(TransportError, match=r"mine (ended|was ended)(.|\n)*not today"):
        await bus.start()
    assert bus.get_state() is BusState.STOPPED


async def test_a_kernel_of_ones_own_is_ready_when_it_has_read_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess_backend, "_FOREIGN_START_SEC", 2 * BOUND_SEC)
    mine = tmp_path / "mine"
    write(
        mine,
        "import os, sys; fd = int(sys.argv[2]); [*iter(lambda: os.read(fd, 99), b'')]; os.close(fd); sys.stdin.read()",
    )
    bus = AsyncStdioBus(CONFIG, backend="subprocess", subprocess=SubprocessOptions(binary_path=str(mine)))
    await asyncio.wait_for(bus.start(), BOUND_SEC)
    assert bus.is_running()
    await bus.stop(5)


async def test_the_environment_can_be_added_to(kernel: Path) -> None:
    write(kernel, "import os, sys; sys.exit(os.environ['ADDED'] + os.environ['PATH'][:0])")
    bus = AsyncStdioBus(CONFIG, backend="subprocess", subprocess=SubprocessOptions(env={"ADDED": "an addition"}))
    with pytest.raises(TransportError, match="an addition"):
        await bus.start()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_bundled_kernel_killed_from_outside_leaves_no_worker(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"import os, sys; open({str(pid_file)!r}, 'w').write(f'{{os.getpid()}} {{os.getppid()}}'); sys.stdin.read()"
    pool = PoolConfig(id="w", command=sys.executable, args=["-c", code])
    bus = AsyncStdioBus(BusConfig(pools=[pool]), backend="subprocess")
    await bus.start()
    task = asyncio.create_task(bus.request("m", timeout_ms=20_000))

    def pids() -> list[str]:
        return pid_file.read_text(encoding="utf-8").split() if pid_file.exists() else []

    await asyncio.wait_for(_until(lambda: len(pids()) == 2), BOUND_SEC)
    worker, kernel_pid = map(int, pids())
    os.kill(kernel_pid, signal.SIGKILL)
    with pytest.raises(TransportError):
        await task
    await asyncio.wait_for(_until(lambda: not _alive(worker)), BOUND_SEC)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
