"""A second Python beside the base's own: an RPM made from a Debian source package of a newer suite.

It is compiled in a root of the base itself, so it needs no libraries that the base lacks. The RPM
is stored by a hash of everything it was made from, for every platform of this machine.
"""

import hashlib
import logging
import tempfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from rdo import atomic, lock
from rdo.checksum import sha256_of
from rdo.errors import CommandError
from rdo.log_tail import read_tail
from rdo.model.platform import Interpreter, Platform
from rdo.model.program import Bounds
from rdo.roots.debian import dpkg
from rdo.roots.door import RPM_NAME, Door, Inside
from rdo.roots.kept_products import keep, kept_files, newly_kept
from rdo.tools.packaging.apt import Apt
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.removal import remove_tree
from rdo.tools.walls.root import Root

log = logging.getLogger(__name__)

_BUILD_REQUIRES = (
    *("libbz2-dev", "libexpat1-dev", "libffi-dev", "libgdbm-dev", "liblzma-dev", "libncurses-dev"),
    *("libreadline-dev", "libsqlite3-dev", "libssl-dev", "uuid-dev", "zlib1g-dev"),
)
_SECONDS = 4 * 3600.0
_SPEC, _MAKING = "interpreter.spec", ".making-"
_UNPACK = 'for deb in /debs/*.deb; do dpkg-deb --extract "$deb" /files || exit; done'


def recipe() -> str:
    """Return a text that describes how interpreters are made; bases with one depend on it."""
    return "\n".join([_spec(), *_BUILD_REQUIRES])


def interpreter_rpm(
    platform: Platform, origin: Interpreter, tree: Path, cache: Path, log_file: Path
) -> Path:
    """Return the RPM of the platform's Python; it is compiled unless it is stored in `cache`.

    `tree` is the platform's base. Raises CommandError if the source package cannot be downloaded or
    compiled; `log_file` then has all output.
    """
    folder = cache / "interpreters"
    with lock.hold(folder / "lock", purpose=f"making Python {platform.python}", wait=True):
        name = f"python{platform.python}"
        sources = _apt(folder / origin.suite, tree, platform, origin.suite, sources=True)
        archives = _archives(sources.source(name))
        place = folder / _digest(platform, archives)
        if kept := kept_files(place):
            return kept[0]
        for left in folder.glob(f"{_MAKING}*"):  # left by a killed process
            remove_tree(left)
        log.info("compiling %s from the sources of %s", name, origin.suite)
        work = Path(tempfile.mkdtemp(prefix=_MAKING, dir=folder))
        try:
            keep(place, _build(platform, archives, tree, work, log_file))
        finally:
            remove_tree(work)
        return newly_kept(place)[0]


def _apt(folder: Path, tree: Path, platform: Platform, suite: str, *, sources: bool = False) -> Apt:
    arch, mirror = platform.debian_arch, platform.mirror
    return Apt(folder, tree, suite, mirror=mirror, arch=arch, of_sources=sources)


def _archives(files: Sequence[Path]) -> tuple[Path, Path]:
    """Return upstream's archive and the one with Debian's changes."""
    upstream = [path for path in files if ".orig.tar." in path.name and path.suffix != ".asc"]
    debian = [path for path in files if ".debian.tar." in path.name]
    if len(upstream) != 1 or len(debian) != 1:
        names = ", ".join(path.name for path in files)
        raise CommandError(f"not a source package of upstream's archive and patches: {names}")
    return upstream[0], debian[0]


def _spec() -> str:
    return (resources.files("rdo.roots.debian") / _SPEC).read_text()


def _digest(platform: Platform, archives: Sequence[Path]) -> str:
    words = [recipe(), platform.suite, platform.arch, platform.dist, *map(sha256_of, archives)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def _build(
    platform: Platform, archives: tuple[Path, Path], tree: Path, work: Path, log_file: Path
) -> list[Path]:
    """Compile in a root without network and return the RPM."""
    sources = work / "sources"
    sources.mkdir()
    for path in archives:
        atomic.link_or_copy(path, sources / path.name)
    (sources / _SPEC).write_text(_spec())
    layers = (_headers(platform, tree, work), tree)
    root = Root(layers, work / "root", (Bind(sources, "/sources"),), has_home=True)
    upstream, debian = (path.name for path in archives)
    version = debian.removeprefix(f"python{platform.python}_").partition(".debian.tar.")[0]
    number, revision = dpkg.rpm_version(version)
    macros = {
        "_topdir": "/builddir",
        "_sourcedir": "/sources",
        "_dbpath": "/var/lib/rpm",
        "python": platform.python,
        "number": number,
        "revision": revision,
        "dist": platform.dist,
        "upstream_archive": upstream,
        "debian_archive": debian,
    }
    defines = (word for name, value in macros.items() for word in ("-D", f"{name} {value}"))
    done = root.log(
        *("rpmbuild", "-bb", "--nodeps", *defines, f"/sources/{_SPEC}"),
        log_file=log_file,
        bounds=Bounds(seconds=_SECONDS),
    )
    if done.limit or done.returncode:
        raise CommandError(
            f"Python {platform.python} does not compile on {platform.name}; see {log_file}\n"
            f"{read_tail(log_file, 1500)}"
        )
    return Door(root.written).take(Inside("/builddir/RPMS"), work / "rpms", RPM_NAME)


def _headers(platform: Platform, tree: Path, work: Path) -> Path:
    """Return a layer with headers that only the compilation needs."""
    apt = _apt(work / "apt", tree, platform, platform.suite)
    debs, files = work / "debs", work / "headers"
    debs.mkdir()
    files.mkdir()
    for path in apt.download(apt.closure(_BUILD_REQUIRES)):
        atomic.link_or_copy(path, debs / path.name)
    binds = (Bind(debs, "/debs"), Bind(files, "/files", writable=True))
    Root((tree,), work / "unpacking", binds).ask("sh", "-c", _UNPACK, privileged=True)
    return files
