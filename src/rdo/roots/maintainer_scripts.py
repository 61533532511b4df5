"""What a Debian package does when it is installed, read from its preinst and postinst.

The scripts themselves are never run: they count on debconf, dpkg's state and running services.
What matters of them for the files to work becomes scriptlets of the RPM: system users, and names
that several packages may give (Debian's alternatives, /usr/sbin/iptables among them).
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_USER = re.compile(r"[a-z_][a-z0-9_-]*")
_LINK = re.compile(r"--(?:install|slave) (/\S+) \S+ /\S+")
_ASSIGNMENT = re.compile(r"^(\w+)=([\w./+-]+)$", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_COMMANDS = ("update-alternatives", "libgvc6-config-update")
"""Programs that are run as the postinst says: what they register is not found otherwise."""


def users(control: Path, files: Path) -> Iterator[str]:
    """The system users that a package makes: by its scripts, or by sysusers.d."""
    for words in _commands(control, "preinst", "postinst"):
        if "--system" in words and not {"adduser", "useradd"}.isdisjoint(words):
            yield from filter(_USER.fullmatch, words[-1:])
    for file in sorted((files / "usr/lib/sysusers.d").glob("*.conf")):
        yield from re.findall(r"^u\s+([a-z_][a-z0-9_-]*)\s", file.read_text(), re.MULTILINE)


def registrations(control: Path) -> Iterator[str]:
    """The commands that make known what was unpacked, in the order of the postinst."""
    for words in _commands(control, "postinst"):
        is_removal = words[0] == "update-alternatives" and "--install" not in words
        if words[0] in _COMMANDS and not is_removal and not any("$" in word for word in words):
            yield shlex.join(words)


def links(commands: Iterable[str]) -> list[str]:
    """The files that `update-alternatives` makes, manual pages left out.

    >>> links(["update-alternatives --install /bin/nc nc /bin/ncat 40 --slave /bin/c c /bin/d"])
    ['/bin/nc', '/bin/c']
    """
    made = (link for command in commands for link in _LINK.findall(command))
    return [link for link in dict.fromkeys(made) if not link.startswith("/usr/share/man/")]


def _commands(control: Path, *scripts: str) -> Iterator[list[str]]:
    """Simple commands that stand on lines of their own, as words with their variables filled in."""
    for script in (control / name for name in scripts):
        text = script.read_text(errors="replace") if script.exists() else ""
        values = dict(_ASSIGNMENT.findall(text))
        for line in text.replace("\\\n", " ").splitlines():
            if words := [_filled_in(word, values) for word in _words(line)]:
                yield words


def _filled_in(word: str, values: Mapping[str, str]) -> str:
    """The word with the variables whose value is known; others stay as they are."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), word)


def _words(line: str) -> Iterator[str]:
    """The words of a line up to the first operator of the shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "$:+@%{}!,\\"
    try:
        for word in lexer:
            if word[:1] in {*"();<>|&"}:
                return
            yield word
    except ValueError:  # a string that goes on in the next line
        return
