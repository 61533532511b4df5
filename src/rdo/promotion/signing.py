"""Manage the keys of a target, and sign what it published before it had one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from rdo.app import App
from rdo.app.targets import own_signer, signer
from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.lock import hold
from rdo.promotion.compositions import find
from rdo.publish.upkeep.signing_again import SignedAgain, not_signed, sign_again
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.tools.signing.public_key import PublicKey


@dataclass(frozen=True, slots=True)
class TargetKey:
    """One key of a target; `state` is current, earlier, or why it can no longer sign.

    `rpms` is how many of the published RPMs it has signed, `url` where clients get it.
    """

    fingerprint: str
    user_id: str
    state: str
    created: datetime
    expires: datetime | None
    rpms: int
    url: str


def create_key(app: App, target: str, *, user_id: str = "", expires: str = "2y") -> TargetKey:
    """Make the first key of a target.

    Raises RefusedError if it has one already, or if rdo.toml names another one.
    """
    signs, way = own_signer(app.settings, target, app.now)
    _check_is_own(app, target)
    with hold(app.settings.target_folder(target) / "signing.lock", purpose="rdo repo sign-key"):
        if way.has_key():
            raise RefusedError(
                f"{target} has the key {way.fingerprint}",
                hint=f"rdo repo sign-key rotate --target {target} makes another one",
            )
        return _make(app, signs, way, user_id=user_id, expires=expires)


def rotate_key(app: App, target: str, *, user_id: str = "", expires: str = "2y") -> TargetKey:
    """Make a new key that signs from now on; signatures by earlier keys stay valid.

    Raises NotFoundError if the target has no key yet, RefusedError if rdo.toml names another one.
    """
    signs, way = own_signer(app.settings, target, app.now)
    _check_is_own(app, target)
    with hold(app.settings.target_folder(target) / "signing.lock", purpose="rdo repo sign-key"):
        way.fingerprint  # noqa: B018 - raises if there is none
        return _make(app, signs, way, user_id=user_id, expires=expires)


def _check_is_own(app: App, target: str) -> None:
    section = app.settings.signing_of(target)
    if section and section.key:
        raise RefusedError(
            f"rdo.toml names the key {section.key} for {target}",
            hint="make or renew that one where it is, or remove key from the section",
        )


def _make(app: App, signs: Signer, way: ByOwnKey, *, user_id: str, expires: str) -> TargetKey:
    name = user_id or f"{app.settings.target(signs.target).project_name} {signs.target}"
    if not name.isprintable() or len(name) > 200:
        raise ConfigError(f"{name!r} cannot be the name of a key")
    made = way.make_key(name, expires=expires, before_use=signs.publish_new_key)
    return next(one for one in target_keys(app, signs.target) if one.fingerprint == made)


def target_keys(app: App, target: str) -> tuple[TargetKey, ...]:
    """Return the keys that have signed for a target, the current one first.

    Raises NotFoundError if there is none.
    """
    signs = _signer(app, target)
    now = signs.way.fingerprint
    with app.store.read() as at:
        counts = at.artifacts.signed_by(target)
    found = signs.known_keys()
    rows = [
        TargetKey(
            one.fingerprint,
            one.user_id,
            _state(one, now, app.now()),
            one.created,
            one.expires,
            counts.get(one.fingerprint, 0),
            f"{signs.url}/{signs.key_name(one.fingerprint)}",
        )
        for one in found
    ]
    if not rows:
        raise NotFoundError(f"{target} has no key yet", hint="rdo repo sign-key create")
    return tuple(rows)


def _state(key: PublicKey, current: str, now: datetime) -> str:
    return key.fault(now) or ("current" if key.fingerprint == current else "earlier")


def exported_keys(app: App, target: str) -> bytes:
    """Return the public keys of a target as one text; NotFoundError if there is none."""
    signs = _signer(app, target)
    signs.way.fingerprint  # noqa: B018 - raises if there is none
    return b"".join(dict.fromkeys(signs.public_keys().values()))


def _signer(app: App, target: str) -> Signer:
    return signer(app.settings, target, app.now) or own_signer(app.settings, target, app.now)[0]


def sign_published(
    app: App, target: str, instead_of: Collection[str] = (), repositories: Collection[str] = ()
) -> SignedAgain:
    """Sign what a target published without a key, or with keys that are no longer trusted.

    Its dependency repository gets a signed snapshot; `repositories` are written again besides those
    that names lead to. Raises ConfigError if the target is configured without signatures,
    RefusedError if a round is running.
    """
    opened = app.target(target)
    if opened.tree.signer is None:
        raise ConfigError(
            f"{target} is not signed", hint=f"add [targets.{target}.signing] to rdo.toml"
        )
    purpose = f"rdo repo sign --target {target}"
    with hold(opened.folder / "round.lock", purpose=purpose):
        opened.tree.journal.recover()
        opened.tree.signer.check()
        if app.bridges.locked(target):
            app.bridges.of_target(target).prepare()
        more = [one for text in repositories for one in find(opened, text).repositories]
        return sign_again(opened.tree, opened.store, instead_of, more)


def count_not_signed(app: App, target: str, instead_of: Collection[str] = ()) -> int:
    """Return how many published RPMs `sign_published` would sign."""
    return not_signed(app.store, target, instead_of)
