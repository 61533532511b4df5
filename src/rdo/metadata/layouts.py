"""DLRN's other ways to say what the packages are: folders of one repository, or one distgit.

Each gives the same tree as a file in rdoinfo's format would.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rdo import atomic
from rdo.errors import ConfigError, UserError
from rdo.metadata.distribution import Distribution
from rdo.metadata.sources import open_source
from rdo.metadata.tree import Files
from rdo.metadata.values import ReleaseStatus
from rdo.tools.git import ls_remote

log = logging.getLogger(__name__)

MAINTAINER = "test@example.com"  # DLRN's own, for a layout that names nobody
_AT_ONCE = 16

# Whether there is a git repository at a URL.
IsThere = Callable[[str], bool]


def is_there(url: str) -> bool:
    """Ask the remote itself."""
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
    """A repository with a folder per package below some directories, as openstack/rpm-packaging.

    A package is called as its folder; its upstream is the first of `upstreams` that exists, with
    the name in place of `%s`, and is looked for once. Every package belongs to each of the
    releases.
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
        log.warning("package %s has no upstream that we can find and is left out", name)
    return _distribution(packages, releases, source)


def local(folder: Path, releases: Iterable[str]) -> Distribution:
    """A distgit on this machine as the only package; its own commits are the upstream's."""
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
    """Packages that belong to all releases; what is wrong with them is told of the source."""
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
    """The upstream of each name, empty if there is none; what was found is kept."""
    known: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    todo = [name for name in names if not known.get(name)]

    def first(name: str) -> str:
        urls = (url.replace("%s", name) for url in upstreams)
        return next((url for url in urls if is_there(url)), "")

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="upstream") as pool:
        known |= dict(zip(todo, pool.map(first, todo), strict=True))
    if todo:
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_file(kept, json.dumps(known))
    return known
