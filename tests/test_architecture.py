"""Who may import whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "pytest_stdiobus"
MODULES = sorted(ROOT.rglob("*.py"))

# A part may not import what stands behind it.
FACES = {"suite", "cli", "commands", "plugin", "fixtures", "testing", "options"}
FORBIDDEN = {
    "bus": {"kit", "report", "streams", *FACES},
    "kit": {"bus", "report", "streams", *FACES},
    "report": {"bus", "streams", *FACES},
    "commands": {"bus", "streams", "cli", *FACES - {"commands"}},
    "suite": {"bus", "streams", *FACES - {"suite", "options"}},
    "streams": {"kit", "report", *FACES},
    "testing": {"scene", "selection", "kit", "report", "streams", *FACES - {"testing"}},
    "workers": {"bus", "kit", "report", "streams", *FACES},
    "data": {"bus", "kit", "report", "streams", *FACES},
}
WITHOUT_PYTEST = {"bus", "kit", "report", "streams", "workers", "data", "cli", "commands", "kernel_command"}
PLUGIN_LINES = 250


def imports(module: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def part(module: Path) -> str:
    return module.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_part_imports_only_what_stands_before_it(module: Path) -> None:
    ours = {name.split(".")[1] for name in imports(module) if name.startswith("pytest_stdiobus.")}
    assert not ours & FORBIDDEN.get(part(module), set())


@pytest.mark.parametrize("module", [m for m in MODULES if part(m) in WITHOUT_PYTEST], ids=str)
def test_what_is_usable_without_pytest_never_imports_it(module: Path) -> None:
    assert not {name for name in imports(module) if name.split(".")[0] in {"pytest", "_pytest", "pytest_asyncio"}}


def test_only_fixtures_and_plugin_know_bus_and_kit() -> None:
    for module in MODULES:
        known = {name.split(".")[1] for name in imports(module) if name.startswith("pytest_stdiobus.")}
        assert not {"bus", "kit"} <= known or part(module) in {"fixtures", "plugin"}


def test_the_package_itself_is_empty() -> None:
    body = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def test_the_plugin_module_stays_small() -> None:
    assert len((ROOT / "plugin.py").read_text(encoding="utf-8").splitlines()) < PLUGIN_LINES


def test_workers_need_nothing_but_the_standard_library() -> None:
    import sys

    workers = list((ROOT.parent / "workers").glob("*.py"))
    beside = {worker.stem for worker in workers}
    for worker in workers:
        tops = {name.split(".")[0] for name in imports(worker)}
        assert tops <= sys.stdlib_module_names | beside
