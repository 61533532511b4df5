"""Convert the answers of checks to rows of the store, and back."""

import json
from dataclasses import asdict
from datetime import datetime

from rdo.checks.findings import CheckAnswer, Defect
from rdo.store.given.check_results import CheckResult, ResultState


def to_result(
    answer: CheckAnswer,
    context: str,
    *,
    now: datetime,
    by: str,
    against: tuple[str, ...] = (),
) -> CheckResult:
    """Return a new answer as a row of the store."""
    owners = {one for finding in answer.findings for one in finding.maintainers}
    return CheckResult(
        check=answer.check,
        context=context,
        state=state(answer),
        reason=reason(answer),
        findings=json.dumps([asdict(one) for one in answer.findings]),
        owners=tuple(sorted(owners)),
        checked=now,
        by=by,
        seconds=answer.seconds,
        against=against,
        log=answer.log,
    )


def state(answer: CheckAnswer) -> ResultState:
    """Return in one word how a check ended."""
    if answer.skipped:
        return ResultState.SKIPPED
    return ResultState.PASSED if answer.passed else ResultState.FAILED


def reason(answer: CheckAnswer) -> str:
    """Return in one line why a check ended as it did."""
    if answer.skipped or not answer.findings:
        return answer.skipped or answer.said
    first, *others = answer.findings
    return first.what + (f" and {len(others)} more" if others else "")


def from_result(result: CheckResult) -> CheckAnswer:
    """Return a stored answer."""
    is_skipped = result.state is ResultState.SKIPPED
    return CheckAnswer(
        result.check,
        tuple(map(_defect, json.loads(result.findings))),
        result.seconds,
        skipped=result.reason if is_skipped else "",
        said=result.reason if result.state is ResultState.PASSED else "",
        log=result.log,
        checked=result.checked,
        by=result.by,
    )


def _defect(row: dict[str, object]) -> Defect:
    return Defect(
        check=str(row["check"]),
        package=str(row["package"]),
        what=str(row["what"]),
        chain=_texts(row["chain"]),
        maintainers=_texts(row["maintainers"]),
        remedy=str(row["remedy"]),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()
