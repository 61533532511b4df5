"""Run rpmlint, which checks conventions for RPMs in a spec or a package."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError
from rdo.tools.walls.sandbox import Sandbox

_HINT = re.compile(r"(?P<place>\S.*?):\s+(?P<level>[EW]):\s+(?P<text>.+)$")
_CONFIGURATION = (Path("/etc/xdg/rpmlint"), Path("/etc/rpmlint"))
_NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Rpmlint:
    """The rpmlint of this machine, if there is one.

    It lets rpm read a spec, which runs the programs in `%(...)`, and unpacks packages. These are
    made by strangers, so it runs in the sandbox.
    """

    sandbox: Sandbox = field(default_factory=Sandbox)

    def check(self, *files: Path) -> list[tuple[str, str, str]]:
        """Return rpmlint's messages: place, level and text.

        Raises CommandError if it is not installed.
        """
        places = {str(file.resolve()): str(file) for file in files}
        own = _own_configuration()
        options: list[str | Path] = ["--config", own] if own else []
        readable = [*_readable(files), *([own] if own else [])]
        command = ["rpmlint", *options, *places]
        done = self.sandbox.ask(*command, readable=readable, timeout=600)
        if done.returncode == _NOT_FOUND:
            raise CommandError(
                "Command not found: rpmlint", hint="install it, or use --lint-checks sanity"
            )
        found = (_HINT.match(line) for line in done.stdout.splitlines())
        return [
            (_as_given(hint["place"], places), hint["level"], hint["text"])
            for hint in found
            if hint
        ]


def _readable(files: Iterable[Path]) -> Iterator[Path]:
    """Yield what rpmlint reads: the folder of a spec, which has its sources, or an RPM alone."""
    yield from (path for path in _CONFIGURATION if path.exists())
    found = (path.resolve() for path in files)
    yield from dict.fromkeys(path.parent if path.suffix == ".spec" else path for path in found)


def _own_configuration() -> Path | None:
    """Return the folder in which this user configures rpmlint, if there is one."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    folder = Path(home, "rpmlint")
    return folder.resolve() if folder.is_dir() else None


def _as_given(place: str, places: dict[str, str]) -> str:
    """Return the place of a message with the file as the caller named it."""
    whole = next((path for path in places if place == path or place.startswith(f"{path}:")), "")
    return places[whole] + place.removeprefix(whole) if whole else place
