"""Acks: people record that they are working on a package with a problem, until it is good again.

A package has a problem while the pages show it in red or amber. The good build that ends its
failure ends the ack in the same transaction (`rdo.trunk.telling.events`). If the problem ends in
another way, such as a branch that exists again, the ack ends with the round.
"""

import logging
import re
from urllib.parse import urlsplit

from rdo.errors import ConfigError, NotFoundError, RefusedError
from rdo.store.people.acks import Ack
from rdo.trunk.context import Trunk
from rdo.trunk.views.headline import is_unwell
from rdo.trunk.views.state import read_target

log = logging.getLogger(__name__)

LONGEST = 500
_LINK = re.compile(r"https?://[^\s<>\"'\\\x00-\x20\x7f-\xa0]+")


def acknowledge(trunk: Trunk, name: str, *, by: str, why: str, link: str = "") -> Ack:
    """Record that somebody is working on a package; this replaces an earlier ack.

    Raises NotFoundError if the target has no such package, RefusedError if it has no problem, and
    ConfigError for a reason or a link that cannot be shown.
    """
    name = trunk.package(name).name
    why, link = _reason(why), _link(link)
    if not is_unwell(read_target(trunk).packages[name]):
        raise RefusedError(
            f"{name} of {trunk.name} builds: nothing to work on",
            hint=f"rdo why {name} shows its state",
        )
    with trunk.store.write() as at:
        return at.acks.add(trunk.name, name, now=trunk.now(), by=by, why=why, link=link)


def take_back(trunk: Trunk, name: str, *, by: str) -> Ack:
    """End an ack although the package still has a problem.

    Raises NotFoundError if the target has no such package, or nobody is working on it.
    """
    name = trunk.package(name).name
    with trunk.store.write() as at:
        ended = at.acks.end(trunk.name, name, now=trunk.now(), ending=f"taken back by {by}")
    if ended is None:
        raise NotFoundError(f"nobody is working on {name} of {trunk.name}")
    return ended


def end_those_well(trunk: Trunk) -> list[Ack]:
    """End the acks of packages without a problem, or no longer in the release; return them."""
    with trunk.store.read() as at:
        acks = at.acks.all(trunk.name)
    if not acks:
        return []
    views = read_target(trunk).packages
    over = {
        name: "its package has left the release" if name not in views else "its package builds"
        for name in acks
        if name not in views or (not is_unwell(views[name]) and not views[name].facts.pending)
    }
    with trunk.store.write() as at:
        found = [
            at.acks.end(trunk.name, name, now=trunk.now(), ending=why) for name, why in over.items()
        ]
    ended = [ack for ack in found if ack]
    for ack in ended:
        log.info("%s: the ack of %s has ended: %s", ack.package, ack.by, ack.ending)
    return ended


def _reason(why: str) -> str:
    """Return a reason in one line."""
    why = " ".join(why.split())
    if not why:
        raise ConfigError("the reason is empty", hint="say what you are doing about it")
    if len(why) > LONGEST:
        raise ConfigError(f"the reason has {len(why)} characters; at most {LONGEST} are kept")
    return why


def _link(link: str) -> str:
    """Return a URL if a browser can safely follow it, else an empty one.

    >>> _link(" https://bugs.example.test/17?x=1#c2 ")
    'https://bugs.example.test/17?x=1#c2'
    """
    link = link.strip()
    if not link:
        return ""
    if not _LINK.fullmatch(link) or len(link) > LONGEST or not _host(link):
        raise ConfigError(
            f"{link[:80]!r} is not an http or https address",
            hint=f"pass an http or https address of at most {LONGEST} characters",
        )
    if "@" in urlsplit(link).netloc:
        raise ConfigError("the link has a user or a password in it", hint="leave both out")
    return link


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:  # such as an invalid IPv6 address
        return ""
