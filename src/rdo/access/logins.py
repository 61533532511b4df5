"""Find out who sent a request: basic auth with a password or a token, or a bearer token."""

import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Never

from rdo.access import passwords, tokens
from rdo.access.limits import LoginLimit
from rdo.access.roles import Login, Role
from rdo.store import Store, Transaction
from rdo.store.people.users import StoredUser

log = logging.getLogger(__name__)

REMEMBERED_SECONDS = 60.0
_MOST_REMEMBERED = 1_000


class BadLoginError(Exception):
    """Wrong credentials in a request; `wait_seconds` is set if there were too many of them."""

    def __init__(self, wait_seconds: int = 0) -> None:
        super().__init__("the credentials are wrong")
        self.wait_seconds = wait_seconds


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials in a header; the user is empty for a bearer token.

    `repr` does not show them.
    """

    user: str
    secret: str = field(repr=False)

    @classmethod
    def parse(cls, header: str) -> "Credentials":
        """Read an Authorization header. Raises BadLoginError for any other form."""
        scheme, _, value = header.strip().partition(" ")
        value = value.strip()
        if scheme.lower() == "bearer":
            return cls("", value)
        if scheme.lower() != "basic":
            raise BadLoginError
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            raise BadLoginError from error
        user, colon, secret = text.partition(":")
        if not colon or not user:
            raise BadLoginError
        return cls(user, secret)


class Remembered:
    """Credentials that were verified recently, so that not every request needs a slow hash.

    Only an HMAC of them is kept, made with a key of this process. It covers the stored hash, so a
    changed password or a removed user takes effect at once.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def has(self, credentials: Credentials, stored: str) -> bool:
        """Whether these credentials were verified against this stored hash."""
        with self._lock:
            return self._until.get(self._mac(credentials, stored), 0.0) > self._clock()

    def add(self, credentials: Credentials, stored: str) -> None:
        """Remember verified credentials."""
        with self._lock:
            self._until[self._mac(credentials, stored)] = self._clock() + REMEMBERED_SECONDS
            while len(self._until) > _MOST_REMEMBERED:
                self._until.popitem(last=False)

    def _mac(self, credentials: Credentials, stored: str) -> bytes:
        text = "\0".join((credentials.user, stored, credentials.secret))
        return hmac.digest(self._key, text.encode(errors="surrogatepass"), hashlib.sha256)


class Logins:
    """Verifies credentials against the store at each request."""

    def __init__(
        self,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._remembered = Remembered(clock)
        self._limit = LoginLimit(clock)

    def identity(self, store: Store, header: str, address: str) -> Login:
        """Return the user who sent a request with this Authorization header.

        Raises BadLoginError if the credentials are wrong, or if this address has to wait.
        """
        credentials = Credentials.parse(header)
        if not credentials.user or tokens.is_token(credentials.secret):
            return self._by_token(store, credentials, address)
        return self._by_password(store, credentials, address)

    def known(self, store: Store, name: str) -> Login | None:
        """Return the user with the name that a proxy has verified; None if there is none."""
        with store.read() as at:
            user = at.users.get(name)
        return Login(user.name, _roles(user)) if user else None

    def _by_token(self, store: Store, credentials: Credentials, address: str) -> Login:
        user = None
        with store.read() as at:
            token = at.users.token(tokens.digest_of(credentials.secret))
            if token and token.is_valid(self._now()) and credentials.user in {"", token.user}:
                user = at.users.get(token.user)
        if user is None or token is None:
            self._refuse(credentials, address)
        return Login(
            user.name,
            _roles(user),
            token.id,
            token.target,
            Role(token.role) if token.role else None,
        )

    def _by_password(self, store: Store, credentials: Credentials, address: str) -> Login:
        with store.read() as at:
            user = at.users.get(credentials.user)
        stored = user.password if user else ""
        if user is None or not stored or not self._remembered.has(credentials, stored):
            if wait := self._limit.seconds_to_wait(address, credentials.user):
                raise BadLoginError(wait)
            if not passwords.is_right(credentials.secret, stored) or user is None:
                self._refuse(credentials, address)
            stored = self._renewed(store, user, credentials)
            self._remembered.add(credentials, stored)
            log.info("user %s logged in from %s", user.name, address)
        return Login(user.name, _roles(user))

    def _refuse(self, credentials: Credentials, address: str) -> Never:
        if wait := self._limit.seconds_to_wait(address, credentials.user):
            raise BadLoginError(wait)
        self._limit.failed(address, credentials.user)
        # somebody may have put a token where the name belongs; it must not reach the log
        is_named = credentials.user and tokens.PREFIX not in credentials.user
        who = f"as {credentials.user[:100]!r}" if is_named else "with a token"
        log.warning("failed login %s from %s", who, address)
        raise BadLoginError

    def _renewed(self, store: Store, user: StoredUser, credentials: Credentials) -> str:
        """Replace an outdated hash, now that the password is known; return the hash now stored."""
        if not passwords.is_outdated(user.password):
            return user.password
        fresh = passwords.hash_of(credentials.secret)

        def replace(at: Transaction) -> bool:
            return at.users.set_password(user.name, fresh, instead_of=user.password)

        return fresh if store.change(replace) else user.password


def _roles(user: StoredUser) -> dict[str, Role]:
    return {target: Role(role) for target, role in user.roles.items() if role in set(Role)}
