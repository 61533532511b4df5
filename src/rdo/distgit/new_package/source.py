"""Fetch and inspect the source of a new package: an sdist from PyPI, or a git repository."""

import logging
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rdo.bridge.protocol import Bridge
from rdo.bridge.sdists import newest
from rdo.builders.rooms.backend import ask_backend
from rdo.builders.rooms.room import Room
from rdo.builders.rooms.workshop import Workshop
from rdo.distgit.new_package.facts import SourceFacts
from rdo.distgit.new_package.rust import CARGO, CargoSource, lay_crates, needs_crates
from rdo.distgit.remotes import is_git_url
from rdo.errors import CommandError, NotFoundError, OutsideError, RefusedError
from rdo.log_tail import read_tail
from rdo.model.build import Failed, FailureReason, Waiting
from rdo.package_index import PackageIndex
from rdo.roots.build_root import build_root
from rdo.roots.door import Inside
from rdo.roots.programs import RootProgram
from rdo.tools.git.mirror import Mirror
from rdo.tools.packaging.source_archive import SourceArchive
from rdo.tools.walls.entry import Bind
from rdo.upstream_versions import tags_of_version, version_of_tag

log = logging.getLogger(__name__)

MAX_ROUNDS = 12
_LOG_BYTES = 4_000_000  # how much of the end of a log is searched
"""How many times missing requirements may be added before the source builds and imports."""

HEADERS: dict[str, str] = {
    "Python.h": "python3-devel", "augeas.h": "augeas-devel", "bzlib.h": "bzip2-devel",
    "cmake": "cmake", "curl-config": "libcurl-devel", "curl/": "libcurl-devel",
    "dbus/": "dbus-devel", "ev.h": "libev-devel", "event.h": "libevent-devel",
    "event2/": "libevent-devel", "expat.h": "expat-devel", "ffi.h": "libffi-devel",
    "ft2build.h": "freetype-devel", "glib.h": "glib2-devel", "gmp.h": "gmp-devel",
    "graphviz/": "graphviz-devel", "gssapi": "krb5-devel", "jpeg": "libjpeg-turbo-devel",
    "krb5-config": "krb5-devel", "krb5.h": "krb5-devel", "lber.h": "openldap-devel",
    "ldap.h": "openldap-devel", "libmemcached/": "libmemcached-devel", "libpng": "libpng-devel",
    "libpq-fe.h": "libpq-devel", "libvirt": "libvirt-devel", "libxml": "libxml2-devel",
    "libxslt": "libxslt-devel", "lz4.h": "lz4-devel", "lzma.h": "xz-devel",
    "mysql": "mariadb-connector-c-devel", "ncurses.h": "ncurses-devel",
    "openssl": "openssl-devel", "pcap.h": "libpcap-devel", "pcre2.h": "pcre2-devel",
    "pg_config": "libpq-devel", "png.h": "libpng-devel", "readline/": "readline-devel",
    "sasl": "cyrus-sasl-devel", "snappy": "snappy-devel", "sodium": "libsodium-devel",
    "sql.h": "unixODBC-devel", "sqlite3.h": "sqlite-devel", "systemd": "systemd-devel",
    "webp/": "libwebp-devel", "xml2-config": "libxml2-devel", "xslt-config": "libxslt-devel",
    "yaml.h": "libyaml-devel", "zlib": "zlib-devel", "zmq.h": "zeromq-devel",
    "zstd.h": "libzstd-devel",
}  # fmt: skip  # a table: several entries a line
"""The beginning of a missing file's name, and the package that contains it."""

_MISSING = re.compile(
    r"fatal error: (?P<header>\S+): No such file"
    r"|(?P<program>pg_config|cmake|curl-config|mysql_config|krb5-config|xml2-config|xslt-config)"
    r"\b.{0,200}?(?:not found|No such file|could not be found)"
    r"|No package '(?P<pkgconfig>[^']+)' found"
    r"|Package '?(?P<package>[\w.+-]+)'?,? .{0,200}?not found"
    r"|headers or library files could not be found for (?P<library>\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Offered:
    """A project to package; `upstream` is its name or URL for the metadata.

    `cargo` has its crates if it is partly written in Rust.
    """

    upstream: str
    name: str
    archive: Path | None = None
    mirror: Path | None = None
    commit: str = ""
    cargo: CargoSource | None = None

    def read(self, name: str) -> str:
        """Return the text of a file of the source, or "" if there is none."""
        if self.archive:
            return (SourceArchive(self.archive).read(name) or b"").decode(errors="replace")
        assert self.mirror
        return Mirror(self.mirror).read_files(self.commit, [name]).get(name, "")


@dataclass(frozen=True, slots=True)
class Described:
    """An inspected sdist: its facts, and additional packages needed to compile it."""

    archive: Path
    facts: SourceFacts
    headers: tuple[str, ...] = ()


def offer(
    project: str, version: str, open_index: Callable[[], PackageIndex], folder: Path
) -> Offered:
    """Fetch the project into `folder`: a git repository, or an sdist from PyPI.

    Raises RefusedError for a bad name, NotFoundError if there is no suitable version, and
    OutsideError if the server cannot be reached.
    """
    if is_git_url(project):
        return _from_git(project, version, folder)
    try:
        wanted = Requirement(project)
    except InvalidRequirement as error:
        raise RefusedError(
            f"{project!r} is neither a project on PyPI nor a git URL",
            hint="rdo pkg create tabulate, or rdo pkg create https://example.org/tabulate.git",
        ) from error
    if version:
        wanted = Requirement(f"{wanted.name}=={version}")
    index = open_index()
    sdists = index.sdists(wanted.name)
    sdist = newest(sdists, wanted.specifier)
    if sdist is None:
        asked = f"in {wanted.specifier}" if wanted.specifier else "that is not withdrawn"
        raise NotFoundError(
            f"{wanted.name} has no source archive on PyPI {asked}",
            hint="name its git repository instead, or a version with --version",
        )
    archive = folder / sdist.file_name
    log.info("fetching %s", sdist.file_name)
    index.download(sdist, archive)
    return Offered(f"pypi:{wanted.name}", wanted.name, archive=archive)


def _from_git(url: str, version: str, folder: Path) -> Offered:
    log.info("cloning %s", url)
    place = Path(url).absolute().as_uri() if Path(url).is_dir() else url
    try:
        mirror = Mirror.clone(place, folder / "upstream.git")
    except CommandError as error:
        said = str(error).strip().splitlines()
        fatal = [line for line in said if line.startswith("fatal:")]
        raise OutsideError(f"cannot clone {url}: {[*said, *fatal[:1]][-1]}") from error
    tag = version or _newest_tag(mirror) or "HEAD"
    names = [tag, *tags_of_version(tag, _tags(mirror))]
    commit = next(filter(None, map(mirror.resolve, names)), None)
    if not commit:
        what = f"no tag or commit {version}" if version else "no commits"
        raise NotFoundError(f"{url} has {what}")
    name = re.sub(r"\.git$", "", url.rstrip("/")).rpartition("/")[2].rpartition(":")[2]
    return Offered(place, name, mirror=mirror.path, commit=commit)


def _tags(mirror: Mirror) -> list[str]:
    tags = (name.removeprefix("refs/tags/") for name in mirror.refs() if "refs/tags/" in name)
    return [tag for tag in tags if not tag.endswith("^{}")]


def _newest_tag(mirror: Mirror) -> str:
    """Return the tag of the highest final version, or "" if no tag is a version."""
    found: list[tuple[Version, str]] = []
    for tag in _tags(mirror):
        try:
            one = Version(version_of_tag(tag))
        except InvalidVersion:
            continue
        if not one.is_prerelease:
            found.append((one, tag))
    return max(found)[1] if found else ""


def describe(offered: Offered, workshop: Workshop, bridge: Bridge, folder: Path) -> Described:
    """Build and import the source in roots until no requirement is missing; return its facts.

    Raises RefusedError with the reason if it cannot be built here.
    """
    headers: list[str] = _known_headers(offered.name, workshop)
    if offered.cargo and CARGO not in headers:
        headers.append(CARGO)
    for _ in range(MAX_ROUNDS):
        answer = _describe_once(offered, workshop, folder, headers)
        if isinstance(answer, Described):
            return answer
        if isinstance(answer, Waiting):
            missing = bridge.provide(answer.needs).missing
            if missing:
                raise RefusedError(
                    f"{offered.name} needs {', '.join(missing)}, which nothing provides",
                    hint="package that first",
                )
            continue
        more = missing_package(read_tail(folder / "describe.log", _LOG_BYTES))
        if not more or more in headers:
            raise _refusal(offered.name, answer, folder / "describe.log")
        headers.append(more)
    raise RefusedError(f"{offered.name} required more packages at each try")


def _known_headers(name: str, workshop: Workshop) -> list[str]:
    platform = workshop.base.platform
    debs = platform.sdist_requires.get(canonicalize_name(name), ())
    return [platform.bridged.get(deb, (f"deb({deb})",))[0] for deb in debs]


def _describe_once(
    offered: Offered, workshop: Workshop, folder: Path, headers: Iterable[str]
) -> Described | Failed | Waiting:
    log_file = folder / "describe.log"
    log_file.unlink(missing_ok=True)
    with build_root(workshop.base, workshop.content, workshop.roots) as root:
        room = workshop.room(root, workshop.repositories(), log_file)
        if stopped := room.require(["python3-devel", *headers]):
            return stopped
        if offered.cargo and offered.cargo.archive:
            lay_crates(room, offered.cargo.archive)
        archive = _archive(offered, room, folder)
        if isinstance(archive, Failed | Waiting):
            return archive
        inside = root.folder("offered")
        shutil.copy(archive, inside)
        root.bind(Bind(inside, "/offered"))
        answer = ask_backend(room, RootProgram.DESCRIBE_SOURCE, f"/offered/{archive.name}")
        if isinstance(answer, Failed | Waiting):
            return answer
        return Described(archive, SourceFacts.parse(answer), tuple(headers))


def _archive(offered: Offered, room: Room, folder: Path) -> Path | Failed | Waiting:
    """Return the sdist; for a git repository, the project's own build backend makes it."""
    if offered.archive:
        return offered.archive
    assert offered.mirror
    room.root.bind(Bind(offered.mirror, "/mirror"))
    args = ("--package", offered.name, "--commit", offered.commit)
    made = ask_backend(room, RootProgram.MAKE_SOURCE, *args)
    if isinstance(made, Failed | Waiting):
        return made
    name = str(made.get("archive"))
    if not re.fullmatch(r"[\w.+-]+\.(tar\.gz|zip)", name.rpartition("/")[2]):
        return Failed(FailureReason.SOURCE, f"its source archive has the invalid name {name!r}")
    (folder / name.rpartition("/")[2]).unlink(missing_ok=True)  # leftover of an earlier try
    try:
        [archive] = room.root.door.take_files([Inside(name)], folder)
    except (FileNotFoundError, RefusedError) as error:
        return Failed(FailureReason.SOURCE, f"its source archive cannot be taken: {error}")
    return archive


def missing_package(log_text: str) -> str:
    """Return the package that contains the file the compiler misses, or "" if unknown."""
    for match in reversed(list(_MISSING.finditer(log_text))):
        name = re.sub(r"^lib(?=sodium|zmq|curl|jpeg)", "", next(filter(None, match.groups())))
        found = (package for start, package in HEADERS.items() if name.startswith(start))
        if package := next(found, ""):
            return package
    return ""


def _refusal(name: str, failed: Failed, log_file: Path) -> RefusedError | OutsideError:
    text = read_tail(log_file, _LOG_BYTES)
    if failed.reason.is_spurious:
        return OutsideError(f"cannot inspect {name}: {failed.detail}")
    if re.search(r"\b(cargo|rustc|rustup)\b", text):
        return needs_crates(name, "its build calls cargo")
    last = "\n  ".join(line.rstrip()[:200] for line in text.splitlines()[-8:])
    return RefusedError(f"{name} fails to build: {failed.detail}", hint=last)
