"""The documentation shows code that runs, and says what the tests say."""

from __future__ import annotations

import ast
import json
import re
import runpy
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
MIGRATE = ROOT / "docs" / "how-to" / "migrate.md"
DIFFERENCES = ROOT / "tests" / "published" / "test_differences.py"

_BLOCK = re.compile(
    r"(?:<!-- from (?P<source>\S+) -->\n)?^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def problems_of(page: str, root: Path) -> Iterator[str]:
    """What is wrong with the code blocks of a page, given as its text."""
    for block in _BLOCK.finditer(page):
        source, language, text = block["source"], block["language"], block["text"]
        if source is None:
            if language == "python":
                yield f"a python block without <!-- from examples/NAME.py -->: {text.splitlines()[0]}"
        elif not (root / source).is_file():
            yield f"{source} is not a file"
        elif not _occurs(text, (root / source).read_text(encoding="utf-8")):
            yield f"not in {source}: {text.splitlines()[0]}"


def _occurs(text: str, source: str) -> bool:
    """Whether the lines stand in the source one after the other, at any indentation."""
    wanted, lines = textwrap.dedent(text).splitlines(), source.splitlines()
    starts = range(len(lines) - len(wanted) + 1)
    return any(textwrap.dedent("\n".join(lines[i : i + len(wanted)])).splitlines() == wanted for i in starts)


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.name)
def test_the_code_of_a_how_to_page_is_code_of_an_example(page: Path) -> None:
    assert list(problems_of(page.read_text(encoding="utf-8"), ROOT)) == []


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("```python\nx = 1\n```\n", "a python block without"),
        ("<!-- from example.py -->\n```python\nx = 2\n```\n", "not in example.py: x = 2"),
        ("<!-- from gone.py -->\n```python\nx = 1\n```\n", "gone.py is not a file"),
    ],
)
def test_code_that_is_no_examples_is_refused(tmp_path: Path, page: str, problem: str) -> None:
    (tmp_path / "example.py").write_text("def f():\n    x = 1\n    y = 2\n", encoding="utf-8")
    assert [found[: len(problem)] for found in problems_of(page, tmp_path)] == [problem]


def test_an_indented_part_of_an_example_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text("def f():\n    x = 1\n    y = 2\n", encoding="utf-8")
    page = "<!-- from example.py -->\n```python\nx = 1\ny = 2\n```\n\n```sh\nls\n```\n"
    assert list(problems_of(page, tmp_path)) == []


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.name)
def test_a_page_that_shows_a_part_of_a_file_links_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    parts = {
        ROOT / block["source"]
        for block in _BLOCK.finditer(text)
        if block["source"] and block["text"] != (ROOT / block["source"]).read_text(encoding="utf-8")
    }
    assert parts - {(page.parent / target).resolve() for target in _LINK.findall(text)} == set()


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    targets = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_can_be_reached_from_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / target).resolve() for target in _LINK.findall(index)}
    assert [page.name for page in [*HOW_TO, *(ROOT / "docs" / "reference").glob("*.md")] if page not in linked] == []


def differences() -> Iterator[str]:
    """The rows that the page of differences has to show, in the order of the tests."""
    for node in ast.parse(DIFFERENCES.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.AsyncFunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "difference":
                words = [ast.literal_eval(value) for value in [mark.args[0], *(word.value for word in mark.keywords)]]
                yield f"| {' | '.join(words)} | `{node.name}` |"


def test_the_page_of_differences_has_a_row_for_every_test_of_one() -> None:
    rows = [line for line in MIGRATE.read_text(encoding="utf-8").splitlines() if line.endswith("` |")]
    assert rows == list(differences())


def test_every_test_of_a_difference_carries_its_mark() -> None:
    tests = [
        line for line in DIFFERENCES.read_text(encoding="utf-8").splitlines() if line.startswith("async def test_")
    ]
    assert len(tests) == len(list(differences())) > 0


def test_the_page_of_bad_workers_names_every_saboteur() -> None:
    page = (ROOT / "docs" / "how-to" / "bad-workers.md").read_text(encoding="utf-8")
    saboteurs = json.loads((ROOT / "workers" / "saboteurs" / "saboteurs.json").read_text(encoding="utf-8"))
    assert [name for name in saboteurs if f"`{name}`" not in page] == []


def test_the_reference_shows_every_option_and_fixture() -> None:
    generator = runpy.run_path(str(ROOT / "tests" / "reference_page.py"))
    assert generator["TARGET"].read_text(encoding="utf-8") == generator["page"]()
