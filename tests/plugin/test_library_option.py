"""Another shared library in place of the bundled kernel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_stdiobus.bus import AsyncStdioBus, BusConfig, NativeOptions, UnavailableError
from pytest_stdiobus.declarations import functions
from pytest_stdiobus.testing.factory import echo_pool

ROOT = Path(__file__).resolve().parent.parent.parent
HEADER = ROOT / "kernel" / "include" / "stdio_bus.h"
EXAMPLE = """
    async def test_it(stdiobus):
        assert stdiobus.get_backend_type() == "native"
        assert (await stdiobus.request("echo", {"message": "hi"}))["echo"] == {"message": "hi"}
        assert (await stdiobus.request("stream", {"prompt": "a b"}))["text"] == "a b"
"""

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")


def compiled(folder: Path, *arguments: str | Path) -> str:
    library = folder / "libother.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-pthread", *arguments, "-o", library], check=True, timeout=120)
    return str(library)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Our own sources as another library, of another version than the bundled one."""
    sources = [path for path in sorted((ROOT / "kernel" / "src").glob("*.c")) if path.name != "main.c"]
    options = ["-std=c11", "-D_GNU_SOURCE", "-DSTDIO_BUS_SHARED", '-DSTDIO_BUS_VERSION="7.7.7"']
    return compiled(tmp_path_factory.mktemp("library"), *options, f"-I{HEADER.parent}", *sources)


@needs_compiler
def test_it_is_loaded_and_named(pytester: pytest.Pytester, library: str) -> None:
    pytester.makepyfile(EXAMPLE)
    for arguments in ([], ["--stdiobus-backend=native"]):
        result = pytester.runpytest(f"--stdiobus-library={library}", *arguments)
        result.stdout.fnmatch_lines([f"stdiobus: backend * | kernel 7.7.7 ({library}, ????????...) | client reference"])
        result.assert_outcomes(passed=1)


@needs_compiler
def test_other_backends_go_without_it(pytester: pytest.Pytester, library: str) -> None:
    pytester.makepyfile("async def test_it(stdiobus): await stdiobus.request('echo')")
    result = pytester.runpytest(f"--stdiobus-library={library}", "--stdiobus-backend=native,subprocess")
    result.assert_outcomes(passed=2)


@needs_compiler
@pytest.mark.asyncio
async def test_it_loads_beside_the_bundled_one(library: str) -> None:
    config = BusConfig(pools=[echo_pool()])
    other = NativeOptions(library_path=library, listen_mode="tcp", tcp_port=0)
    async with AsyncStdioBus(config, backend="native") as one, AsyncStdioBus(config, native=other) as two:
        assert await one.request("m", [1]) == await two.request("m", [1])
        address = two.get_listen_address()
        assert isinstance(address, tuple)
        assert address[1] > 0


@needs_compiler
def test_a_bus_of_the_test_keeps_it_with_options_of_its_own(pytester: pytest.Pytester, library: str) -> None:
    pytester.makepyfile("""
        from pytest_stdiobus.bus import NativeOptions

        async def test_it(make_stdiobus):
            bus = await make_stdiobus(native=NativeOptions(listen_mode="tcp", tcp_port=0))
            assert "7.7.7" in bus._backend._library.version
    """)
    pytester.runpytest(f"--stdiobus-library={library}").assert_outcomes(passed=1)


def test_one_that_does_not_exist_is_a_usage_error(pytester: pytest.Pytester) -> None:
    for backend in ("auto", "native", "native,subprocess"):
        result = pytester.runpytest("--stdiobus-library=/no/such/library.so", f"--stdiobus-backend={backend}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines(["*native cannot be used: the library /no/such/library.so cannot be loaded: *"])


@needs_compiler
def test_one_that_lacks_functions_is_refused_by_their_names(pytester: pytest.Pytester, tmp_path: Path) -> None:
    source = tmp_path / "half.c"
    names = [name for name in functions(HEADER.read_text()) if name not in {"stdio_bus_step", "stdio_bus_stop"}]
    source.write_text("".join(f"void {name}(void) {{}}\n" for name in names))
    path = compiled(tmp_path, source)
    result = pytester.runpytest(f"--stdiobus-library={path}", "--stdiobus-backend=native")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"*{path} is no stdio_bus library of version 2: it lacks stdio_bus_stop, stdio_bus_step"]
    )


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(UnavailableError, match=r"text.so cannot be loaded: "):
        AsyncStdioBus(BusConfig(pools=[echo_pool()]), native=NativeOptions(library_path=str(tmp_path / "text.so")))


@needs_compiler
@pytest.mark.asyncio
async def test_one_without_our_additions_works_with_the_port_it_was_given(tmp_path: Path, free_port: int) -> None:
    """The published library has neither a version nor the port of its listener."""
    sources = [path for path in sorted((ROOT / "kernel" / "src").glob("*.c")) if path.name != "main.c"]
    options = ["-std=c11", "-D_GNU_SOURCE", "-DSTDIO_BUS_SHARED", '-DSTDIO_BUS_VERSION="7.7.7"']
    renamed = [f"-Dstdio_bus_{name}=other_{name}" for name in ("version", "get_listen_port")]
    path = compiled(tmp_path, *options, *renamed, f"-I{HEADER.parent}", *sources)
    native = NativeOptions(library_path=path, listen_mode="tcp", tcp_port=free_port)
    async with AsyncStdioBus(BusConfig(pools=[echo_pool()]), native=native) as bus:
        assert await bus.request("m", [1]) == {"echo": [1]}
        assert bus.get_listen_address() == ("127.0.0.1", free_port)


def test_the_published_library_is_loaded(pytester: pytest.Pytester) -> None:
    published = pytest.importorskip("stdiobus.native._ffi", reason="needs the extra stdiobus")
    pytester.makepyfile(EXAMPLE)
    result = pytester.runpytest(f"--stdiobus-library={published.__file__}")
    result.stdout.fnmatch_lines([f"stdiobus: * | kernel of unknown version ({published.__file__}, ????????...) | *"])
    result.assert_outcomes(passed=1)


def test_every_function_of_the_header_is_found() -> None:
    text = HEADER.read_text()
    assert sorted(functions(text)) == sorted(
        set(re.findall(r"(stdio_bus_\w+)\(", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)))
    )


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(autouse=True)
def _only_unix() -> None:
    if sys.platform == "win32":
        pytest.skip("the native backend needs a Unix system")
