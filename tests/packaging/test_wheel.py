"""What is built, and what an installation finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ["pyproject.toml", "CMakeLists.txt", "README.md", "LICENSE", "NOTICE", "kernel", "pytest_stdiobus"]
DATA = ["schemas", "conformance", "workers"]
BOUND_SEC = 600

REPORT = """
import json
from pytest_stdiobus.bus.backends import backend_obstacle
from pytest_stdiobus.bus import BackendMode
from pytest_stdiobus.data import data_dir, kernel_file
print(json.dumps({
    "executable": str(kernel_file("stdiobus-kernel")),
    "library": str(kernel_file("libstdio_bus.so")),
    "echo": str(data_dir() / "workers" / "echo.py"),
    "schema": (data_dir() / "schemas" / "config.schema.json").is_file(),
    "native": backend_obstacle(BackendMode.NATIVE),
    "subprocess": backend_obstacle(BackendMode.SUBPROCESS),
}))
"""


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=BOUND_SEC,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree, so that building leaves nothing behind in the real one."""
    import shutil

    copy = tmp_path_factory.mktemp("source")
    for name in [*SOURCES, *DATA]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, built from the sdist, and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, source, cwd=source, STDIOBUS_KERNEL="require")
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def environment(folder: Path, *requirements: str | Path, **variables: str) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", *requirements, cwd=folder, **variables)
    return python


def check_works(python: Path, folder: Path) -> dict[str, str | None]:
    """Run the first example there, on both backends, and tell what the installation found."""
    (folder / "test_first.py").write_text(
        "async def test_it(stdiobus):\n"
        "    assert (await stdiobus.request('echo', {'message': 'hi'}))['echo'] == {'message': 'hi'}\n",
        encoding="utf-8",
    )
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    output = run(python.parent / "pytest", "--stdiobus-backend=native,subprocess", "test_first.py", cwd=folder)
    assert "2 passed" in output
    assert run(python.parent / "stdiobus-kernel", "--version", cwd=folder).strip()
    found: dict[str, str | None] = json.loads(run(python, "-c", REPORT, cwd=folder))
    assert found["native"] is None
    assert found["subprocess"] is None
    assert found["schema"]
    return found


def test_the_wheel_holds_kernel_data_and_types(built: tuple[Path, Path]) -> None:
    wheel, _ = built
    assert "-cp310-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        executable = archive.getinfo("pytest_stdiobus/_kernel/stdiobus-kernel")
    assert executable.external_attr >> 16 & 0o111
    assert {
        "pytest_stdiobus/_kernel/libstdio_bus.so",
        "pytest_stdiobus/data/schemas/config.schema.json",
        "pytest_stdiobus/data/workers/echo.py",
        "pytest_stdiobus/py.typed",
    } <= names
    assert any(name.startswith("pytest_stdiobus/_native") and name.endswith(".so") for name in names)


def test_nothing_installed_could_shadow_another_bus(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"pytest_stdiobus"}


def test_the_sdist_holds_what_is_needed_to_build_and_nothing_built(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"kernel/include/stdio_bus.h", "kernel/cdef.py", "workers/echo.py", "CMakeLists.txt", "LICENSE"} <= names
    assert not [name for name in names if name.endswith((".so", ".o", ".pyc"))]


def test_an_installed_wheel_works(built: tuple[Path, Path], tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", built[0])
    found = check_works(python, tmp_path)
    assert "site-packages/pytest_stdiobus/data/workers" in str(found["echo"])


def test_an_editable_install_works_and_uses_the_source_tree(source: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", "--editable", source, STDIOBUS_KERNEL="require")
    found = check_works(python, tmp_path)
    assert found["echo"] == str(source / "workers" / "echo.py")


def test_without_a_compiler_the_install_succeeds_and_a_bus_says_what_is_missing(source: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", source, CC="no-such-compiler", PATH="/usr/bin:/bin")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_first.py").write_text("async def test_it(stdiobus): pass\n", encoding="utf-8")
    result = subprocess.run(
        [python.parent / "pytest", "--stdiobus-backend=native", "test_first.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "install a C compiler" in result.stdout + result.stderr


def test_require_makes_a_missing_compiler_an_error(source: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    result = subprocess.run(
        [tmp_path / "venv" / "bin" / "python", "-m", "pip", "install", "--no-deps", source],
        cwd=tmp_path,
        env={**os.environ, "STDIOBUS_KERNEL": "require", "CC": "no-such-compiler"},
        capture_output=True,
        text=True,
        timeout=BOUND_SEC,
        check=False,
    )
    assert result.returncode != 0
    assert "no C compiler" in result.stdout + result.stderr
