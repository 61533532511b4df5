"""Read another instance's versions.csv, for a target that follows that instance."""

import csv
import hashlib
import io
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rdo import atomic
from rdo.config import FollowSection
from rdo.errors import ConfigError, OutsideError
from rdo.model.package import Overlay, Package, Pin, SpecRule
from rdo.tools.packaging.download import download

log = logging.getLogger(__name__)

MAX_BYTES = 16 * 2**20
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_COLUMNS = ("Project", "Source Sha", "Dist Sha", "Last Success Timestamp")


def followed(packages: Iterable[Package], follow: FollowSection, folder: Path) -> Iterator[Package]:
    """Yield the packages that the followed instance has built, pinned to its commits.

    Raises ConfigError for a file that is not a versions.csv, and OutsideError if a file could never
    be fetched.
    """
    pins = read_pins(follow.versions, folder)
    rules = tuple(map(SpecRule.parse, follow.spec_replace))
    for package in packages:
        is_wanted = any(re.search(follow.tag or "", tag) for tag in package.tags)
        if is_wanted and package.name in pins:
            overlay = Overlay(package.distgit_there, rules) if follow.use_upstream_spec else None
            branch = follow.source_git_branch or package.distgit_branch
            pin = pins[package.name]
            yield replace(package, pin=pin, overlay=overlay, source_git_branch=branch)


def read_pins(urls: Iterable[str], folder: Path) -> dict[str, Pin]:
    """Return the pin of every package in these files; a later file overrides an earlier one.

    Each file is kept in `folder`; the copy is used if the file cannot be fetched.
    """
    pins: dict[str, Pin] = {}
    for url in urls:
        pins |= parse_versions(_text(url, folder), url)
    return pins


def parse_versions(text: str, url: str) -> dict[str, Pin]:
    """Parse a versions.csv into pins by package; packages without a good build are left out.

    Raises ConfigError for a text that is not a versions.csv; `url` names it.
    """
    rows = csv.DictReader(io.StringIO(text))
    if missing := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
        raise ConfigError(f"{url} is not a versions.csv: it has no column {missing[0]}")
    return dict(_pins(rows, url))


def _pins(rows: "csv.DictReader[str]", url: str) -> Iterator[tuple[str, Pin]]:
    for row in rows:
        name, upstream, distgit, when = (row[column] or "" for column in _COLUMNS)
        if not (_HASH.fullmatch(upstream) and _HASH.fullmatch(distgit)):
            raise ConfigError(f"{url}:{rows.line_num}: {name} has no commit hashes")
        try:
            built = datetime.fromtimestamp(float(when), UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise ConfigError(f"{url}:{rows.line_num}: {when!r} is not a time") from error
        yield name, Pin(upstream, distgit, built)


def _text(url: str, folder: Path) -> str:
    kept = folder / "followed" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.csv"
    try:
        content = download(url, max_bytes=MAX_BYTES)
    except OutsideError:
        if not kept.exists():
            raise
        log.warning("%s cannot be read; using its last state", url)
        return kept.read_text()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{url} is not a versions.csv: not UTF-8") from error
    kept.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_file(kept, text)
    return text
