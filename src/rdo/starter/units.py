"""The systemd units of a factory: make them, and find those on this machine."""

import importlib.resources
import itertools
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rdo.atomic import write_file
from rdo.errors import ConfigError, RefusedError

_PROGRAM, _FOLDER = "/usr/bin/rdo", "/srv/%i"
"""The placeholders in the templates for the real program and folder."""
_MARK = "# Written by `rdo systemd install`, which may write it again."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.-]{0,99}")
SYSTEM = Path("/etc/systemd/system")


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit file to be written."""

    file: Path
    text: str


@dataclass(frozen=True, slots=True)
class FoundUnit:
    """A unit on this machine that works in a factory's folder, and the program it starts.

    `runs_rounds` is whether that program runs rounds, on its own or beside a server.
    """

    file: Path
    program: str
    is_of_user: bool
    runs_rounds: bool = False

    @property
    def restart(self) -> str:
        """The command that restarts it."""
        own = "--user " if self.is_of_user else ""
        return f"systemctl {own}restart {self.file.name}"


def user_folder() -> Path:
    """Return the folder of this user's own units."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "systemd/user"


def make_units(
    name: str, factory: Path, program: tuple[str, ...], *, is_of_user: bool = False, owner: str = ""
) -> list[Unit]:
    """Make the units of a factory: rounds by a timer or in a loop, reviews, server, purge.

    `program` is the command line of `rdo`. `owner` is the user whom a system unit runs as. Raises
    ConfigError for a name that systemd would not accept.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be part of a unit's name", hint="name it: rdo systemd install NAME"
        )
    folder = user_folder() if is_of_user else SYSTEM
    templates = importlib.resources.files(__package__).joinpath("systemd")
    units = []
    for template in sorted(templates.iterdir(), key=lambda one: one.name):
        text = template.read_text().replace(_PROGRAM, " ".join(map(_quoted, program)))
        text = text.replace(f"-C {_FOLDER}", f"-C {_quoted(str(factory))}")
        text = text.replace(_FOLDER, str(factory))
        if is_of_user:
            text = text.replace("WantedBy=multi-user.target", "WantedBy=default.target")
        elif owner:
            text = text.replace("[Service]\n", f"[Service]\nUser={owner}\n")
        units.append(Unit(folder / template.name.replace("@", f"@{name}"), f"{_MARK}\n{text}"))
    return units


def _quoted(word: str) -> str:
    """Quote a word for ExecStart.

    >>> _quoted("/srv/my factory"), _quoted("/opt/100%")
    ('"/srv/my factory"', '/opt/100%%')
    """
    escaped = word.replace("%", "%%").replace("$", "$$")
    if re.search(r"[\s\"'\\;]", word):
        return '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return escaped


def write_units(units: list[Unit]) -> None:
    """Write units, all or none; raises RefusedError if this would replace somebody else's file."""
    for unit in units:
        if unit.file.exists() and not unit.file.read_text(errors="replace").startswith(_MARK):
            raise RefusedError(
                f"{unit.file} exists and was not written by rdo",
                hint="move it away so that rdo can write it",
            )
    for unit in units:
        try:
            unit.file.parent.mkdir(parents=True, exist_ok=True)
            write_file(unit.file, unit.text)
        except PermissionError as error:
            raise RefusedError(
                f"cannot write {unit.file}: {error.strerror}",
                hint="run it as root, or pass --user for units of this user",
            ) from error


def find_units(factory: Path) -> list[FoundUnit]:
    """Return the services on this machine that work in the folder of a factory."""
    places = [(SYSTEM, False), (Path("/usr/lib/systemd/system"), False), (user_folder(), True)]
    return [
        FoundUnit(file, words[0], is_of_user, _runs_rounds(words))
        for folder, is_of_user in places
        for file in sorted(folder.glob("rdo-*.service"))
        for words in _commands(file, factory)
    ]


def _runs_rounds(words: list[str]) -> bool:
    """Whether a command runs rounds, on its own or beside a server.

    >>> [_runs_rounds(one.split()) for one in ("rdo trunk run --loop 300", "rdo review run --loop")]
    [True, False]
    """
    return "--with-trunk" in words or ("trunk", "run") in itertools.pairwise(words)


def unit_of_server(units: list[FoundUnit]) -> FoundUnit | None:
    """Return the service that serves the factory, preferably an enabled one."""
    found = [unit for unit in units if unit.file.name.startswith("rdo-serve")]
    return next(iter(sorted(found, key=lambda unit: not is_enabled(unit))), None)


def _commands(file: Path, factory: Path) -> Iterator[list[str]]:
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    instance = file.stem.partition("@")[2]
    for line in lines:
        if not line.startswith("ExecStart="):
            continue
        command = line.removeprefix("ExecStart=").replace("%i", instance)
        words = shlex.split(command.replace("%%", "%").replace("$$", "$"))
        if str(factory) in words:
            yield words


def is_enabled(unit: FoundUnit) -> bool:
    """Whether systemd starts a service automatically, directly or by its timer."""
    names = (unit.file.name, unit.file.with_suffix(".timer").name)
    return any(list(unit.file.parent.glob(f"*.wants/{name}")) for name in names)
