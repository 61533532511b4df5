"""Pass the user and password of a git URL to git without its command line.

git writes the URL that it is given into a new repository's configuration, and every process on the
machine can read its command line. So git gets the URL without a secret, and a setting that includes
a file which exists only in our memory. That file contains the user and, for this server only, a
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
    """A remote for one run of git: the options before git's command, and the URL."""

    options: tuple[str, ...]
    url: str


@contextlib.contextmanager
def git_address(url: str) -> Iterator[GitAddress]:
    """Yield the options and URL by which git reaches the remote at `url`; valid within the block.

    A URL with another protocol than http and https loses its password, which git and ssh cannot
    use.
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
            # The empty helper excludes the user's own, which might store the password.
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
    """Yield the path of a file that only this user's processes can read; it is never on disk."""
    number = os.memfd_create("rdo", os.MFD_CLOEXEC)
    try:
        os.write(number, text.encode())
        yield f"/proc/{os.getpid()}/fd/{number}"
    finally:
        os.close(number)
