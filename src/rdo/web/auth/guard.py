"""The user behind a request, and the role that it needs."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rdo.access.logins import BadLoginError
from rdo.access.roles import Login, Role
from rdo.store.people.users import AuditEntry
from rdo.web.answers import ApiError
from rdo.web.service import WebServer

_ASK = {"WWW-Authenticate": 'Basic realm="rdo", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class Caller:
    """The origin of a request: its headers, the address of its peer, and its id."""

    headers: Mapping[str, str] = field(repr=False)
    peer: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides for each request whether its user may do it."""

    service: WebServer

    def allow(self, caller: Caller, role: Role, target: str) -> Login:
        """Return the user if they may do on the target what the role may.

        Raises ApiError: 401 without valid credentials, 403 without the role, 429 after too many
        failed logins.
        """
        identity = self.identity(caller)
        if identity is None:
            raise ApiError(401, "Unauthorized Access", _ASK)
        if not identity.may(role, target):
            raise ApiError(403, f"user {identity.user} is not {role} on {target}")
        return identity

    def allow_reading(self, caller: Caller, target: str) -> None:
        """Raise an ApiError if reading is protected and the user may not read the target."""
        if self.service.settings.serve.protect_read:
            self.allow(caller, Role.READER, target)

    def readable(self, caller: Caller) -> list[str]:
        """Return the targets that the user may read.

        Raises ApiError 401 if reading is protected and the request has no credentials.
        """
        targets = list(self.service.targets)
        if not self.service.settings.serve.protect_read:
            return targets
        login = self.identity(caller)
        if login is None:
            raise ApiError(401, "Unauthorized Access", _ASK)
        return [name for name in targets if login.may(Role.READER, name)]

    def identity(self, caller: Caller) -> Login | None:
        """Return the user who sent the request; None if it has no credentials.

        Raises ApiError for wrong credentials.
        """
        header = caller.headers.get("authorization")
        if header is None:
            return self._of_proxy(caller)
        try:
            return self.service.logins.identity(self.service.store, header, self.address(caller))
        except BadLoginError as error:
            if error.wait_seconds:
                wait = {"Retry-After": str(error.wait_seconds)}
                raise ApiError(429, "too many failed logins; try again later", wait) from None
            raise ApiError(401, "Unauthorized Access", _ASK) from None

    def address(self, caller: Caller) -> str:
        """Return the address of the client: the one given by a trusted proxy, else the peer's."""
        forwarded = caller.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        if not forwarded or not self._is_trusted(caller):
            return caller.peer
        try:
            return str(ipaddress.ip_address(forwarded))
        except ValueError:
            return caller.peer

    def record(self, caller: Caller, identity: Login, act: str, target: str, detail: str) -> None:
        """Add what a user did to the audit log."""
        now: datetime = self.service.app.now()
        by = f"{identity.user} (token {identity.token})" if identity.token else identity.user
        entry = AuditEntry(now, by, act, target, detail, self.address(caller), caller.request)
        with self.service.store.write() as at:
            at.users.record(entry)

    def _of_proxy(self, caller: Caller) -> Login | None:
        """Return the user identified by a trusted proxy, if it is one of ours."""
        header = self.service.settings.serve.user_header
        name = caller.headers.get(header.lower(), "") if header else ""
        if not name or not self._is_trusted(caller):
            return None
        identity = self.service.logins.known(self.service.store, name)
        if identity is None:
            raise ApiError(403, "the proxy names a user that rdo does not know")
        return identity

    def _is_trusted(self, caller: Caller) -> bool:
        try:
            peer = ipaddress.ip_address(caller.peer)
        except ValueError:  # a socket that has no address
            return False
        mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
        proxies = self.service.settings.serve.trusted_proxies
        return any((mapped or peer) in network for network in proxies)
