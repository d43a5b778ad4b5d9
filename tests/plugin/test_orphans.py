"""Processes that the workers of a test leave behind."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BOTH = "--stdiobus-backend=native,subprocess"
ENDED = """
def test_ended(pids):
    import os, time
    limit = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") and running(pid) for pid in pids):
        assert time.monotonic() < limit

def running(pid):
    from pathlib import Path
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
"""
KILLS = """
@pytest.fixture(autouse=True, scope="session")
def _clean(pids):
    import os, signal
    yield
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
"""


@pytest.fixture
def leaver(tmp_path: Path) -> str:
    """A module whose tests use a worker that starts a process outside its session and group, and forgets it."""
    code = """
import json, os, subprocess, sys
# Two steps: the process that stays has init for its parent.
middle = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', %r, 'LEFT'], start_new_session=True); print(p.pid)"
stays = "import time; time.sleep(60)"
quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
pid = int(subprocess.run([sys.executable, "-c", middle % stays], stdout=subprocess.PIPE, **quiet).stdout)
for line in iter(sys.stdin.readline, ""):
    m = json.loads(line)
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "sessionId": m["sessionId"], "result": pid}), flush=True)
""".replace("'LEFT'], start", "'LEFT'], stdin=-3, stdout=-3, stderr=-3, start")
    program = tmp_path / "leaver.py"
    program.write_text(code)
    return f"""
import sys, pytest
from pytest_stdiobus.bus import PoolConfig
POOL = PoolConfig(id="leaver", command=sys.executable, args=[{str(program)!r}])
PIDS = []

@pytest.fixture(scope="session")
def pids():
    return PIDS

@pytest.mark.stdiobus(pools=[POOL])
async def test_async(stdiobus):
    PIDS.append(await stdiobus.request("pid"))

@pytest.mark.stdiobus(pools=[POOL])
def test_sync(stdiobus_sync):
    PIDS.append(stdiobus_sync.request("pid"))

async def test_make(make_stdiobus):
    PIDS.append(await (await make_stdiobus(pools=[POOL])).request("pid"))
"""


def test_a_leftover_of_a_worker_is_an_error_that_names_it(pytester: pytest.Pytester, leaver: str) -> None:
    pytester.makepyfile(leaver)
    result = pytester.runpytest(BOTH)
    result.assert_outcomes(passed=6, errors=6)
    result.stdout.fnmatch_lines(["*a process that its workers started still ran*", "*pid *: * LEFT*"] * 6)


def test_the_leftover_has_been_ended(pytester: pytest.Pytester, leaver: str) -> None:
    pytester.makepyfile(textwrap.dedent(leaver) + ENDED)
    pytester.runpytest("--stdiobus-backend=subprocess").assert_outcomes(passed=4, errors=3)


def test_a_leftover_may_be_allowed(pytester: pytest.Pytester, leaver: str) -> None:
    pytester.makepyfile(textwrap.dedent(leaver).replace("pools=[POOL]", "pools=[POOL], orphans=False") + KILLS)
    pytester.runpytest("--stdiobus-backend=native", "-k", "not make").assert_outcomes(passed=2, deselected=1)


def test_processes_of_the_test_itself_are_not_accused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import subprocess, sys, pytest
        from pytest_stdiobus.testing import echo_pool

        @pytest.fixture
        def own():
            with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
                yield process
                assert process.poll() is None
                process.kill()

        async def test_before(own, stdiobus):
            await stdiobus.request("m")

        async def test_two_kinds(stdiobus, stdiobus_sync, make_stdiobus):
            await make_stdiobus()
            stdiobus_sync.request("m")

        async def test_during(own, make_stdiobus):
            await (await make_stdiobus()).request("m")
    """)
    pytester.runpytest(BOTH, "-n2").assert_outcomes(passed=6)
