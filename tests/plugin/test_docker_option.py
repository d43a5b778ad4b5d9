"""The docker backend behind the fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_stdiobus.bus import DockerOptions

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXAMPLE = """
    async def test_agent(stdiobus, make_stdiobus):
        assert stdiobus.get_backend_type() == "docker"
        assert (await stdiobus.request("echo", {"message": "hi"}))["echo"] == {"message": "hi"}
        other = await make_stdiobus()
        assert (await other.request("stream", {"prompt": "a b"}))["text"] == "a b"
"""
SHOWS_IMAGE = """
    def test_it(stdiobus_docker):
        print("in", stdiobus_docker.image)
"""


def test_the_first_example_runs_in_a_container(pytester: pytest.Pytester, docker: DockerOptions) -> None:
    pytester.makeconftest(f"""
        import dataclasses, pytest

        @pytest.fixture
        def stdiobus_docker(stdiobus_docker):
            return dataclasses.replace(stdiobus_docker, extra_args={docker.extra_args!r})
    """)
    pytester.makepyfile(EXAMPLE)
    result = pytester.runpytest("--stdiobus-backend=docker", f"--stdiobus-image={docker.image}")
    result.stdout.fnmatch_lines([f"stdiobus: backend docker | kernel of the image {docker.image} | client reference"])
    result.assert_outcomes(passed=1)


def test_the_example_of_the_documentation_runs_in_a_container(pytester: pytest.Pytester, docker: DockerOptions) -> None:
    example = EXAMPLES / "test_in_a_container.py"
    result = pytester.runpytest(str(example), "--stdiobus-backend=docker", f"--stdiobus-image={docker.image}")
    result.assert_outcomes(passed=1)


def test_the_image_is_chosen_on_the_command_line_before_the_ini_file(pytester: pytest.Pytester) -> None:
    ini = "[pytest]\nasyncio_default_fixture_loop_scope = function\nstdiobus_image = of-the-file"
    pytester.makefile(".ini", pytest=ini)
    pytester.makepyfile(SHOWS_IMAGE)
    pytester.runpytest("-s").stdout.fnmatch_lines(["*in of-the-file*"])
    pytester.runpytest("-s", "--stdiobus-image=of-mine").stdout.fnmatch_lines(["*in of-mine*"])


def test_the_default_image_is_the_one_that_make_builds(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SHOWS_IMAGE)
    pytester.runpytest("-s").stdout.fnmatch_lines(["*in stdiobus-kernel*"])
