"""The text of others in a spec, and where a spec unpacks its source.

rpm expands macros everywhere in a spec, in its changelog and comments too, and `%(…)` runs a
program as whoever reads the spec. Everything that we write into a spec and have not made ourselves
(subjects, names, summaries, URLs) passes `in_spec`.
"""

import re
from pathlib import PurePosixPath

_PERCENT = re.compile(r"(?<!\\)(\\*)%")
_LAST = re.compile(r"(?<!\\)(\\*)$")
_ENTERED = re.compile(r"^cd '?([^'\n]+?)'?$", re.MULTILINE)
_SETUP = re.compile(r"^%setup\b(.*)$", re.MULTILINE)
_SETUP_NAME = re.compile(r"(?<!\S)-n\s*(\S+)")


def in_spec(text: str) -> str:
    r"""Return a text as one line that rpm shows as it is and never expands.

    A line break or another control character becomes a blank. While rpm looks for the end of a
    macro it takes a backslash before a `%`, or at the end of a line, for an escape; it is doubled
    there, or one `\%(` would swallow the rest of the spec.

    >>> in_spec("Use %(id)\n%files, 100%% of it")
    'Use %%(id) %%files, 100%%%% of it'
    """
    line = "".join(one if _is_plain(one) else " " for one in text)
    line = _PERCENT.sub(lambda found: f"{_even(found[1])}%%", line)
    return _LAST.sub(lambda found: _even(found[1]), line, count=1)


def from_spec(line: str) -> str:
    """Return a line of a changelog as rpm shows it; macros that are not escaped stay as written.

    >>> from_spec("- Use %%(id) in %{name}")
    '- Use %(id) in %{name}'
    """
    return line.replace("%%", "%")


def top_folder(expanded_spec: str) -> str | None:
    """Return the folder that %setup enters after it has unpacked the first source.

    rpm 4.16 leaves `%setup` as it is, newer ones show the commands.

    >>> top_folder("cd '/builddir/BUILD'\\nrm -rf 'a-1'\\ntar -xof -\\ncd 'a-1'\\n")
    'a-1'
    >>> top_folder("Name: a\\nVersion: 1\\n%prep\\n%setup -q\\n")
    'a-1'
    >>> top_folder("Name: a\\nVersion: 1\\n%prep\\n%setup     -n a.b-1  -q\\n")
    'a.b-1'
    """
    entered = [match[1] for match in _ENTERED.finditer(expanded_spec)]
    if setup := _SETUP.search(expanded_spec):
        named = _SETUP_NAME.search(setup[1])
        entered.append(named[1] if named else _name_and_version(expanded_spec))
    for folder in entered:
        path = PurePosixPath(folder)
        if path.parts and not path.is_absolute() and ".." not in path.parts:
            return path.parts[0]
    return None


def _name_and_version(expanded_spec: str) -> str:
    return "-".join(
        match[1]
        for tag in ("Name", "Version")
        if (match := re.search(rf"^{tag}\s*:\s*(\S+)", expanded_spec, re.MULTILINE | re.IGNORECASE))
    )


def _is_plain(character: str) -> bool:
    """Whether a character can stand in a line; a lone surrogate is a byte of another encoding."""
    return character.isprintable() or "\udc80" <= character <= "\udcff"


def _even(backslashes: str) -> str:
    return backslashes + "\\" * (len(backslashes) % 2)
