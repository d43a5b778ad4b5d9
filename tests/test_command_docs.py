"""The pages about the command: what they show is run, and what is generated is up to date."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_stdiobus.kit import schemas

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LONG = 120.0  # seconds that no command here takes, even on a busy machine
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGING = [
    (r"\S*/python\S*", "PYTHON"),
    (r"\S*/agent\.py", "AGENT"),
    (r"\d+\.\d+ s\b", "TIME"),
    (r"\+\d+\.\d+", "+TIME"),
    (r"\b[1-9]\d+\b", "MANY"),  # cases are added
]


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder in which `python` and `stdiobus-conformance` are those of this installation."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = f"#!{sys.executable}\nimport sys\nfrom pytest_stdiobus.cli import main\nsys.exit(main())\n"
    (folder / "stdiobus-conformance").write_text(script, encoding="utf-8")
    (folder / "stdiobus-conformance").chmod(0o755)
    (folder / "python").symlink_to(sys.executable)
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def run(command: str, folder: Path) -> str:
    env = {**os.environ, "PATH": f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    words = ["/bin/sh", "-c", command]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=LONG, check=False)
    return done.stdout


def lasting(text: str) -> list[str]:
    """The lines, without what differs between two runs."""
    for pattern, word in _CHANGING:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines()]


def shows(expected: list[str], real: list[str]) -> bool:
    """Whether the lines are the real ones, where ``...`` stands for any number of them."""
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in expected)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in real)) is not None


def save(content: dict[str, object]) -> str:
    """The name of the file that a JSON block is meant for; it has to be valid."""
    names = {"command": "target", "known_failures": "known-failures", "steps": "case"}
    name = next(name for key, name in names.items() if key in content)
    assert schemas.faults(content, schemas.schema(name)) == []
    return f"{name}.json"


def played(page: Path, folder: Path) -> int:
    """Run the console blocks of a page, compare what they print, and give how many commands there were."""
    number = 0
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if block["language"] == "json":
            (folder / save(json.loads(block["text"]))).write_text(block["text"], encoding="utf-8")
        if block["language"] == "sh" and block["text"].startswith("sed "):
            run(block["text"], folder)
        if block["language"] == "console":
            for part in block["text"].removeprefix("$ ").split("\n$ "):
                command, _, output = part.partition("\n")
                real = run(command, folder)
                assert shows(lasting(output), lasting(real)), f"$ {command}\n{real}"
                number += 1
    return number


def test_the_tutorial_does_what_it_shows(shell: Path) -> None:
    shutil.copy(ROOT / "examples" / "agents" / "adder.py", shell / "agent.py")
    assert played(DOCS / "tutorials" / "judge-a-worker.md", shell) == 4
    assert "stderr" in (shell / "agent.py").read_text(encoding="utf-8")


def test_the_readme_shows_what_the_command_prints(shell: Path) -> None:
    shutil.copy(ROOT / "examples" / "agents" / "adder.py", shell / "agent.py")
    section = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("## Is your worker, kernel or SDK conformant?")[2]
    )
    (shell / "section.md").write_text(section.partition("\n## ")[0], encoding="utf-8")
    assert played(shell / "section.md", shell) == 1


def test_a_failure_is_accepted_as_shown(shell: Path) -> None:
    shutil.copy(ROOT / "examples" / "agents" / "adder.py", shell / "agent.py")
    assert played(DOCS / "how-to" / "known-failures.md", shell) == 3


def test_a_kernel_is_judged_as_shown(shell: Path) -> None:
    shutil.copy(ROOT / "examples" / "kernels" / "first_try.py", shell / "kernel.py")
    assert played(DOCS / "how-to" / "judge-a-kernel.md", shell) == 1


def test_a_case_is_written_as_shown(shell: Path) -> None:
    agent = (ROOT / "examples" / "agents" / "adder.py").read_text(encoding="utf-8")
    (shell / "agent.py").write_text(agent.replace('print("adder 1.0 is ready")\n', ""), encoding="utf-8")
    shutil.copy(ROOT / "examples" / "cases" / "adds.stdiobus.json", shell)
    page = DOCS / "how-to" / "write-a-case.md"
    assert played(page, shell) == 1
    assert (ROOT / "examples" / "cases" / "adds.stdiobus.json").read_text(encoding="utf-8") in page.read_text(
        encoding="utf-8"
    )


def test_the_tutorial_shows_the_whole_agent() -> None:
    agent = (ROOT / "examples" / "agents" / "adder.py").read_text(encoding="utf-8")
    assert agent in (DOCS / "tutorials" / "judge-a-worker.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["command_page", "rules_page"])
def test_a_generated_page_is_up_to_date(name: str) -> None:
    generator = runpy.run_path(str(ROOT / "tests" / f"{name}.py"))
    assert generator["TARGET"].read_text(encoding="utf-8") == generator["page"](), f"python tests/{name}.py"


@pytest.mark.parametrize(
    ("expected", "real", "is_shown"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "...", "c"], ["a", "b", "b", "c"], True),
        (["...", "c"], ["c"], True),
        (["a"], ["a", "b"], False),
        (["a", "...", "d"], ["a", "c"], False),
    ],
)
def test_dots_stand_for_any_lines(expected: list[str], real: list[str], is_shown: bool) -> None:
    assert shows(expected, real) is is_shown
