"""Make the source archive of an upstream commit with the upstream's own build tools.

Runs inside the root as the build user; /mirror is the bare mirror, read-only. Writes
/builddir/answer.json: `{"archive": path, "name": …, "version": …}`, or `{"needs": [RPM
dependencies]}` when the source's build backend is not installed yet, or `{"unusable": reason}`.
Source types and their versions follow DLRN.
"""

import argparse
import json
import os
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Sequence
from email import message_from_string
from pathlib import Path

from packaging.version import InvalidVersion, Version

from rdo.roots.inside.building.buildrequires import EndOfPassError, Requirements, load_backend
from rdo.upstream_versions import is_pep440, split_tag, version_of_tag

TREE = Path("/builddir/source")
OUTPUT = Path("/builddir/archive")
# The mirror belongs to another user, and a git merge needs a name.
_GIT_CONFIGURATION = """
[safe]
    directory = *
[user]
    name = rdo
    email = rdo@localhost
"""
_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:"
_LFS_BYTES = 1024  # no pointer is longer
_NOT_VERSIONS = re.compile(r"^private-|-(em|eol|eom)$")
_NAMELESS = "UNKNOWN"
"""The name that setuptools gives a source whose metadata it cannot read."""


class UnusableSourceError(Exception):
    """The source lacks something, or leads out of its folder."""


def git(*args: str) -> str:
    done = subprocess.run(["git", *args], cwd=TREE, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def check_out(commit: str, version_from: str, submodules: Sequence[str]) -> None:
    """Check out the commit with history and tags, because backends ask git for the version."""
    Path.home().joinpath(".gitconfig").write_text(_GIT_CONFIGURATION)
    command = ["git", "clone", "--quiet", "--shared", "--no-checkout", "/mirror", str(TREE)]
    subprocess.run(command, check=True)
    git("-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", commit)
    for tag in git("tag", "--list").splitlines():
        if _NOT_VERSIONS.search(tag):
            git("tag", "--delete", tag)
    if version_from:
        git("merge", "--quiet", "-s", "ours", "-m", "take tags", version_from)
    for number, submodule in enumerate(submodules):
        add_submodule(number, *submodule.split(":", 1))


def add_submodule(number: int, commit: str, path: str) -> None:
    """Check out a submodule at its recorded commit, as `git submodule update` leaves it.

    Raises UnusableSourceError if its folder is outside of the source.
    """
    place = TREE / path
    if not Path(os.path.realpath(place)).is_relative_to(TREE.resolve()):
        raise UnusableSourceError(f"submodule {path}: its folder is outside of the source")
    folder = TREE / ".git" / "modules" / str(number)
    folder.parent.mkdir(exist_ok=True)
    clone = ["git", "clone", "--quiet", "--shared", "--no-checkout", f"--separate-git-dir={folder}"]
    subprocess.run([*clone, "--", f"/submodules/{number}", str(place)], check=True)
    switch = ["git", "-C", str(place), "-c", "advice.detachedHead=false", "checkout", "--quiet"]
    subprocess.run([*switch, "--detach", commit], check=True)


def python_archive() -> dict[str, str]:
    """Make an sdist with the source's own backend; its version is the sdist's own."""
    os.chdir(TREE)
    file = Path("pyproject.toml")
    project = tomllib.loads(file.read_text()) if file.exists() else {}
    requirements = Requirements(())
    backend = load_backend(requirements, project.get("build-system", {}))
    if hook := getattr(backend, "get_requires_for_build_sdist", None):
        requirements.add(hook(), "the build backend")
        requirements.end_pass_if_missing()
    archive = OUTPUT / backend.build_sdist(str(OUTPUT))
    with tarfile.open(archive) as tar:
        name = next(n for n in tar.getnames() if n.count("/") == 1 and n.endswith("/PKG-INFO"))
        member = tar.extractfile(name)
        assert member is not None
        said = message_from_string(member.read().decode(errors="replace"))
    version = said["Version"]
    named = name.split("/")[0].removesuffix(f"-{version}")
    check_identity(named, version)
    return {"archive": str(archive), "name": named, "version": version}


def check_identity(name: str, version: str) -> None:
    """Raise UnusableSourceError for what a backend writes if it does not find name or version."""
    if name.upper() == _NAMELESS:
        raise UnusableSourceError(
            f"its build backend calls it {name} {version}: it finds no name, or is too old to read"
            " pyproject.toml"
        )
    tag = nearest_version()
    if tag and is_lost(version, version_of_tag(tag)):
        raise UnusableSourceError(
            f"its build backend calls it {version} although its nearest tag is {tag}: it does not"
            " read the version from git, because a plugin such as setuptools-scm is missing, or"
            " the tag has another form than it expects"
        )


def is_lost(version: str, tagged: str) -> bool:
    """Whether a version is what backends write without a tag, while a tag names a higher one.

    >>> [is_lost(x, "1.4") for x in ("0.0.0", "0+unknown", "0.1.dev3+g1a2b3c4", "1.2", "1.0.dev0")]
    [True, True, True, False, False]
    """
    numbers = re.match(r"[\d.]*", version)
    is_zero = numbers is not None and set(numbers[0]) <= {"0", "."}
    is_counted = re.search(r"\.dev\d+\+g[0-9a-f]{7}", version) is not None
    try:
        return (is_zero or is_counted) and Version(version).release < Version(tagged).release
    except InvalidVersion:
        return is_zero


def puppet_archive(package: str, submodules: Sequence[str]) -> dict[str, str]:
    said = json.loads((TREE / "metadata.json").read_text())
    name = said["name"].replace("/", "-")
    name = name if name.startswith("openstack-") else package
    return plain_archive(name, _past(said["version"]), submodules)


def described_archive(package: str, submodules: Sequence[str]) -> dict[str, str]:
    """Make an archive of any other source; its version comes from the newest tag."""
    tag = nearest_version()
    version = _past(version_of_tag(tag), tag) if tag else "0.0.1"
    return plain_archive(package, version, submodules)


def nearest_version() -> str:
    """Return the nearest tag in HEAD's history that names a version, or "" if there is none.

    If several are on the same commit, it is the one with the highest version.
    """
    others: list[str] = []
    while True:
        command = ["git", "describe", "--abbrev=0", "--tags", *others]
        done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)
        tag = done.stdout.strip()
        if not tag:
            return ""
        if version_of_tag(tag):
            beside = git("tag", "--points-at", f"refs/tags/{tag}^{{commit}}")
            return _highest(beside.splitlines(), tag)
        others.append(f"--exclude={_literal(tag)}")


def _highest(tags: Sequence[str], described: str) -> str:
    """Return the tag like `described` with the highest version; itself if it is not of PEP 440."""
    version, style = split_tag(described)
    if not is_pep440(version):
        return described
    named = [(tag, *split_tag(tag)) for tag in tags]
    alike = [(tag, found) for tag, found, its in named if its == style and is_pep440(found)]
    return max(alike, key=lambda one: Version(one[1]))[0]


def _literal(tag: str) -> str:
    """Return a git pattern that matches only this tag."""
    return re.sub(r"([*?\[\\])", r"\\\1", tag)


def _past(version: str, tag: str = "") -> str:
    """Return the version after `version` if HEAD is past its tag: the last number plus one."""
    tag = tag or version
    tags = git("tag", "--points-at", "HEAD").splitlines()
    known = git("tag", "--list", tag)
    if not known or tag in tags or not re.fullmatch(r"\d+(?:\.\d+)*", version):
        return version
    return re.sub(r"(?<!\d)(\d+)$", lambda number: str(int(number[1]) + 1), version)


def plain_archive(name: str, version: str, submodules: Sequence[str] = ()) -> dict[str, str]:
    """Make an archive of all files that git tracks, including those of submodules."""
    archive = OUTPUT / f"{name}-{version}.tar.gz"
    top = f"{name}-{version}/"
    if not submodules:
        git("archive", "--format=tar.gz", f"--prefix={top}", f"--output={archive}", "HEAD")
    else:
        with tarfile.open(archive, "w:gz", compresslevel=1) as whole:
            for folder in ("", *submodules):
                _add_to(whole, TREE / folder, f"{top}{folder}/" if folder else top)
    return {"archive": str(archive), "name": name, "version": version}


def _add_to(whole: tarfile.TarFile, folder: Path, prefix: str) -> None:
    """Add the files that git tracks in a folder to an archive."""
    part = OUTPUT / "part.tar"
    command = ["git", "archive", "--format=tar", f"--prefix={prefix}", f"--output={part}", "HEAD"]
    subprocess.run(command, cwd=folder, check=True)
    with tarfile.open(part) as tar:
        for member in tar:
            whole.addfile(member, tar.extractfile(member) if member.isfile() else None)
    part.unlink()


def make(package: str, submodules: Sequence[str]) -> dict[str, str]:
    """Make the archive that fits the source, and return its path, name and version.

    Raises UnusableSourceError if it would contain pointers of Git LFS in place of files.
    """
    made = _made(package, submodules)
    with tarfile.open(made["archive"]) as tar:
        pointers = lfs_pointers(tar)
    if pointers:
        more = f" and {len(pointers) - 1} more" if len(pointers) > 1 else ""
        raise UnusableSourceError(
            f"the content of {pointers[0]}{more} is in Git LFS, and not in the repository"
        )
    return made


def lfs_pointers(archive: tarfile.TarFile) -> list[str]:
    """Return the files of an archive that only point to their content in Git LFS.

    Their form is that of git-lfs's specification, version 1.
    """
    found = []
    for member in archive:
        content = archive.extractfile(member) if member.isfile() else None
        if content and member.size < _LFS_BYTES and content.read(_LFS_BYTES).startswith(_LFS):
            found.append(member.name.partition("/")[2])
    return found


def _made(package: str, submodules: Sequence[str]) -> dict[str, str]:
    if (TREE / "metadata.json").exists():
        return puppet_archive(package, submodules)
    if (TREE / "pyproject.toml").exists() or (TREE / "setup.py").exists():
        return python_archive()
    return described_archive(package, submodules)


def main(argv: list[str]) -> int:
    """Make the source archive of a commit, and write its name and version to answer.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commit", required=True)
    parser.add_argument("--package", required=True)
    parser.add_argument("--version-from", default="")
    parser.add_argument("--submodule", action="append", default=[], metavar="COMMIT:PATH")
    args = parser.parse_args(argv)
    folders = [one.partition(":")[2] for one in args.submodule]
    answer = Path("/builddir/answer.json")
    OUTPUT.mkdir(exist_ok=True)
    try:
        if not TREE.exists():
            check_out(args.commit, args.version_from, args.submodule)
        said: dict[str, object] = {**make(args.package, folders)}
    except EndOfPassError as missing:
        said = {"needs": missing.dependencies}
    except UnusableSourceError as error:
        said = {"unusable": str(error)}
    answer.write_text(json.dumps(said))
    return 0
