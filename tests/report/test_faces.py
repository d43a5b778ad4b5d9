"""HTML, Markdown and JUnit of a report: everything is there, and hostile content stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from pytest_stdiobus.kit.baseline import Baseline, Known
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.target import Target
from pytest_stdiobus.report.html import SHOWN, page
from pytest_stdiobus.report.junit import junit
from pytest_stdiobus.report.markdown import markdown
from pytest_stdiobus.report.markup import link, tag
from pytest_stdiobus.report.terminal import Terminal

from .conftest import a_history, a_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_stdiobus.report.model import Report

    Make = Callable[..., Report]

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>```\n|@all [x](javascript:alert(1)) & \x00\x1b"
VOID = {"meta", "input"}


class Page(HTMLParser):
    """What a browser would find: elements that are open at the end, scripts, attributes, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(report: Make) -> Report:
    result = a_result(explanation=HOSTILE, history=a_history(HOSTILE.encode(), stderr=HOSTILE.encode()))
    return report(result, target=Target(HOSTILE, ("agent", HOSTILE), version=HOSTILE))


def test_the_page_shows_rule_evidence_and_command(report: Make) -> None:
    found = Page(page([report(a_result(history=a_history(stderr=b"last words")))]))
    for part in (
        "WRK-03",
        "Every request gets one response",
        "the id is a text",
        "kit → worker",
        "last words",
        "-k worker/test/one",
    ):
        assert part in found.text, part
    assert found.open == []


def test_a_requirement_that_one_case_left_open_says_how_many_it_passed(report: Make) -> None:
    made = report(
        a_result(Outcome.UNTESTABLE),
        a_result(Outcome.PASS, case="worker/test/two"),
        a_result(Outcome.PASS, case="worker/test/three"),
    )
    for text in (Terminal().text(made), page([made])):
        assert "(it passed in 2, but 1 of its cases left it open)" in text


def test_hostile_content_adds_no_element_to_the_page(report: Make) -> None:
    good, bad = Page(page([report(a_result())])), Page(page([hostile(report)]))
    assert bad.tags.count("script") == good.tags.count("script") == 1
    assert "img" not in bad.tags
    assert not [name for name, _ in bad.attributes if name.startswith("on")]
    assert not [value for name, value in bad.attributes if name == "href" and not re.match(r"#|https?://", value or "")]
    assert bad.open == []


def test_the_policy_of_the_page_lets_only_its_own_script_and_style_work(report: Make) -> None:
    text = page([report(a_result())])
    for name in ("script", "style"):
        (content,) = re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name}-src &#x27;sha256-{digest}&#x27;" in text
    assert "default-src &#x27;none&#x27;" in text


def test_the_page_needs_nothing_from_elsewhere(report: Make) -> None:
    found = Page(page([report(a_result())]))
    assert not [name for name, _ in found.attributes if name in {"src", "srcset", "action"}]
    assert "link" not in found.tags


def test_several_reports_are_a_matrix(report: Make) -> None:
    failed = report(a_result(), target=Target("first agent", ("a",)))
    passed = report(a_result(Outcome.PASS), target=Target("second agent", ("b",)))
    found = Page(page([failed, passed]))
    assert "first agent" in found.text
    assert "second agent" in found.text
    assert ("data-outcomes", "fail pass") in found.attributes
    lines = markdown([failed, passed]).splitlines()
    assert lines[0] == "| requirement | first agent | second agent | rule |"
    assert lines[2].startswith("| WRK-03 | **fails** (1 of 1) | passes | Every request")


def test_of_many_failures_of_one_requirement_some_show_their_transcript(report: Make) -> None:
    many = [a_result(case=f"worker/test/case-{number}") for number in range(SHOWN + 5)]
    found = Page(page([report(*many)]))
    assert found.tags.count("ol") == SHOWN
    assert all(result.case.id in found.text for result in many)


def test_the_words_about_somebody_elses_project_stand_on_every_face(report: Make) -> None:
    words = "This is not the project's own test-suite."
    foreign, own = (report(a_result(), foreign=is_foreign) for is_foreign in (True, False))
    assert words in Page(page([foreign])).text
    assert words in markdown([foreign])
    assert words not in Page(page([own])).text
    assert words not in markdown([own])


def test_markdown_says_what_failed_and_counts_the_rest(report: Make) -> None:
    text = markdown([report(a_result(), a_result(Outcome.PASS, "WRK-01", "worker/test/two"))])
    assert text.startswith("## agent: not conformant\n")
    assert "- contradicts a public rule: WRK-03" in text
    assert "| WRK-03 | must | **fails** | Every request gets one response" in text
    assert "1 of 2 requirements pass." in text
    assert "[JSON-RPC 2.0, sections 4, 4.1 and 5](https://www.jsonrpc.org/specification)" in text


def test_hostile_content_stays_text_in_markdown(report: Make) -> None:
    text = markdown([hostile(report)])
    outside = re.sub(r"(`{3,})text\n.*?\n\1", "", text, flags=re.DOTALL)
    outside = re.sub(r"(`+).*?\1", "", re.sub(r"(`+) .*? \1", "", outside))
    assert not re.search(r"(?<!\\)(?:<script|<img|@all|\[x\])", outside)
    assert "alert(1)" in text


def test_junit_counts_failures_errors_and_skips(report: Make) -> None:
    kinds = {
        Outcome.PASS: "",
        Outcome.FAIL: "failure",
        Outcome.HARNESS_ERROR: "error",
        Outcome.NOT_APPLICABLE: "skipped",
    }
    made = report(*(a_result(outcome, case=f"worker/test/{outcome.value}") for outcome in kinds))
    suite = ET.fromstring(junit(made))[0]  # noqa: S314 - our own
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
    }
    cases = {
        case.get("name"): [child.tag for child in case if child.tag != "properties"] for case in suite.iter("testcase")
    }
    assert cases == {f"worker/test/{outcome.value}": [tag] if tag else [] for outcome, tag in kinds.items()}
    assert [value.get("value") for value in suite.iter("property")].count("WRK-03") == 4


def test_a_hostile_name_of_a_target_is_printable(report: Make) -> None:
    target = hostile(report)["target"]
    assert all(text.isprintable() for text in (target["name"], target["version"], *target["command"]))


def test_a_warning_is_no_failure_of_junit(report: Make) -> None:
    suite = ET.fromstring(junit(report(a_result(requirement="WRK-12"))))[0]  # noqa: S314
    assert suite.get("failures") == "0"


def test_a_known_failure_is_skipped_in_junit_with_its_reason(report: Make) -> None:
    known = Baseline((Known("being repaired", requirement="WRK-03"),))
    suite = ET.fromstring(junit(report(a_result(), baseline=known)))[0]  # noqa: S314
    assert [skip.get("message") for skip in suite.iter("skipped")] == ["known failure: being repaired"]


def test_hostile_content_is_well_formed_in_junit(report: Make) -> None:
    ET.fromstring(junit(hostile(report)))  # noqa: S314


def test_a_case_that_could_not_run_has_a_page_too(report: Make) -> None:
    idle = CaseResult(a_result().case, (Finding("WRK-03", Outcome.HARNESS_ERROR, "too busy"),))
    assert "too busy" in Page(page([report(idle)])).text


def test_text_among_markup_is_escaped() -> None:
    assert tag("p", "<b>", tag("i", "x"), title='"') == '<p title="&quot;">&lt;b&gt;<i>x</i></p>'


@pytest.mark.parametrize("address", ["javascript:alert(1)", "", "data:text/html,x", "https://a b"])
def test_only_addresses_of_the_web_are_links(address: str) -> None:
    assert link("text", address) == "text"
