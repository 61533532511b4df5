"""Write the answers of checks as JUnit XML, for CI systems."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from rdo.checks.findings import CheckAnswer, Defect, question
from rdo.model.text.xml_text import xml_text


@dataclass(frozen=True, slots=True)
class JUnitCase:
    """One test case: why it `failed` or was `skipped`, else a sentence in `said`.

    `detail` is the text of the failure.
    """

    name: str
    seconds: float
    failed: str = ""
    detail: str = ""
    skipped: str = ""
    said: str = ""


def suite(name: str, classname: str, cases: Sequence[JUnitCase]) -> str:
    """Return one test suite; characters that XML does not allow are replaced."""
    found = ElementTree.Element(
        "testsuite",
        name=xml_text(name),
        tests=str(len(cases)),
        failures=str(sum(bool(one.failed) for one in cases)),
        errors="0",
        skipped=str(sum(bool(one.skipped) for one in cases)),
        time=f"{sum(one.seconds for one in cases):.3f}",
    )
    for one in cases:
        case = ElementTree.SubElement(
            found, "testcase", classname=classname, name=one.name, time=f"{one.seconds:.3f}"
        )
        if one.skipped:
            ElementTree.SubElement(case, "skipped", message=xml_text(one.skipped))
        elif one.failed:
            failure = ElementTree.SubElement(case, "failure", message=xml_text(one.failed))
            failure.text = xml_text(one.detail) or None
        elif one.said:
            ElementTree.SubElement(case, "system-out").text = xml_text(one.said)
    ElementTree.indent(found)
    return ElementTree.tostring(found, encoding="unicode", xml_declaration=True) + "\n"


def junit(name: str, answers: Iterable[CheckAnswer]) -> str:
    """Return one test suite, with a case for each check; its findings are the failure's text."""
    return suite(name, "rdo.promotion.check", [_case(one) for one in answers])


def _case(answer: CheckAnswer) -> JUnitCase:
    return JUnitCase(
        f"{answer.check}: {question(answer.check)}",
        answer.seconds,
        failed=f"{len(answer.findings)} found" if answer.findings else "",
        detail="\n".join(map(_text, answer.findings)),
        skipped=answer.skipped,
        said=answer.said,
    )


def _text(finding: Defect) -> str:
    chain = (f"  {sentence}" for sentence in finding.chain)
    return "\n".join([f"{finding.package}: {finding.what}", *chain])
