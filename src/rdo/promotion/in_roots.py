"""The checks of a composition that install it in a root."""

from pathlib import Path

from rdo.checks.findings import CheckAnswer, CheckName
from rdo.checks.installed import Installation, check_installed
from rdo.checks.upgrade import Upgrade, check_upgrade
from rdo.promotion.checking import NOTHING_BEFORE, Subject, dependencies_of


def ask_in_root(subject: Subject, check: str, log_file: Path) -> CheckAnswer:
    """Run one of the expensive checks and return its answer; output goes to `log_file`."""
    layer, roots = subject.around.layer, subject.around.roots
    if layer is None or roots is None:
        return CheckAnswer(check, skipped="there is no base layer to install it on")
    if check == CheckName.INSTALL:
        names = [one.name for one in subject.own]
        exceptions = subject.around.import_exceptions
        what = Installation(layer, roots, subject.everything, names, subject.owners, exceptions)
        return check_installed(what, log_file)
    if subject.against is None:
        return CheckAnswer(check, skipped=NOTHING_BEFORE)
    before = (
        *subject.before,
        *dependencies_of(subject.opened, subject.against),
        *subject.around.base,
    )
    upgrade = Upgrade(
        base=layer,
        roots=roots,
        before=before,
        older=[one.name for one in subject.before],
        after=subject.everything,
        checked=[one.name for one in subject.own],
        tree=subject.opened.tree.repos,
        packages=subject.owners,
    )
    return check_upgrade(upgrade, log_file)
