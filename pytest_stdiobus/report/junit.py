"""A report for programs that read JUnit's XML: a test case for each case, requirements as properties."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pytest_stdiobus.report.masking import printable
from pytest_stdiobus.report.words import BROKEN, OUTCOME, SILENT, group

if TYPE_CHECKING:
    from pytest_stdiobus.report.model import CasePart, FindingPart, Report, RequirementPart

    Finding = tuple[RequirementPart, FindingPart]


def junit(report: Report) -> str:
    """The XML of a report; what is only a warning, or known, is no failure in it."""
    cases = [_case(case, _findings(report, case["id"]), report) for case in report["cases"]]
    suite = ET.Element("testsuite", name=_text(report["target"]["name"]), timestamp=report["date"])
    suite.set("tests", str(len(cases)))
    suite.set("time", _seconds(report["duration_ms"]))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    _properties(suite, [("verdict", report["verdict"]["word"]), ("kit", report["kit"])])
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _findings(report: Report, case: str) -> list[Finding]:
    return [(row, found) for row in report["requirements"] for found in row["findings"] if found["case"] == case]


def _case(case: CasePart, findings: list[Finding], report: Report) -> ET.Element:
    classname = f"{_text(report['target']['name'])}.{group(case['id'])}"
    element = ET.Element("testcase", classname=classname, name=case["id"], time=_seconds(case["duration_ms"]))
    _properties(element, [("requirement", row["id"]) for row, _ in findings])
    failing = [pair for pair in findings if _fails(*pair)]
    ours = [found for _, found in findings if found["outcome"] == "harness_error"]
    if failing:
        told = "\n".join(f"{row['id']}: {found['explanation']}" for row, found in failing)
        row, found = failing[0]
        ET.SubElement(element, "failure", type=row["id"], message=_text(found["explanation"])).text = _text(told)
    elif ours:
        ET.SubElement(element, "error", type="harness", message=_text(ours[0]["explanation"]))
    elif case["outcome"] in SILENT or any(found["known"] for _, found in findings):
        ET.SubElement(element, "skipped", message=_text(_why(case, findings)))
    return element


def _fails(row: RequirementPart, found: FindingPart) -> bool:
    return found["outcome"] in BROKEN and row["effect"] == "failure" and not found["known"]


def _why(case: CasePart, findings: list[Finding]) -> str:
    known = next((f"known failure: {found['known']}" for _, found in findings if found["known"]), "")
    said = next((found["explanation"] for _, found in findings if found["explanation"]), "")
    return known or f"{OUTCOME[case['outcome']]}: {said}"


def _properties(element: ET.Element, pairs: list[tuple[str, str]]) -> None:
    properties = ET.SubElement(element, "properties")
    for name, value in pairs:
        ET.SubElement(properties, "property", name=name, value=value)


def _text(text: str) -> str:
    """Text without characters that XML forbids."""
    return "\n".join(map(printable, text.split("\n")))


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.3f}"
