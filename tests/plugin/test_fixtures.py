"""The fixtures as a user meets them."""

from __future__ import annotations

import pytest

BOTH = "--stdiobus-backend=native,subprocess"


def test_the_first_example_runs_in_an_empty_folder(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        async def test_agent(stdiobus):
            assert (await stdiobus.request("echo", {"message": "hi"}))["echo"] == {"message": "hi"}
            assert (await stdiobus.request("stream", {"prompt": "a b"}))["text"] == "a b"
    """)
    result = pytester.runpytest(BOTH)
    result.assert_outcomes(passed=2)


def test_the_marker_sets_pools_and_limits(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from pytest_stdiobus.bus import InvalidArgumentError, LimitsConfig
        from pytest_stdiobus.testing import echo_pool
        from dataclasses import replace

        @pytest.mark.stdiobus(pools=[replace(echo_pool(), id="agent")], limits=LimitsConfig(max_input_buffer=500))
        async def test_mine(stdiobus):
            assert await stdiobus.request("m", [1], pool="agent") == {"echo": [1]}
            with pytest.raises(InvalidArgumentError):
                await stdiobus.request("m", ["x" * 500])
    """)
    pytester.runpytest(BOTH).assert_outcomes(passed=2)


def test_a_marker_with_an_unknown_argument_is_an_error_that_names_the_known(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.mark.stdiobus(pool=[])
        async def test_mine(stdiobus):
            pass
    """)
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*stdiobus marker takes pools, limits*pool*"])


def test_the_configuration_can_be_overridden(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        import pytest
        from dataclasses import replace
        from pytest_stdiobus.bus import BusConfig
        from pytest_stdiobus.testing import echo_pool

        @pytest.fixture(scope="session")
        def stdiobus_config():
            return BusConfig(pools=[replace(echo_pool(), id="one"), replace(echo_pool(), id="two")])
    """)
    pytester.makepyfile("""
        async def test_it(stdiobus):
            assert await stdiobus.request("two", [2]) == {"echo": [2]}
    """)
    pytester.runpytest(BOTH).assert_outcomes(passed=2)


def test_several_buses_in_one_test_are_all_stopped_afterwards(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from pytest_stdiobus.bus import BusState
        buses = []

        async def test_make(make_stdiobus):
            buses.extend([await make_stdiobus(), await make_stdiobus(timeout_ms=5000)])
            for bus in buses:
                assert await bus.request("m", [1]) == {"echo": [1]}

        def test_after():
            assert buses and all(bus.get_state() is BusState.STOPPED for bus in buses)
    """)
    pytester.runpytest("--stdiobus-backend=native").assert_outcomes(passed=2)
    pytester.runpytest("--stdiobus-backend=subprocess").assert_outcomes(passed=2)


def test_a_bus_and_its_maker_work_in_one_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        async def test_both(stdiobus, make_stdiobus):
            assert await stdiobus.request("m", [1]) == await (await make_stdiobus()).request("m", [1])
    """)
    pytester.runpytest(BOTH).assert_outcomes(passed=2)


def test_a_users_fixture_may_build_on_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.fixture
        def agent(stdiobus):
            return stdiobus

        async def test_it(agent):
            assert await agent.request("m", [1]) == {"echo": [1]}
    """)
    pytester.runpytest(BOTH).assert_outcomes(passed=2)


def test_a_plain_function_gets_a_bus_without_await(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from dataclasses import replace
        from pytest_stdiobus.testing import echo_pool

        def test_plain(stdiobus_sync):
            assert stdiobus_sync.request("m", [1]) == {"echo": [1]}

        @pytest.mark.stdiobus(pools=[replace(echo_pool(), id="agent")])
        def test_marked(stdiobus_sync):
            assert stdiobus_sync.request("m", [2], pool="agent") == {"echo": [2]}
    """)
    pytester.runpytest(BOTH).assert_outcomes(passed=4)


def test_a_plain_function_is_told_to_become_a_coroutine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(stdiobus): pass")
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*stdiobus is asynchronous: make the test a coroutine*stdiobus_sync*"])


def test_a_failed_start_is_an_error_of_the_test_with_its_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from pytest_stdiobus.bus import PoolConfig

        @pytest.mark.stdiobus(pools=[PoolConfig(id="x", command="no-such-program")])
        async def test_it(stdiobus):
            pass
    """)
    result = pytester.runpytest(BOTH)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*no-such-program*"])


def test_it_works_under_xdist(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile("""
        import pytest

        @pytest.mark.parametrize("n", range(4))
        async def test_it(stdiobus, n):
            assert await stdiobus.request("m", [n]) == {"echo": [n]}
    """)
    pytester.runpytest(BOTH, "-n2").assert_outcomes(passed=8)
