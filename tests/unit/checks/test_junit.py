"""The answers of checks, as a CI system reads them."""

from xml.etree import ElementTree

from rdo.checks.findings import CheckAnswer, CheckName, Defect
from rdo.checks.junit import junit

FINDING = Defect(
    CheckName.INSTALLABLE, "python-a", "a <b> cannot be installed\x1b", ("first", "then")
)


def test_findings_are_failures_and_what_nobody_asked_is_skipped() -> None:
    answers = [
        CheckAnswer(CheckName.INSTALLABLE, (FINDING,), 0.5),
        CheckAnswer(CheckName.DUPLICATES, seconds=0.25),
        CheckAnswer(CheckName.VANISHED, skipped="there is nothing to compare with"),
    ]

    suite = ElementTree.fromstring(junit("master-deb12 current", answers))

    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")}
    assert counts == {
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "0.750",
    }
    [failed, passed, skipped] = suite.findall("testcase")
    text = failed.findtext("failure") or ""
    assert text.splitlines() == [
        "python-a: a <b> cannot be installed\N{REPLACEMENT CHARACTER}",
        "  first",
        "  then",
    ]
    assert list(passed) == []
    assert skipped.find("skipped") is not None
