"""Add, change and remove users and their tokens; every change is recorded in the audit log."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rdo.access import passwords, tokens
from rdo.access.roles import ALL_TARGETS, Role
from rdo.errors import ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.store import Store, Transaction
from rdo.store.people.users import AuditEntry, StoredToken, StoredUser

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Account:
    """A user as shown in lists; `has_password` means that basic auth is possible."""

    name: str
    has_password: bool
    created: datetime
    roles: Mapping[str, str]
    tokens: int


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; its text is shown once and never stored."""

    id: int
    user: str
    token: str
    target: str
    role: str
    expires: datetime | None


@dataclass(frozen=True, slots=True)
class Accounts:
    """The users of a factory, with the acts that change them; `actor` is recorded as who did it."""

    store: Store
    targets: Collection[str]
    actor: str
    now: datetime

    def add(self, name: str, roles: Mapping[str, Role], password: str = "") -> None:
        """Add a user, or change the roles of an existing one.

        Without a password the user can use tokens only. Raises ConfigError for a bad name, role or
        password, and RefusedError if a password is given for a user who already has one.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} cannot be the name of a user",
                hint="use letters, digits and . _ @ + -, at most 100",
            )
        for target in roles:
            self._check_target(target)
        hashed = self._hash(password) if password else ""
        with self.store.write() as at:
            user = at.users.get(name)
            if user is None:
                at.users.add(name, hashed, now=self.now)
            elif hashed:
                raise RefusedError(f"user {name} exists already", hint=f"rdo user passwd {name}")
            for target, role in roles.items():
                at.users.grant(name, target, role)
            given = ", ".join(f"{role} on {target}" for target, role in roles.items())
            self._record(at, "user add" if user is None else "user change", f"{name}: {given}")

    def take_over(self, name: str, hashed: str, target: str, role: Role) -> bool:
        """Add a user of another program with the password's hash; return False if nothing changed.

        A user who exists already keeps their password, and keeps a role on the target that includes
        this one. Raises ConfigError for a name or a hash that cannot be stored.
        """
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{name!r} cannot be the name of a user")
        if hashed and not passwords.is_hash(hashed):
            raise ConfigError(f"the password of {name} is hashed in an unknown way")
        with self.store.write() as at:
            user = at.users.get(name)
            own = user.roles.get(target) if user else None
            if own and Role(own).includes(role):
                return False
            if user is None:
                at.users.add(name, hashed, now=self.now)
            at.users.grant(name, target, role)
            self._record(at, "user add" if user is None else "user change", f"{name}: {role}")
        return True

    def set_password(self, name: str, password: str) -> None:
        """Set the password of a user; an empty one disables basic auth for the user."""
        hashed = self._hash(password) if password else ""
        with self.store.write() as at:
            self._user(at, name)
            at.users.set_password(name, hashed)
            self._record(at, "user passwd", name)

    def remove(self, name: str) -> None:
        """Remove a user with all their tokens; the audit log keeps what they did."""
        with self.store.write() as at:
            self._user(at, name)
            at.users.remove(name)
            self._record(at, "user remove", name)

    def users(self) -> tuple[Account, ...]:
        """Return all users by name."""
        with self.store.read() as at:
            valid = [one.user for one in at.users.tokens() if one.is_valid(self.now)]
            return tuple(
                Account(
                    one.name,
                    bool(one.password),
                    one.created,
                    one.roles,
                    valid.count(one.name),
                )
                for one in at.users.all()
            )

    def tokens(self, user: str = "") -> tuple[StoredToken, ...]:
        """Return the tokens of a user, or of all users."""
        with self.store.read() as at:
            if user:
                self._user(at, user)
            return at.users.tokens(user)

    def new_token(
        self,
        user: str,
        *,
        purpose: str = "",
        target: str = "",
        role: Role | None = None,
        days: int | None = 365,
    ) -> NewToken:
        """Make a token for a user, limited to `target` and `role` if given.

        Without `days` it never expires.
        """
        if target:
            self._check_target(target)
        text = tokens.new_token()
        expires = self.now + timedelta(days=days) if days else None
        with self.store.write() as at:
            self._user(at, user)
            stored = at.users.add_token(
                user,
                tokens.digest_of(text),
                purpose=purpose,
                target=target,
                role=role or "",
                now=self.now,
                expires=expires,
            )
            self._record(at, "token add", f"{stored.id} of {user}")
        return NewToken(stored.id, user, text, target, role or "", stored.expires)

    def revoke(self, token_id: int) -> StoredToken:
        """Revoke a token: requests that use it are refused from now on.

        Raises NotFoundError if there is none.
        """
        with self.store.write() as at:
            revoked = at.users.revoke(token_id, now=self.now)
            if revoked is None:
                raise NotFoundError(f"there is no token {token_id}", hint="rdo user token --list")
            self._record(at, "token revoke", f"{token_id} of {revoked.user}")
        return revoked

    def audit(self, limit: int) -> tuple[AuditEntry, ...]:
        """Return the newest entries of the audit log."""
        with self.store.read() as at:
            return at.users.audit(limit=limit)

    def _record(self, at: Transaction, act: str, detail: str) -> None:
        at.users.record(AuditEntry(self.now, self.actor, act, "", detail))

    def _user(self, at: Transaction, name: str) -> StoredUser:
        if found := at.users.get(name):
            return found
        near = did_you_mean(name, [one.name for one in at.users.all()])
        raise NotFoundError(f"there is no user {name}{near}")

    def _check_target(self, target: str) -> None:
        if target != ALL_TARGETS and target not in self.targets:
            near = did_you_mean(target, self.targets)
            raise NotFoundError(f"there is no target {target}{near}")

    @staticmethod
    def _hash(password: str) -> str:
        if not _SHORTEST <= len(password) <= passwords.LONGEST:
            raise ConfigError(
                f"a password has at least {_SHORTEST} and at most {passwords.LONGEST} characters"
            )
        return passwords.hash_of(password)
