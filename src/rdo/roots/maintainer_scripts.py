"""What a Debian package does when it is installed, read from its preinst and postinst.

The scripts themselves are never run: they rely on debconf, dpkg's state and running services.
The parts that the files need in order to work become scriptlets of the RPM: system users, and
names that several packages can provide (Debian's alternatives, such as /usr/sbin/iptables).
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
"""Programs that are run as the postinst runs them; files they register are not found otherwise."""


def users(control: Path, files: Path) -> Iterator[str]:
    """Yield the system users that a package creates, by its scripts or by sysusers.d."""
    for words in _commands(control, "preinst", "postinst"):
        if "--system" in words and not {"adduser", "useradd"}.isdisjoint(words):
            yield from filter(_USER.fullmatch, words[-1:])
    for file in sorted((files / "usr/lib/sysusers.d").glob("*.conf")):
        yield from re.findall(r"^u\s+([a-z_][a-z0-9_-]*)\s", file.read_text(), re.MULTILINE)


def registrations(control: Path) -> Iterator[str]:
    """Yield the commands that register what was unpacked, in the order of the postinst."""
    for words in _commands(control, "postinst"):
        is_removal = words[0] == "update-alternatives" and "--install" not in words
        if words[0] in _COMMANDS and not is_removal and not any("$" in word for word in words):
            yield shlex.join(words)


def links(commands: Iterable[str]) -> list[str]:
    """Return the links that `update-alternatives` makes, without those of manual pages.

    >>> links(["update-alternatives --install /bin/nc nc /bin/ncat 40 --slave /bin/c c /bin/d"])
    ['/bin/nc', '/bin/c']
    """
    made = (link for command in commands for link in _LINK.findall(command))
    return [link for link in dict.fromkeys(made) if not link.startswith("/usr/share/man/")]


def _commands(control: Path, *scripts: str) -> Iterator[list[str]]:
    """Yield the simple commands on lines of their own, as words with variables expanded."""
    for script in (control / name for name in scripts):
        text = script.read_text(errors="replace") if script.exists() else ""
        values = dict(_ASSIGNMENT.findall(text))
        for line in text.replace("\\\n", " ").splitlines():
            if words := [_filled_in(word, values) for word in _words(line)]:
                yield words


def _filled_in(word: str, values: Mapping[str, str]) -> str:
    """Return the word with the variables expanded whose value is known; others stay as they are."""
    return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), word)


def _words(line: str) -> Iterator[str]:
    """Yield the words of a line up to the first shell operator."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "$:+@%{}!,\\"
    try:
        for word in lexer:
            if word[:1] in {*"();<>|&"}:
                return
            yield word
    except ValueError:  # a string that continues on the next line
        return
