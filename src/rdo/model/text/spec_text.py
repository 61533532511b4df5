"""Make untrusted text safe in a spec, and find the folder into which a spec unpacks its source.

rpm expands macros everywhere in a spec, even in its changelog and comments, and `%(…)` runs a
program as the user who reads the spec. All text from outside that we write into a spec (subjects,
names, summaries, URLs) must pass through `in_spec`.
"""

import re
import textwrap
from pathlib import PurePosixPath

_ESCAPING = re.compile(r"(?<!\\)((?:\\\\)*\\)(?=%|$)")
_NOTHING = "%{nil}"
_ENTERED = re.compile(r"^cd '?([^'\n]+?)'?$", re.MULTILINE)
_SETUP = re.compile(r"^%setup\b(.*)$", re.MULTILINE)
_SETUP_NAME = re.compile(r"(?<!\S)-n\s*(\S+)")


def in_spec(text: str) -> str:
    r"""Return a text as one line that rpm shows unchanged and never expands.

    Line breaks and other control characters become blanks. While rpm searches for the end of a
    macro, it takes a backslash before a `%`, or at the end of a line, for an escape. A macro
    without content follows it there; otherwise one `\%(` would swallow the rest of the spec.

    >>> in_spec("Use %(id)\n%files, 100%% of it")
    'Use %%(id) %%files, 100%%%% of it'
    """
    line = "".join(one if _is_plain(one) else " " for one in text)
    return _ESCAPING.sub(lambda found: f"{found[1]}{_NOTHING}", line.replace("%", "%%"))


def in_description(text: str) -> list[str]:
    r"""Return a text as the lines of a `%description`, of which rpm obeys none.

    At the beginning of a line rpm reads `%include FILE` or `%if` even if it is escaped.

    >>> in_description("%if it is\n100% of it")
    ['if it is 100%% of it']
    """
    found: list[str] = []
    for line in textwrap.wrap(in_spec(text).lstrip("% "), 79):
        if found and line.startswith("%"):
            found[-1] += f" {line}"
        else:
            found.append(line)
    return found


def top_folder(expanded_spec: str) -> str | None:
    """Return the folder that %setup enters after unpacking the first source.

    rpm 4.16 leaves `%setup` unexpanded; newer versions show the commands.

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
    """Whether a line may contain a character; a lone surrogate is a byte of another encoding."""
    return character.isprintable() or "\udc80" <= character <= "\udcff"
