"""DLRN's other sources of packages: the folders of one repository, or a single distgit.

Each produces the same tree as a file in rdoinfo's format would.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rdo import atomic
from rdo.cancellation import in_threads
from rdo.errors import ConfigError, UserError
from rdo.metadata.distribution import Distribution
from rdo.metadata.sources import open_source
from rdo.metadata.tree import Files
from rdo.metadata.values import ReleaseStatus
from rdo.tools.git.mirror import ls_remote

log = logging.getLogger(__name__)

MAINTAINER = "test@example.com"  # DLRN uses this, because the layout names nobody
_AT_ONCE = 16

# Whether there is a git repository at a URL.
IsThere = Callable[[str], bool]


def is_there(url: str) -> bool:
    """Whether a git repository answers at a URL."""
    try:
        ls_remote(url, timeout=60)
    except UserError:
        return False
    return True


def folders(
    source: str,
    releases: Iterable[str],
    *,
    directories: Sequence[str],
    skip: Sequence[str] = (),
    upstreams: Sequence[str],
    cache: Path,
    is_there: IsThere = is_there,
) -> Distribution:
    """Read a repository with one folder per package, such as openstack/rpm-packaging.

    A package has the name of its folder. Its upstream is the first of `upstreams` that exists, with
    the name in place of `%s`; an upstream that was found is cached. Every package belongs to all of
    the releases. Raises ConfigError if the repository lacks one of the directories.
    """
    opened = open_source(source, cache / "git", max_age=0)
    found: dict[str, str] = {}
    for directory in directories:
        inside = opened.folder / directory.strip("/")
        if not inside.is_dir() or not inside.resolve().is_relative_to(opened.folder.resolve()):
            raise ConfigError(f"metadata: {source} has no directory {directory}")
        for folder in sorted(inside.iterdir()):
            if folder.is_dir() and folder.name not in skip:
                found[folder.name] = str(folder.relative_to(opened.folder))
    places = _upstreams(found, upstreams, cache / "upstreams.json", is_there)
    packages = [
        {
            "project": name,
            "name": name,
            "upstream": places[name],
            "distgit": source,
            "distgit-path": path,
            "maintainers": [MAINTAINER],
        }
        for name, path in found.items()
        if places[name]
    ]
    for name in found.keys() - {package["name"] for package in packages}:
        log.warning("skipping package %s: no upstream found", name)
    return _distribution(packages, releases, source)


def local(folder: Path, releases: Iterable[str]) -> Distribution:
    """Read a distgit on this machine as the only package; it is also its own upstream.

    Raises ConfigError unless the folder has exactly one .spec file.
    """
    specs = sorted(folder.glob("*.spec"))
    if len(specs) != 1:
        raise ConfigError(f"metadata: {folder} needs one .spec, it has {len(specs)}")
    url = folder.absolute().as_uri()
    package = {
        "project": specs[0].stem,
        "name": specs[0].stem,
        "upstream": url,
        "distgit": url,
        "maintainers": [MAINTAINER],
    }
    return _distribution([package], releases, str(folder))


def _distribution(
    packages: list[dict[str, Any]], releases: Iterable[str], source: str
) -> Distribution:
    """Make a distribution of packages that belong to all releases; faults name the source."""
    names = sorted(set(releases))
    tagged = [{**package, "tags": dict.fromkeys(names)} for package in packages]
    usual = {
        "status": str(ReleaseStatus.MAINTAINED),
        "branch": "master",
        "upstream_branch": "master",
        "repos": [],
    }
    entries = [{"name": name, **usual} for name in names]
    files = Files()
    files.names.append(source)
    return Distribution({"releases": entries, "packages": tagged}, files)


def _upstreams(
    names: Iterable[str], upstreams: Sequence[str], kept: Path, is_there: IsThere
) -> Mapping[str, str]:
    """Return each name's upstream, or "" if it has none; cache those that were found."""
    known: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    todo = [name for name in names if not known.get(name)]

    def first(name: str) -> str:
        urls = (url.replace("%s", name) for url in upstreams)
        return next((url for url in urls if is_there(url)), "")

    found = in_threads(first, todo, at_once=_AT_ONCE, name="upstream")
    known |= dict(zip(todo, found, strict=True))
    if todo:
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_file(kept, json.dumps(known))
    return known
