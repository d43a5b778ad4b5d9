"""The fixture stdiobus_wire, and what a failing test shows of its buses."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET

import pytest

BOTH = "--stdiobus-backend=native,subprocess"
# Notes of exceptions exist from Python 3.11 on; the sections say the same.
_NOTES = int(sys.version_info >= (3, 11))
FAILS = """
    async def test_it(stdiobus):
        await stdiobus.request("echo", {"n": 1})
        assert False, "on purpose"
"""
DIES = """
    import sys, pytest
    from pytest_stdiobus.bus import PoolConfig
    CODE = "import sys; sys.stdin.readline(); sys.exit('out of cheese')"
    POOL = PoolConfig(id="agent", command=sys.executable, args=["-c", CODE])

    @pytest.mark.stdiobus(pools=[POOL])
    async def test_async(stdiobus):
        await stdiobus.request("agent")

    @pytest.mark.stdiobus(pools=[POOL])
    def test_sync(stdiobus_sync):
        stdiobus_sync.request("agent")
"""


def test_a_test_can_ask_what_crossed_the_wire(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        async def test_it(stdiobus, make_stdiobus, stdiobus_wire):
            await stdiobus.request("echo", {"n": 1})
            assert [entry.method for entry in stdiobus_wire.sent] == ["echo"]
            (answer,) = stdiobus_wire.received
            assert (answer.sender, answer.message["result"]) == ("echo", {"echo": {"n": 1}})
            other, third = await make_stdiobus(), await make_stdiobus()
            await third.notify("events/ping")
            assert stdiobus_wire.entries[-1].bus == "make_stdiobus 2"
            await other.request("m")
            assert [entry.bus for entry in stdiobus_wire.entries[-2:]] == ["make_stdiobus"] * 2

        def test_sync(stdiobus_sync, stdiobus_wire):
            stdiobus_sync.request("m")
            assert [(entry.bus, entry.direction) for entry in stdiobus_wire.entries] == [
                ("stdiobus_sync", "out"), ("stdiobus_sync", "in")]
    """)
    pytester.runpytest(BOTH).assert_outcomes(passed=4)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_a_failing_test_shows_its_wire_without_having_asked(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(FAILS)
    result = pytester.runpytest(BOTH, *workers)
    result.assert_outcomes(failed=2)
    shown = [
        "*- stdiobus wire -*",
        '+?.??? client -> echo  {*"method":"echo"*"params":{"n":1}}',
        '+?.??? echo -> client  {*"result":{"echo":{"n":1}}}',
        "*- stdiobus stderr -*",
        "*ready",
    ]
    result.stdout.fnmatch_lines([*shown, *shown])


def test_a_passing_test_shows_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        async def test_it(stdiobus):
            await stdiobus.request("echo")
    """)
    result = pytester.runpytest(BOTH, "-rA")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*stdiobus wire*")


def test_a_failing_test_without_a_bus_shows_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(stdiobus_wire): assert False")
    pytester.runpytest().stdout.no_fnmatch_line("*stdiobus wire*")


def test_a_bus_that_cannot_start_shows_what_it_said(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from pytest_stdiobus.bus import PoolConfig

        @pytest.mark.stdiobus(pools=[PoolConfig(id="x", command="no-such-program")])
        async def test_it(stdiobus):
            pass
    """)
    result = pytester.runpytest(BOTH)
    result.assert_outcomes(errors=2)
    shown = ["*- stdiobus wire -*", "nothing crossed the wire", "*- stdiobus stderr -*", "*no-such-program*"]
    result.stdout.fnmatch_lines([*shown, *shown])


def test_an_error_in_teardown_shows_the_wire(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest

        @pytest.fixture
        def agent(stdiobus_sync):
            yield stdiobus_sync
            stdiobus_sync.request("farewell")
            assert False

        def test_it(agent):
            pass
    """)
    result = pytester.runpytest("--stdiobus-backend=native")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*- stdiobus wire -*", '*client -> echo*"farewell"*'])


def test_the_death_of_a_worker_is_told_with_command_and_last_words(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(DIES)
    result = pytester.runpytest(BOTH)
    result.assert_outcomes(failed=4)
    for _ in range(2):
        for stderr in ("*stderr, which it shares with this process", "*its stderr"):
            words = [
                f"E *TransportError: worker_exited (-32090): *{sys.executable}*status 1 after 0.?? s",
                *([f"E  *its command: {sys.executable} -c *", f"E  {stderr}: out of cheese"] * _NOTES),
                "*- stdiobus stderr -*",
                "*out of cheese",
            ]
            result.stdout.fnmatch_lines(words)


def test_junit_files_carry_the_wire_as_a_property(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILS)
    pytester.runpytest("--stdiobus-backend=subprocess", "--junitxml=junit.xml")
    (case,) = ET.parse(pytester.path / "junit.xml").iter("testcase")  # noqa: S314 - written by this test
    properties = {found.get("name"): str(found.get("value")) for found in case.iter("property")}
    assert "client -> echo" in properties["stdiobus wire"]
    assert "ready" in properties["stdiobus stderr"]


def test_a_flood_on_stderr_is_shown_by_its_end(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys, pytest
        from pytest_stdiobus.bus import PoolConfig
        CODE = "import sys; [print('line', n, file=sys.stderr) for n in range(120)]; print(sys.stdin.readline())"

        @pytest.mark.stdiobus(pools=[PoolConfig(id="agent", command=sys.executable, args=["-c", CODE])])
        async def test_it(stdiobus):
            await stdiobus.request("agent")
    """)
    result = pytester.runpytest("--stdiobus-backend=subprocess")
    result.stdout.fnmatch_lines(["*- stdiobus stderr -*", "(* earlier lines are left out)", "line 119"])
    result.stdout.no_fnmatch_line("line 2")
