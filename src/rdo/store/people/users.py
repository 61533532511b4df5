"""Users of the API, their rights and tokens, and the audit log of what they did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from rdo.store.moments import maybe_moment, moment, seconds
from rdo.store.schema import AuditRow, RightRow, TokenRow, UserRow


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user as stored: the hash of the password, and the role on each target (`*` for all)."""

    name: str
    password: str
    created: datetime
    roles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as stored; `target` and `role` limit it, unless they are empty."""

    id: int
    user: str
    purpose: str
    target: str
    role: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether the token is accepted at this moment."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log; for HTTP, `address` and `request` say where it came from."""

    at: datetime
    actor: str
    act: str
    target: str
    detail: str
    address: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Users:
    """The tables of users, rights, tokens and the audit log, within one transaction."""

    session: Session

    def get(self, name: str) -> StoredUser | None:
        """Return a user with their roles; None if there is no such user."""
        row = self.session.get(UserRow, name)
        return self._user(row) if row else None

    def all(self) -> tuple[StoredUser, ...]:
        """Return all users by name."""
        rows = self.session.scalars(select(UserRow).order_by(UserRow.name))
        return tuple(self._user(row) for row in rows)

    def add(self, name: str, password: str, *, now: datetime) -> None:
        """Add a user without any right; `password` is a hash, or empty."""
        self.session.add(UserRow(name=name, password=password, created=seconds(now)))
        self.session.flush()

    def set_password(self, name: str, password: str, *, instead_of: str | None = None) -> bool:
        """Store the hash of a password; return False if `instead_of` is not the stored one now."""
        query = update(UserRow).where(UserRow.name == name)
        if instead_of is not None:
            query = query.where(UserRow.password == instead_of)
        changed = self.session.execute(
            query.values(password=password).returning(UserRow.name)
        ).first()
        self.session.expire_all()
        return changed is not None

    def grant(self, name: str, target: str, role: str) -> None:
        """Replace a user's role on a target; an empty role removes it."""
        condition = (RightRow.user == name) & (RightRow.target == target)
        self.session.execute(delete(RightRow).where(condition))
        if role:
            self.session.add(RightRow(user=name, target=target, role=role))
        self.session.flush()

    def remove(self, name: str) -> None:
        """Remove a user with all rights and tokens."""
        for table in (RightRow, TokenRow):
            self.session.execute(delete(table).where(table.user == name))
        self.session.execute(delete(UserRow).where(UserRow.name == name))
        self.session.expire_all()

    def add_token(
        self,
        user: str,
        digest: str,
        *,
        purpose: str,
        target: str,
        role: str,
        now: datetime,
        expires: datetime | None,
    ) -> StoredToken:
        """Record a token by the SHA-256 of its text."""
        row = TokenRow(user=user, digest=digest, purpose=purpose, target=target, role=role)
        row.created, row.expires = seconds(now), seconds(expires) if expires else None
        self.session.add(row)
        self.session.flush()
        return _token(row)

    def token(self, digest: str) -> StoredToken | None:
        """Return the token with this digest, valid or not."""
        row = self.session.scalar(select(TokenRow).where(TokenRow.digest == digest))
        return _token(row) if row else None

    def tokens(self, user: str = "") -> tuple[StoredToken, ...]:
        """Return the tokens of a user, or of all users, oldest first."""
        query = select(TokenRow).order_by(TokenRow.id)
        rows = self.session.scalars(query.where(TokenRow.user == user) if user else query)
        return tuple(map(_token, rows))

    def revoke(self, token_id: int, *, now: datetime) -> StoredToken | None:
        """Revoke a token and return it; None if there is no such token."""
        row = self.session.get(TokenRow, token_id)
        if row is None:
            return None
        row.revoked = row.revoked or seconds(now)
        self.session.flush()
        return _token(row)

    def record(self, entry: AuditEntry) -> None:
        """Add an entry to the audit log."""
        row = AuditRow(actor=entry.actor, act=entry.act, target=entry.target, detail=entry.detail)
        row.at, row.address, row.request = seconds(entry.at), entry.address, entry.request
        self.session.add(row)
        self.session.flush()

    def audit(self, *, limit: int = 50) -> tuple[AuditEntry, ...]:
        """Return the audit log, newest first."""
        rows = self.session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit))
        return tuple(
            AuditEntry(
                moment(row.at),
                row.actor,
                row.act,
                row.target,
                row.detail,
                row.address,
                row.request,
            )
            for row in rows
        )

    def _user(self, row: UserRow) -> StoredUser:
        rights = self.session.scalars(select(RightRow).where(RightRow.user == row.name))
        roles = {right.target: right.role for right in rights}
        return StoredUser(row.name, row.password, moment(row.created), dict(sorted(roles.items())))


def _token(row: TokenRow) -> StoredToken:
    return StoredToken(
        id=row.id,
        user=row.user,
        purpose=row.purpose,
        target=row.target,
        role=row.role,
        created=moment(row.created),
        expires=maybe_moment(row.expires),
        revoked=maybe_moment(row.revoked),
    )
