"""Find out what a Debian package does when it is installed, from its preinst and postinst.

The scripts themselves are never run: they rely on debconf, dpkg's state and running services. The
parts that the files need in order to work become scriptlets of the RPM: system users, and names
that several packages can provide (Debian's alternatives, such as /usr/sbin/iptables).
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_USER = re.compile(r"[a-z_][a-z0-9_-]*")
_LINK = re.compile(r"--(?:install|slave) (/\S+) \S+ /\S+")
_ASSIGNMENT = re.compile(r"""^(\w+)=(["']?)([\w./+-]+)\2$""", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_COMMANDS = ("update-alternatives", "libgvc6-config-update")
"""Programs that are run as the postinst runs them; without them, registered files are not found."""
_PATH = re.compile(r"(?:/[\w.+@-]+)+")
_SYSUSER = re.compile(
    r"^u\s+(?P<name>[a-z_][a-z0-9_-]*)\s+\S+(?:\s+(?:\"[^\"\n]*\"|-)\s+(?P<home>\S+))?",
    re.MULTILINE,
)
_OWNER = re.compile(r"(?P<user>[a-z_][a-z0-9_-]*)?(?:[:.](?P<group>[a-z_][a-z0-9_-]*))?")
_MODE = re.compile(r"[0-7]{3,4}")


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user that a package creates, with its home."""

    name: str
    home: str = "/"


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What a postinst changes about a path: new owner, group and mode, each empty if unchanged."""

    path: str
    user: str = ""
    group: str = ""
    mode: str = ""
    is_recursive: bool = False

    def concerns(self, path: str) -> bool:
        """Whether it changes this path."""
        return path == self.path or (self.is_recursive and path.startswith(f"{self.path}/"))


def users(control: Path, files: Path) -> Iterator[SystemUser]:
    """Yield the system users that a package creates, by its scripts or by sysusers.d."""
    for words in _commands(control, "preinst", "postinst"):
        if "--system" in words and not {"adduser", "useradd"}.isdisjoint(words):
            for name in filter(_USER.fullmatch, words[-1:]):
                yield SystemUser(name, _home(_option(words, "--home", "--home-dir", "-d")))
    for file in sorted((files / "usr/lib/sysusers.d").glob("*.conf")):
        for match in _SYSUSER.finditer(file.read_text()):
            yield SystemUser(match["name"], _home(match["home"] or ""))


def groups(control: Path) -> Iterator[str]:
    """Yield the system groups that the scripts create, besides those of users."""
    for words in _commands(control, "preinst", "postinst"):
        is_system = not {"--system", "-r"}.isdisjoint(words)
        if is_system and not {"addgroup", "groupadd"}.isdisjoint(words):
            yield from filter(_USER.fullmatch, words[-1:])


def _home(text: str) -> str:
    return text if _PATH.fullmatch(text) else "/"


def _option(words: Sequence[str], *names: str) -> str:
    """Return the value of an option in either form, `--home X` or `--home=X`; empty without it."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else following
    return ""


def access_changes(control: Path) -> Iterator[AccessChange]:
    """Yield the changes of owner, group and mode of paths that the postinst names literally.

    It reads chown, chgrp, chmod, `install -d` and `dpkg-statoverride --add`.
    """
    for words in _commands(control, "postinst"):
        name, plain = words[0], [word for word in words[1:] if not word.startswith("-")]
        is_recursive = not {"-R", "--recursive"}.isdisjoint(words)
        match name:
            case "chown" | "chgrp" if plain:
                owner = plain[0] if name == "chown" else f":{plain[0]}"
                yield from _changes(plain[1:], owner, is_recursive=is_recursive)
            case "chmod" if plain:
                yield from _changes(plain[1:], mode=plain[0], is_recursive=is_recursive)
            case "install" if "-d" in words or "--directory" in words:
                owner = f"{_option(words, '-o', '--owner')}:{_option(words, '-g', '--group')}"
                yield from _changes(plain, owner.rstrip(":"), _option(words, "-m", "--mode"))
            case "dpkg-statoverride" if "--add" in words and len(plain) == 4:
                user, group, mode, path = plain
                yield from _changes([path], f"{user}:{group}", mode)


def _changes(
    paths: Iterable[str], owner: str = "", mode: str = "", *, is_recursive: bool = False
) -> Iterator[AccessChange]:
    """Yield a change for each word that is a plain path, if the owner or mode is literal."""
    match = _OWNER.fullmatch(owner)
    user, group = (match["user"] or "", match["group"] or "") if match else ("", "")
    mode = mode if _MODE.fullmatch(mode) else ""
    if user or group or mode:
        for path in filter(_PATH.fullmatch, (path.rstrip("/") for path in paths)):
            yield AccessChange(path, user, group, mode, is_recursive)


def registrations(control: Path) -> Iterator[str]:
    """Yield the commands that register the unpacked files, in the order of the postinst."""
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
        values = {name: value for name, _, value in _ASSIGNMENT.findall(text)}
        for line in text.replace("\\\n", " ").splitlines():
            if words := [_filled_in(word, values) for word in _words(line)]:
                yield words


def _filled_in(word: str, values: Mapping[str, str]) -> str:
    """Return the word with known variables expanded; others stay as they are."""
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
