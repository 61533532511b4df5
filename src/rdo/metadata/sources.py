"""Sources of metadata: a folder, a git repository, or files behind a URL prefix."""

import hashlib
import logging
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rdo.atomic import write_file
from rdo.errors import CommandError, ConfigError, OutsideError
from rdo.lock import hold
from rdo.metadata.tree import MAX_BYTES
from rdo.mirrors import reason_of
from rdo.model.text.address import is_address
from rdo.model.text.url import without_secret
from rdo.tools.git.mirror import Mirror, check_url
from rdo.tools.packaging.download import download

log = logging.getLogger(__name__)

DEFAULT_MAX_AGE_SECONDS = 3600.0
_STAMP = "rdo-fetched"


@dataclass(frozen=True, slots=True)
class MetadataFolder:
    """A folder of metadata files, and the prefix of their names in messages.

    `state` identifies content that cannot change (the commit of an exported tree); it is empty
    for a folder that may be edited. `fetch`, if set, brings a file into the folder before it is
    read.
    """

    folder: Path
    prefix: str
    state: str = ""
    fetch: Callable[[str], None] | None = None


def open_source(
    source: str, cache: Path, *, ref: str = "", max_age: float = DEFAULT_MAX_AGE_SECONDS
) -> MetadataFolder:
    """Open the files of a folder or git URL.

    A URL is fetched at most once per `max_age` seconds; if it cannot be reached, its last state
    is used. Without `ref`, a folder is read as it is, and a URL or bare repository at its head.
    Raises ConfigError for a missing folder or ref, and OutsideError for a URL never reached.
    """
    if is_address(source):
        return _exported(_fetched(source, cache, max_age), ref, cache)
    folder = Path(source)
    if not folder.is_dir():
        raise ConfigError(f"metadata: there is no folder {source}")
    if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
        return _exported(Mirror(folder), ref, cache)
    if ref:
        repository, inside = _repository_of(folder.absolute())
        exported = _exported(Mirror(repository), ref, cache)
        return MetadataFolder(exported.folder / inside, "", exported.state)
    here = Path.cwd()
    absolute = folder.absolute()
    shown = absolute.relative_to(here) if absolute.is_relative_to(here) else absolute
    return MetadataFolder(absolute, "" if shown == Path() else f"{shown}/")


def open_web(url: str, cache: Path, max_age: float) -> MetadataFolder:
    """Open metadata files behind a URL prefix, such as a git forge's raw files.

    Each is downloaded when it is read, at most once per `max_age` seconds; if that fails, its
    last state is used.
    """
    folder = cache / hashlib.sha256(url.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)

    def fetch(name: str) -> None:
        """Update the file; keep its last state while the server cannot be reached."""
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()):
            return  # the reader reports it
        if _is_younger(file, max_age):
            return
        try:
            content = download(f"{url}{name}", max_bytes=MAX_BYTES)
        except OutsideError:
            if not file.exists():
                raise
            log.warning("metadata: %s%s cannot be read; using its last state", url, name)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_file(file, content)

    return MetadataFolder(folder, without_secret(url), fetch=fetch)


def _repository_of(folder: Path) -> tuple[Path, Path]:
    """Return the git directory of a folder's work tree, and the folder's path in it."""
    for top in (folder, *folder.parents):
        found = top / ".git"
        if found.is_dir():
            return found, folder.relative_to(top)
        if found.is_file():  # it is a linked work tree
            pointed = found.read_text().removeprefix("gitdir:").strip()
            return top / pointed, folder.relative_to(top)
    raise ConfigError(f"metadata: {folder} is not in a git repository")


def _is_younger(file: Path, max_age: float) -> bool:
    """Whether a file was written in the last `max_age` seconds, and not in the future."""
    return file.exists() and 0 <= time.time() - file.stat().st_mtime < max_age


def _fetched(url: str, cache: Path, max_age: float) -> Mirror:
    check_url(url)
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", url.rpartition("/")[2].removesuffix(".git"))
    folder = cache / f"{readable}-{hashlib.sha256(url.encode()).hexdigest()[:16]}.git"
    stamp = folder / _STAMP
    if folder.exists():
        Mirror(folder).forget_secrets()
    if _is_younger(stamp, max_age):
        return Mirror(folder)
    shown = without_secret(url)
    with hold(folder.with_suffix(".lock"), purpose=f"fetching {shown}", wait=True):
        log.info("fetching the metadata from %s", shown)
        try:
            if folder.exists():
                Mirror(folder).fetch(url)
            else:
                Mirror.clone(url, folder)
        except (CommandError, OutsideError) as error:
            if not folder.exists():
                why = reason_of(error).removeprefix("fatal: ")
                hint = "name a folder instead, with --info or in rdo.toml"
                raise OutsideError(
                    f"metadata: {shown} cannot be reached ({why})", hint=hint
                ) from error
            log.warning("metadata: %s cannot be reached; using its last state", shown)
        else:
            write_file(stamp, "")
    return Mirror(folder)


def _exported(mirror: Mirror, ref: str, cache: Path) -> MetadataFolder:
    commit = mirror.resolve(ref or "HEAD")
    if commit is None:
        raise ConfigError(f"metadata: {mirror.path} has no branch, tag or commit {ref or 'HEAD'}")
    folder = cache / "trees" / commit
    if not folder.exists():
        with hold(cache / "trees.lock", purpose=f"exporting {commit}", wait=True):
            if not folder.exists():
                new = folder.with_name(f".{commit}.new")
                if new.exists():  # a killed export left it
                    shutil.rmtree(new)
                mirror.export(commit, new)
                new.replace(folder)
    return MetadataFolder(folder, "", commit)
