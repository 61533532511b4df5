"""The answers of checks as JUnit's XML, for CI systems."""

from collections.abc import Iterable
from xml.etree import ElementTree

from rdo.checks.findings import QUESTIONS, CheckAnswer, Defect
from rdo.model.xml_text import xml_text


def junit(name: str, answers: Iterable[CheckAnswer]) -> str:
    """Return one test suite, with a case for each check; its findings are the failure's text."""
    answers = tuple(answers)
    failed = sum(bool(one.findings) for one in answers)
    skipped = sum(bool(one.skipped) for one in answers)
    suite = ElementTree.Element(
        "testsuite",
        name=xml_text(name),
        tests=str(len(answers)),
        failures=str(failed),
        errors="0",
        skipped=str(skipped),
        time=f"{sum(one.seconds for one in answers):.3f}",
    )
    for one in answers:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname="rdo.promotion.check",
            name=f"{one.check}: {QUESTIONS[one.check]}",
            time=f"{one.seconds:.3f}",
        )
        if one.skipped:
            ElementTree.SubElement(case, "skipped", message=xml_text(one.skipped))
        elif one.findings:
            lines = [
                line
                for finding in one.findings
                for line in (
                    f"{finding.package}: {finding.what}",
                    *(f"  {x}" for x in finding.chain),
                )
            ]
            message = f"{len(one.findings)} found"
            failure = ElementTree.SubElement(case, "failure", message=message)
            failure.text = xml_text("\n".join(lines))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _text(finding: Defect) -> str:
    chain = (f"  {sentence}" for sentence in finding.chain)
    return "\n".join([f"{finding.package}: {finding.what}", *chain])
