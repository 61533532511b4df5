"""The places outside that a target's repositories are pushed to, as configured in rdo.toml."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rdo.errors import ConfigError, NotFoundError, did_you_mean
from rdo.publish.pushing.folder import OutsideFolder
from rdo.publish.pushing.push import Outside, PushPlace
from rdo.tools.hosts.access import SshAccess
from rdo.tools.hosts.bucket import BucketPlace
from rdo.tools.hosts.rsync import RsyncPlace

if TYPE_CHECKING:
    from rdo.config import Settings
    from rdo.config.pushing import PushSection


def push_places(settings: "Settings", target: str, names: tuple[str, ...]) -> list[PushPlace]:
    """Return the places with these names, or all that a target pushes to.

    Raises ConfigError if there is none, NotFoundError for an unknown name.
    """
    sections = settings.target(target).push
    if not sections:
        raise ConfigError(
            f"{target} has no place to push to",
            hint=f"add [targets.{target}.push.NAME] with `to` and `url` to rdo.toml",
        )
    for name in names:
        if name not in sections:
            near = did_you_mean(name, sections)
            raise NotFoundError(f"{target} has no place {name}{near}")
    return [_place(name, sections[name].of(target)) for name in names or sections]


def _place(name: str, section: "PushSection") -> PushPlace:
    return PushPlace(
        name,
        section.to,
        section.url,
        _outside(section),
        tuple(section.names),
        timedelta(days=section.keep_days),
        section.listed,
    )


def _outside(section: "PushSection") -> Outside:
    kind, _, rest = section.to.partition("://")
    if kind == "s3":
        bucket, _, prefix = rest.partition("/")
        return BucketPlace(bucket, prefix.strip("/"), section.endpoint or "")
    if kind == "rsync":
        return RsyncPlace(section.to, password_file=section.password_file)
    if kind == "ssh":
        user = urlsplit(section.to).username or ""
        access = SshAccess(user, section.identity, section.known_hosts)
        return RsyncPlace(section.to, access)
    return OutsideFolder(Path(section.to))
