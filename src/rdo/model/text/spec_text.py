"""The text of others in a spec, and where a spec unpacks its source.

rpm expands macros everywhere in a spec, in its changelog and comments too, and `%(…)` runs a
program as whoever reads the spec. Everything that we write into a spec and have not made ourselves
(subjects, names, summaries, URLs) passes `in_spec`.
"""

import re
from pathlib import PurePosixPath

_PERCENT = re.compile(r"(?<!\\)(\\*)%")
_LAST = re.compile(r"(?<!\\)(\\*)$")


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

    >>> top_folder("cd '/builddir/BUILD'\\nrm -rf 'a-1'\\ntar -xof -\\ncd 'a-1'\\n")
    'a-1'
    """
    for match in re.finditer(r"^cd '?([^'\n]+?)'?$", expanded_spec, re.MULTILINE):
        path = PurePosixPath(match[1])
        if not path.is_absolute() and ".." not in path.parts:
            return path.parts[0]
    return None


def _is_plain(character: str) -> bool:
    """Whether a character can stand in a line; a lone surrogate is a byte of another encoding."""
    return character.isprintable() or "\udc80" <= character <= "\udcff"


def _even(backslashes: str) -> str:
    return backslashes + "\\" * (len(backslashes) % 2)
