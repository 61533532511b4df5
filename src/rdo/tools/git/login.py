"""The user and password of a git URL, handed to git without its command line.

git writes the URL it is given into a new repository's configuration, and every process on the
machine can read its command line. So git gets the URL without a secret, and a setting that
includes a file which exists only in our memory: it holds the user, and for one server alone a
credential helper that reads the password from a second such file.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from rdo.model.text.url import without_secret


@dataclass(frozen=True, slots=True)
class GitAddress:
    """A remote for one run of git: the options to put before git's command, and the URL to name."""

    options: tuple[str, ...]
    url: str


@contextlib.contextmanager
def git_address(url: str) -> Iterator[GitAddress]:
    """Yield how to name the remote at `url` to git; valid within the block.

    A URL of another protocol than http and https loses its password, with which git and ssh can do
    nothing.
    """
    bare = without_secret(url)
    if bare == url or not url.startswith(("http://", "https://")):
        yield GitAddress((), bare)
        return
    user, has_password, password = _login(url)
    scheme, place = urlsplit(bare)[:2]
    with contextlib.ExitStack() as files:
        lines = [f"[credential {_quoted(f'{scheme}://{place}')}]", f"username = {_quoted(user)}"]
        if has_password:
            answer = files.enter_context(_in_memory(f"username={user}\npassword={password}\n"))
            # The empty helper leaves out the user's own, which might keep the password.
            helper = f'!f() {{ test "$1" = get && cat {answer}; }}; f'
            lines += ['helper = ""', f"helper = {_quoted(helper)}"]
        settings = files.enter_context(_in_memory("\n".join([*lines, ""])))
        yield GitAddress(("-c", f"include.path={settings}"), bare)


def _login(url: str) -> tuple[str, bool, str]:
    """Return the user, whether there is a password, and the password."""
    user, colon, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    return _one_line(unquote(user)), bool(colon), _one_line(unquote(password))


def _one_line(text: str) -> str:
    """Return a text without the characters that would end a line of git's protocol."""
    return text.translate(dict.fromkeys(map(ord, "\r\n\0")))


def _quoted(value: str) -> str:
    """Quote a value for git's configuration."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@contextlib.contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """Yield the path of a file that only this user's processes can read; it is never kept."""
    number = os.memfd_create("rdo", os.MFD_CLOEXEC)
    try:
        os.write(number, text.encode())
        yield f"/proc/{os.getpid()}/fd/{number}"
    finally:
        os.close(number)
