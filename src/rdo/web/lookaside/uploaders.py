"""The users who may upload to a lookaside server."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request

from rdo.access import passwords
from rdo.access.limits import LoginLimit
from rdo.access.logins import BadLoginError, Credentials
from rdo.errors import ConfigError
from rdo.web.answers import ApiError

_ASK = {"WWW-Authenticate": 'Basic realm="dist-git", charset="UTF-8"'}
_NOT = "Dist-git request is unauthorized."


@dataclass(frozen=True, slots=True)
class Uploaders:
    """The users of a server: those in a file, those that a proxy names, or anybody.

    `user_header` is accepted only from the addresses of `proxies`.
    """

    hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_header: str = ""
    proxies: Collection[str] = ()
    is_anybody: bool = False
    limit: LoginLimit = field(default_factory=LoginLimit)

    def allow(self, request: Request) -> str:
        """Return the user who uploads.

        Raises ApiError: 401 for an unknown user, 403 on a server without uploads, 429 after too
        many failed logins.
        """
        peer = request.client.host if request.client else ""
        name = request.headers.get(self.user_header, "") if self.user_header else ""
        if name and peer in self.proxies:
            return name
        if self.is_anybody:
            return peer
        if not self.hashes:
            raise ApiError(
                401 if self.user_header else 403,
                _NOT if self.user_header else "this cache takes no uploads",
            )
        return self._known(request.headers.get("authorization", ""), peer)

    def _known(self, header: str, peer: str) -> str:
        try:
            sent = Credentials.parse(header)
        except BadLoginError:
            raise ApiError(401, _NOT, _ASK) from None
        name = sent.user
        if not name:  # a token, which this server does not support
            raise ApiError(401, _NOT, _ASK)
        if wait := self.limit.seconds_to_wait(peer, name):
            raise ApiError(
                429, "too many failed logins; try again later", {"Retry-After": str(wait)}
            )
        if not passwords.is_right(sent.secret, self.hashes.get(name, "")):
            self.limit.failed(peer, name)
            raise ApiError(401, _NOT, _ASK)
        return name


def read_users(file: Path) -> Mapping[str, str]:
    """Read a file of lines `NAME:HASH`, with hashes as made by `openssl passwd -6`.

    Raises ConfigError for a malformed line, or a file that cannot be read.
    """
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file of users cannot be read: {error}") from error
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if not plain or plain.startswith("#"):
            continue
        name, separator, stored = plain.partition(":")
        if not separator or not name or not passwords.is_hash(stored):
            raise ConfigError(
                f"{file}, line {number}: not NAME:HASH",
                hint="make the hash with openssl passwd -6",
            )
        found[name] = stored
    return found
