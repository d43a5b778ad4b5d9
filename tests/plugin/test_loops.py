"""On which event loop a bus runs."""

from __future__ import annotations

import pytest

BODY = """
    assert await stdiobus.request("m", [1]) == {"echo": [1]}
"""
ON = "--stdiobus-backend=native"


def test_no_mark_is_needed_in_strict_mode(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""async def test_it(stdiobus):{BODY}""")
    pytester.runpytest(ON, "--asyncio-mode=strict").assert_outcomes(passed=1)


def test_auto_mode_works_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f"""async def test_it(stdiobus):{BODY}""")
    pytester.runpytest(ON, "--asyncio-mode=auto").assert_outcomes(passed=1)


@pytest.mark.parametrize("scope", ["function", "class", "module", "package", "session"])
def test_the_bus_follows_the_loop_scope_of_the_mark(pytester: pytest.Pytester, scope: str) -> None:
    pytester.makepyfile(
        __init__="",
        test_it=f"""
        import asyncio
        import pytest
        loops = []

        @pytest.mark.asyncio(loop_scope="{scope}")
        class TestIt:
            async def test_one(self, stdiobus):
                assert await stdiobus.request("m", [1]) == {{"echo": [1]}}
                loops.append(asyncio.get_running_loop())

            async def test_two(self, stdiobus):
                assert await stdiobus.request("m", [1]) == {{"echo": [1]}}
                assert (loops[0] is asyncio.get_running_loop()) == ("{scope}" != "function")
        """,
    )
    pytester.runpytest(ON).assert_outcomes(passed=2)


def test_the_bus_follows_the_default_loop_scope(pytester: pytest.Pytester) -> None:
    pytester.makefile(
        ".ini", pytest="[pytest]\nasyncio_default_fixture_loop_scope=function\nasyncio_default_test_loop_scope=session"
    )
    pytester.makepyfile(f"""
async def test_one(stdiobus):{BODY}

async def test_two(make_stdiobus):
    stdiobus = await make_stdiobus(){BODY}
""")
    pytester.runpytest(ON).assert_outcomes(passed=2)


def test_anyio_on_asyncio_works_in_strict_mode(pytester: pytest.Pytester) -> None:
    pytest.importorskip("anyio")
    pytester.makepyfile(f"""
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_it(stdiobus, make_stdiobus):{BODY}
    stdiobus = await make_stdiobus(){BODY}
""")
    # pytest-asyncio 0.26 marks functions for good when it runs in auto mode, as another test in this process may have.
    pytester.runpytest_subprocess(ON).assert_outcomes(passed=1)


def test_trio_fails_with_a_sentence(pytester: pytest.Pytester) -> None:
    pytest.importorskip("trio")
    pytester.makepyfile("""
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "trio"

        @pytest.mark.anyio
        async def test_it(stdiobus):
            pass
    """)
    result = pytester.runpytest(ON)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*stdiobus runs on asyncio, this test runs on trio*"])


def test_a_coroutine_without_a_bus_fixture_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        async def test_it():
            pass
    """)
    result = pytester.runpytest(ON)
    assert result.parseoutcomes().get("passed", 0) == 0


def test_a_property_test_may_use_the_bus(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        from hypothesis import HealthCheck, given, settings, strategies as st

        @settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
        @given(text=st.text())
        async def test_it(stdiobus, text):
            assert await stdiobus.request("m", [text]) == {"echo": [text]}
    """)
    pytester.runpytest(ON).assert_outcomes(passed=1)
