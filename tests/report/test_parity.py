"""SDKs are compared by what they said: values, types and presence; not by what they generate, nor by how it is spelled."""

from __future__ import annotations

import json
import re
import runpy
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pytest_stdiobus.cli import main
from pytest_stdiobus.data import data_dir
from pytest_stdiobus.kit import schemas
from pytest_stdiobus.kit.case import Case
from pytest_stdiobus.kit.history import History
from pytest_stdiobus.kit.options import Options
from pytest_stdiobus.kit.result import CaseResult, Finding, Outcome
from pytest_stdiobus.kit.run import Runner
from pytest_stdiobus.kit.target import SDK, Target, from_command
from pytest_stdiobus.kit.verdict import Rules
from pytest_stdiobus.report import model
from pytest_stdiobus.report.build import build
from pytest_stdiobus.report.exchange import MOST, ROOM
from pytest_stdiobus.report.html import page
from pytest_stdiobus.report.markdown import markdown
from pytest_stdiobus.report.matrix_json import as_json
from pytest_stdiobus.report.matrix_lines import lines
from pytest_stdiobus.report.parity import parity
from pytest_stdiobus.report.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_stdiobus.report.model import Report

    Make = Callable[..., Report]
    Said = Callable[..., Report]

UUID = "8062dc67-185b-4766-85f4-3bbcb563becb"
RULE = "SDK-WIR-01"


def a_request(identifier: str = '"1"', more: str = "") -> str:
    return f'{{"jsonrpc":"2.0","id":{identifier},"method":"m"{more}}}'


@pytest.fixture
def said(report: Make) -> Said:
    """``said(*lines, gave=, ...)``: the report of an SDK that wrote these lines to its kernel and gave these events."""

    def make(*wrote: str, gave: tuple[str, ...] = (), transport: str = "scripted", **how: Any) -> Report:
        history = History()
        history.add("target:adapter", "line", dir="out", data=b'{"answer":"open"}')
        for line in wrote:
            history.add("worker:w/0#1", "line", dir="out", data=line.encode("utf-8", "surrogateescape"))
        for event in gave:
            history.add("call:q", "line", dir="out", data=event.encode())
        case = Case("sdk/test/one", "A case", (RULE,), SDK, transport=transport)
        result = CaseResult(case, (Finding(RULE, how.pop("outcome", Outcome.PASS)),), history)
        return report(result, target=how.pop("target", Target("an SDK", ("sdk",), subject=SDK)), **how)

    return make


def differences(*reports: Report) -> dict[str, tuple[str | None, ...]]:
    (case,) = parity(reports)
    return {found.path: found.values for found in case.differences}


@pytest.mark.parametrize(("one", "other"), [("1", "1.0"), ("1", "true"), ("1", '"1"'), ("0", "null"), ("[]", "{}")])
def test_values_of_other_types_differ(said: Said, one: str, other: str) -> None:
    found = differences(said(a_request(more=f',"params":[{one}]')), said(a_request(more=f',"params":[{other}]')))
    assert found == {"$.wrote[0].params[0]": (one, other)}


def test_a_member_that_only_one_has_differs_also_when_it_is_null(said: Said) -> None:
    found = differences(said(a_request()), said(a_request(more=',"params":null')))
    assert found == {"$.wrote[0].params": (None, "null")}


def test_a_line_that_only_one_wrote_differs(said: Said) -> None:
    assert list(differences(said(a_request()), said(a_request(), '{"method":"n"}'))) == ["$.wrote[1]"]


def test_the_order_of_members_and_white_space_make_no_difference(said: Said) -> None:
    assert (
        differences(said('{"method":"m","params":{"a":1,"b":2}}'), said('{ "params": {"b": 2, "a": 1}, "method":"m" }'))
        == {}
    )


def test_generated_ids_sessions_and_times_are_called_by_their_first_use(said: Said) -> None:
    def told(identifier: str, session: str, time: str) -> Report:
        more = f',"sessionId":"{session}","at":"{time}"'
        return said(a_request(identifier, more), gave=(f'{{"call":"q","event":"result","value":"of {session}"}}',))

    one = told("1", "client-163d2a5925d6", "2026-01-31T12:00:00Z")
    assert differences(one, told(f'"{UUID}"', "client-1795292836556-jo1fum", "2027-02-01T13:00:00.5+01:00")) == {}


def test_a_line_that_is_handed_on_as_text_is_compared_as_the_message_it_is(said: Said) -> None:
    def heard(identifier: str, line: str) -> Report:
        return said(a_request(identifier), gave=(json.dumps({"call": "q", "event": "notification", "value": line}),))

    one = heard("1", '{"id":1,"result":"r"}')
    assert differences(one, heard(f'"{UUID}"', f'{{"result": "r", "id": "{UUID}"}}')) == {}
    assert list(differences(one, heard("1", '{"id":2,"result":"r"}'))) == ["$.gave.q[0].value.id"]


def test_an_id_that_is_used_twice_differs_from_two(said: Said) -> None:
    found = differences(said(a_request("1"), a_request("2")), said(a_request("1"), a_request("1")))
    assert found == {"$.wrote[1].id": ('"id-2"', '"id-1"')}


def test_a_session_that_the_case_named_is_compared(said: Said) -> None:
    found = differences(said(a_request(more=',"sessionId":"a"')), said(a_request(more=',"sessionId":"b"')))
    assert found == {"$.wrote[0].sessionId": ('"a"', '"b"')}


def test_the_words_of_an_error_are_the_sdks_own_but_not_its_code(said: Said) -> None:
    def failed(code: int, words: str) -> Report:
        return said(gave=(f'{{"call":"q","event":"error","error":{{"code":{code},"name":"N","message":"{words}"}}}}',))

    assert differences(failed(3, "late"), failed(3, "too late")) == {}
    assert differences(failed(3, "late"), failed(5, "late")) == {"$.gave.q[0].error.code": ("3", "5")}


def test_long_values_are_told_by_their_digest(said: Said) -> None:
    one, other = (said(a_request(more=f',"params":["{letter * ROOM}"]')) for letter in "ab")
    (case,) = one["cases"]
    assert case["exchange"]
    assert case["exchange"]["wrote"][0]["params"].keys() == {"$sha256", "$length"}
    assert len(str(case["exchange"])) < ROOM
    assert list(differences(one, other)) == ["$.wrote[0].params.$sha256"]
    assert differences(one, one) == {}


def test_of_many_lines_the_first_are_told_and_the_others_counted(said: Said) -> None:
    few, more = (said(*[a_request()] * (MOST + number)) for number in (1, 2))
    assert differences(few, more) == {"$.cut": ("1", "2")}


@pytest.mark.parametrize(
    "line", ["no json", '{"n":1e999}', '{"n":"\udcff"}', "[" * 500 + "]" * 500, "[" * 90_000], ids=len
)
def test_whatever_an_sdk_writes_the_report_is_valid(said: Said, line: str) -> None:
    one = said(line)
    assert schemas.faults(one, schemas.schema("report")) == []
    assert differences(one, one) == {}
    assert "the same said in 1 cases" in list(lines([one, one]))


def test_secrets_are_masked(said: Said) -> None:
    target = Target("an SDK", ("sdk",), subject=SDK, env={"API_KEY": "hunter222"})
    assert "hunter222" not in str(said(a_request(more=',"params":["hunter222"]'), target=target)["cases"])


def test_what_shows_a_breach_of_security_stays_local(said: Said, rewrite: Callable[..., None]) -> None:
    rewrite(RULE, security=True)
    (case,) = said(a_request(), outcome=Outcome.FAIL, foreign=True)["cases"]
    assert case["exchange"] is None


def test_behind_the_sdks_own_kernel_what_reached_the_workers_is_compared(said: Said) -> None:
    assert differences(*(said(a_request(more=more), transport="native") for more in ("", ',"p":1'))) == {
        "$.wrote[0].p": (None, "1")
    }


def test_reports_of_other_subjects_are_not_compared(said: Said, report: Make) -> None:
    assert parity([said(a_request()), report()]) == []


def test_who_was_not_played_is_no_difference(said: Said) -> None:
    one = said(a_request())
    empty: Report = {**one, "cases": []}
    (case,) = parity([one, empty, one])
    assert (case.played, case.differences) == ((True, False, True), ())


def test_every_face_shows_where_and_what(said: Said) -> None:
    reports = [said(a_request(more=',"params":"a|b"')), said(a_request())]
    assert list(lines(reports))[-4:] == [
        "  $.wrote[0].params",
        '    [1] "a|b"',
        "    [2] nothing",
        "1 of 1 cases were said differently",
    ]
    assert '| sdk/test/one | `$.wrote[0].params` | `"a\\|b"` |  |' in markdown(reports)
    assert "$.wrote[0].params" in page(reports)
    value = as_json(reports)
    assert schemas.faults(value, schemas.schema("matrix")) == []
    assert value["parity"][0]["differences"] == [{"path": "$.wrote[0].params", "values": ['"a|b"', None]}]


def test_the_filter_of_the_page_leaves_alone_what_was_said(said: Said) -> None:
    text = page([said(a_request(more=',"params":1')), said(a_request())])
    bodies = re.findall("<tbody[^>]*>", text)
    assert len(bodies) == 2
    assert len([body for body in bodies if "data-outcomes" in body]) == 1
    assert re.findall(r'querySelectorAll\("(tbody[^"]*)"\)', text) == ["tbody[data-outcomes]"]


@pytest.fixture
def findings_page() -> Callable[..., str]:
    """``findings_page(*reports)``: the page of findings in which they stand side by side, named by letters."""
    write = runpy.run_path(str(data_dir() / "conformance" / "parity" / "parity_page.py"))["page"]
    return lambda *reports: str(write({"On a backend": dict(zip("abc", reports, strict=False))}))


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| `$")]


def test_the_page_of_findings_has_one_row_for_differences_of_one_kind(
    said: Said, findings_page: Callable[..., str]
) -> None:
    one, other = said(a_request("1"), a_request("2")), said(a_request("1", ',"p":1'), a_request("2", ',"p":"a|b"'))
    text = findings_page(one, other)
    assert rows(text) == [
        "| `$.wrote[*].p` | nothing | `` 1 `` | `sdk/test/one` |",
        '| `$.wrote[*].p` | nothing | `` "a\\|b" `` | `sdk/test/one` |',
    ]
    assert "1 of 1 cases were said differently" in text


def test_the_page_of_findings_tells_who_wrote_nothing_from_who_was_not_played(
    said: Said, findings_page: Callable[..., str]
) -> None:
    one, other, third = said(a_request("1")), said(a_request("1", ',"p":1')), said(a_request("1"))
    third["cases"][0]["exchange"] = None
    assert rows(findings_page(one, other, third)) == [
        "| `$.wrote[*].p` | nothing | `` 1 `` | not played | `sdk/test/one` |"
    ]


@pytest.mark.parametrize(("more", "status"), [("", 0), (',"params":1', 1)])
def test_compare_ends_with_1_where_only_what_was_said_differs(
    said: Said, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, status: int
) -> None:
    for name, report in (("one", said(a_request())), ("other", said(a_request(more=more)))):
        model.write(report, tmp_path / f"{name}.json")
    assert main(["compare", str(tmp_path / "one.json"), str(tmp_path / "other.json")]) == status
    assert "the same for 1 requirements" in capsys.readouterr().out


def test_the_reference_says_the_same_twice() -> None:
    adapter = data_dir() / "conformance" / "adapters" / "python" / "reference.py"
    target = from_command([sys.executable, str(adapter)], subject=SDK)
    options = Options(select="what-is-answered-leaves-nothing", transports=("scripted",))
    reports = []
    for _ in range(2):
        with Runner(target, options) as runner:
            reports.append(build(list(runner.run()), Run(target, options, Rules(partial=True))))
    assert differences(*reports) == {}
    one, other = ([case["exchange"] for case in report["cases"]] for report in reports)
    assert one != other
