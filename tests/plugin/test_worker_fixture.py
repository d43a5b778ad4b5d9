"""The fixture ``stdiobus_worker``: a worker on its standard streams, without a bus."""

from __future__ import annotations

import pytest

from .judged import IDS_AS_TEXT, worker

TALK = """
    async def test_it(stdiobus_worker):
        await stdiobus_worker.send({"jsonrpc": "2.0", "id": 1, "method": "m", "params": [1]})
        assert (await stdiobus_worker.expect({"id": 1}))["result"] == {"echo": [1]}
        assert "client -> worker" in stdiobus_worker.transcript
        assert await stdiobus_worker.close() == 0
"""


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_a_test_talks_to_the_worker_of_the_first_pool(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makepyfile(TALK)
    pytester.runpytest(f"--asyncio-mode={mode}").assert_outcomes(passed=1)


def test_a_worker_that_is_judged_takes_its_place(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_mine="""
        async def test_it(stdiobus_worker):
            await stdiobus_worker.send({"jsonrpc": "2.0", "id": 1, "method": "m"})
            assert await stdiobus_worker.expect() == {"jsonrpc": "2.0", "id": "1", "result": {}}
    """
    )
    pytester.runpytest(f"--stdiobus-worker={worker(pytester)}", "test_mine.py::test_it").assert_outcomes(passed=1)


def test_it_runs_on_anyio(pytester: pytest.Pytester) -> None:
    code = "import pytest\n\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n\n@pytest.mark.anyio"
    pytester.makepyfile(code + TALK.replace("\n    ", "\n"))
    pytester.runpytest_subprocess("--asyncio-mode=strict").assert_outcomes(passed=1)


def test_a_failing_test_shows_what_was_said_and_the_stderr(pytester: pytest.Pytester) -> None:
    _of_first_pool(
        pytester,
        IDS_AS_TEXT,
        """
        async def test_it(stdiobus_worker):
            await stdiobus_worker.send({"jsonrpc": "2.0", "id": 1, "method": "m"})
            await stdiobus_worker.expect({"id": 1})
    """,
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            'E *AssertionError: expected {"id": 1} in {"jsonrpc": "2.0", "id": "1", "result": {}}',
            "*- stdiobus wire -*",
            '+*client -> worker *"id":1*',
            '+*worker -> client *"id": "1"*',
            "*- stdiobus stderr -*",
            "starting up",
        ]
    )


def test_raw_bytes_are_sent_as_they_are(pytester: pytest.Pytester) -> None:
    code = """
        import sys
        for line in sys.stdin.buffer:
            print(f'{{"read": "{line.hex()}"}}', flush=True)
    """
    _of_first_pool(
        pytester,
        code,
        r"""
        async def test_it(stdiobus_worker):
            await stdiobus_worker.send(b"\xff\x00")
            await stdiobus_worker.send("x\n")
            await stdiobus_worker.expect({"read": "ff00780a"})
    """,
    )
    pytester.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('hello', flush=True); input()", "expected a message, got 'hello'"),
        ("pass", "expected a line, got the end of its output"),
        ("input()", "expected a line, got none within 0.1 s"),
    ],
)
def test_what_is_no_message_fails_with_the_reason(pytester: pytest.Pytester, code: str, message: str) -> None:
    _of_first_pool(
        pytester,
        code,
        f"""
        import pytest

        async def test_it(stdiobus_worker):
            with pytest.raises(AssertionError, match={message!r}):
                await stdiobus_worker.expect(timeout_sec={0.1 if "within" in message else 30})
    """,
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_process_that_the_worker_leaves_behind_is_an_error(pytester: pytest.Pytester) -> None:
    code = """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=-3, stdout=-3, stderr=-3)
        print('{"ready": true}', flush=True)
        sys.stdin.read()
    """
    _of_first_pool(pytester, code, "async def test_it(stdiobus_worker): await stdiobus_worker.expect({'ready': True})")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the worker was ended, but a process that it started still ran*", "*time.sleep(60)*"])


def test_a_worker_that_ignores_the_end_of_its_input_is_ended(pytester: pytest.Pytester) -> None:
    _of_first_pool(pytester, "import time; time.sleep(60)", "async def test_it(stdiobus_worker): pass")
    pytester.runpytest().assert_outcomes(passed=1)


def test_a_plain_function_cannot_have_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(stdiobus_worker): pass")
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(["*stdiobus_worker is asynchronous: make the test a coroutine*"])


def _of_first_pool(pytester: pytest.Pytester, code: str, test: str) -> None:
    """A test file, and a configuration whose first pool runs this code."""
    worker(pytester, code)
    pytester.makeconftest("""
        import sys
        import pytest
        from pytest_stdiobus.bus import BusConfig, PoolConfig

        @pytest.fixture
        def stdiobus_config():
            return BusConfig(pools=[PoolConfig(id="agent", command=sys.executable, args=["agent.py"])])
    """)
    pytester.makepyfile(test)
