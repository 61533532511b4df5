"""Check that this machine and its user have what the verbs need."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rdo.distgit.verb.desk import Desk
from rdo.errors import CommandError, UserError
from rdo.spec.text import SpecText
from rdo.tools.machine import has_program
from rdo.tools.rpm.rpmspec import Rpmspec

_SAMPLE = "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\n%description\nx\n"
_OPTIONAL = {"rpmlint": "lint", "gpgv": "signatures", "ssh": "Gerrit"}


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check; `state` is ok, missing or note."""

    state: str
    name: str
    detail: str


def examine(desk: Desk) -> list[Check]:
    """Run all checks, the required ones first."""
    sample = bytes(SpecText.parse(_SAMPLE.encode()))
    found = [
        _check("git", desk.clone.check_version),
        _check("rpm in a sandbox", lambda: Rpmspec().read(sample, desk.folder)),
        _check("your name for changelogs", desk.user),
    ]
    for name, what in _OPTIONAL.items():
        has = has_program(name)
        found.append(
            Check("ok" if has else "note", name, "" if has else f"not installed; needed for {what}")
        )
    return found


def _check(name: str, ask: Callable[[], object]) -> Check:
    try:
        ask()
    except UserError as error:
        return Check("missing", name, str(error).partition("\n")[0])
    return Check("ok", name, "")


def require(found: Sequence[Check]) -> None:
    """Raise CommandError if something is missing without which no verb works."""
    missing = [x.name for x in found if x.state == "missing"]
    if missing:
        raise CommandError(f"missing on this machine: {', '.join(missing)}")
