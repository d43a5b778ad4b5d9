"""The choice of the client: option, ini, header, errors, and what is skipped by name."""

from __future__ import annotations

import importlib.util

import pytest

from pytest_stdiobus import sdk

published = pytest.mark.skipif(
    importlib.util.find_spec("stdiobus") is None,
    reason="stdiobus is not installed: pip install 'pytest-stdiobus[stdiobus]'",
)

USES_THE_FIXTURES = """
    async def test_async(stdiobus):
        assert (await stdiobus.request("echo", {"n": 1}))["echo"] == {"n": 1}
        print("from", type(stdiobus._bus).__module__)

    async def test_made(make_stdiobus):
        bus = await make_stdiobus()
        assert [event.type async for event in bus.stream_request("stream", {"prompt": "word"})] == ["chunk", "result"]

    def test_sync(stdiobus_sync):
        assert stdiobus_sync.request("echo", [1]) == {"echo": [1]}
"""

CLIENT = """
    from pytest_stdiobus.bus import AsyncStdioBus

    class Mine:
        '''A client of one's own: it has request and nothing else to send with.'''

        def __init__(self, config=None, **options):
            self.bus = AsyncStdioBus(config, **options)
            self.start, self.stop, self.destroy = self.bus.start, self.bus.stop, self.bus.destroy

        async def request(self, method, params=None):
            return {"mine": await self.bus.request(method, params)}
"""


@published
@pytest.mark.parametrize("backend", ["native", "subprocess"])
def test_the_published_client_serves_the_fixtures(pytester: pytest.Pytester, backend: str) -> None:
    pytester.makepyfile(USES_THE_FIXTURES)
    result = pytester.runpytest("--stdiobus-sdk=stdiobus", f"--stdiobus-backend={backend}", "-s")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["stdiobus: backend * | client stdiobus 2.2.1", "*from stdiobus.client*"])


@published
def test_the_header_does_not_claim_our_library_for_another_client(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--stdiobus-sdk=stdiobus", "--stdiobus-backend=native")
    result.stdout.fnmatch_lines(["stdiobus: backend native | kernel of the client | client stdiobus 2.2.1"])


@published
def test_what_the_published_client_lacks_is_skipped_by_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from pytest_stdiobus.bus import LimitsConfig, PoolConfig

        async def test_argument(stdiobus):
            await stdiobus.request("echo", pool="echo")

        async def test_method(stdiobus):
            stdiobus.on_request(print)

        def test_method_without_await(stdiobus_sync):
            stdiobus_sync.subscribe()

        async def test_fixture(stdiobus, stdiobus_wire):
            pass

        @pytest.mark.stdiobus(limits=LimitsConfig(max_total_buffer=100_000))
        async def test_limit(stdiobus):
            pass

        @pytest.mark.stdiobus(pools=[PoolConfig(id="w", command="cat", cwd="/")])
        async def test_pool(stdiobus):
            pass

        async def test_error(stdiobus):
            with pytest.raises(AttributeError):
                stdiobus.no_such_thing
    """)
    result = pytester.runpytest("--stdiobus-sdk=stdiobus", "--stdiobus-backend=native", "-rs")
    result.assert_outcomes(passed=1, skipped=6)
    lacking = ["pool= of request", "on_request", "subscribe", "LimitsConfig.max_total_buffer", "PoolConfig.cwd"]
    for words in [*(f"stdiobus 2.2.1 has no {what}" for what in lacking), "stdiobus 2.2.1 does not show its wire"]:
        assert words in result.stdout.str()


@published
def test_limits_that_both_have_reach_the_published_client(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from pytest_stdiobus.bus import LimitsConfig

        @pytest.mark.stdiobus(limits=LimitsConfig(max_restarts=2))
        async def test_it(stdiobus):
            assert await stdiobus.request("echo", [1]) == {"echo": [1]}
    """)
    pytester.runpytest("--stdiobus-sdk=stdiobus", "--stdiobus-backend=native").assert_outcomes(passed=1)


def test_a_client_of_ones_own_is_called_like_ours(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(my_client=CLIENT)
    pytester.syspathinsert()
    pytester.makepyfile("""
        async def test_async(stdiobus):
            assert await stdiobus.request("m", [1]) == {"mine": {"echo": [1]}}

        async def test_lacking(stdiobus):
            await stdiobus.request("m", [1], session_id="s")

        def test_sync(stdiobus_sync):
            pass
    """)
    result = pytester.runpytest("--stdiobus-sdk=my_client:Mine", "-rs")
    result.assert_outcomes(passed=1, skipped=2)
    result.stdout.fnmatch_lines(["stdiobus: * | client my_client:Mine"])
    assert "my_client:Mine has no session_id= of request" in result.stdout.str()
    assert "my_client:Mine is asynchronous" in result.stdout.str()


def test_the_ini_file_chooses_and_the_command_line_beats_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(my_client=CLIENT)
    pytester.syspathinsert()
    pytester.makefile(
        ".ini", pytest="[pytest]\nasyncio_default_fixture_loop_scope=function\nstdiobus_sdk = my_client:Mine"
    )
    pytester.runpytest().stdout.fnmatch_lines(["*| client my_client:Mine"])
    pytester.runpytest("--stdiobus-sdk=reference").stdout.fnmatch_lines(["*| client reference"])


def test_the_published_client_that_is_missing_is_a_usage_error(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk, "PUBLISHED", "no_such_package")
    result = pytester.runpytest("--stdiobus-sdk=no_such_package")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is not installed: pip install 'pytest-stdiobus?stdiobus?'*"])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("pigeon", "*'pigeon' is not a client; use reference, stdiobus or module:attribute*"),
        (":attribute", "*':attribute' is not a client*"),
        ("no_such_module:Bus", "*no_such_module:Bus cannot be used: No module named*"),
        ("json:Bus", "*json:Bus cannot be used:*"),
        ("json:__name__", "*json:__name__ cannot be called like AsyncStdioBus*"),
    ],
)
def test_a_bad_value_is_a_usage_error(pytester: pytest.Pytester, value: str, words: str) -> None:
    result = pytester.runpytest(f"--stdiobus-sdk={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([words])
