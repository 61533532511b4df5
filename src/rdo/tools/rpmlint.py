"""rpmlint: conventions of the RPM world, checked in a spec or a package."""

import re
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import CommandError
from rdo.run import Runner, run

_HINT = re.compile(r"(?P<place>\S.*?):\s+(?P<level>[EW]):\s+(?P<text>.+)$")


@dataclass(frozen=True, slots=True)
class Rpmlint:
    """The rpmlint of this machine, if there is one."""

    runner: Runner = run

    def check(self, *files: Path) -> list[tuple[str, str, str]]:
        """Return rpmlint's hints: place, level and text.

        Raise CommandError if it is not installed.
        """
        try:
            done = self.runner("rpmlint", *files, ok=range(256), timeout=600)
        except CommandError as error:
            raise CommandError(
                "Command not found: rpmlint", hint="install it, or use --lint-checks sanity"
            ) from error
        found = (_HINT.match(line) for line in done.stdout.splitlines())
        return [(hint["place"], hint["level"], hint["text"]) for hint in found if hint]
