"""apt and dpkg-deb: Debian packages for a tree other than this machine's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.checksum import sha256_of
from rdo.errors import CommandError, OutsideError
from rdo.run import Runner, run

_URI = re.compile(
    r"^'(?P<url>[^']+)' (?P<file>\S+) (?P<size>\d+) (?:SHA256:)?(?P<sha256>[0-9a-f]{64})?$"
)


@dataclass(frozen=True, slots=True)
class Deb:
    """One Debian package to download; `version` is Debian's, with epoch and revision."""

    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Apt:
    """The host's apt, working on another tree, with that tree's dpkg database and its own lists.

    `folder` contains lists and archives; the packages are for `tree`. `mirror` is used for suites
    that this machine's apt is not configured for; `arch` is Debian's name of an architecture. With
    `of_sources` it has only the suite's source packages.
    """

    folder: Path
    tree: Path
    suite: str
    mirror: str
    arch: str
    runner: Runner = run
    of_sources: bool = False

    def closure(self, names: Sequence[str]) -> list[Deb]:
        """Return the packages to add so that `names` are installed, without recommendations."""
        self._prepare()
        # If apt saw its archives, it would leave out what they contain.
        nothing = f"Dir::Cache::archives={self.folder.resolve() / 'none'}"
        done = self._apt("install", "--print-uris", "-o", nothing, *names)
        return [deb for line in done.splitlines() if (deb := _deb(line))]

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Return those of `names` that the suite does not have."""
        self._prepare()
        done = self.runner(
            *("apt-cache", *self._options(), "policy", *names), timeout=120, ok=(0, 100)
        )
        known = re.findall(
            r"^(\S+):\n  Installed: .*\n  Candidate: (?!\(none\))", done.stdout, re.M
        )
        return [name for name in names if name not in known]

    def download(self, debs: Sequence[Deb]) -> list[Path]:
        """Return the .deb files, each with the hash by which it was chosen.

        apt compares downloads with the signed lists; older files here are compared again. Raises
        OutsideError if the mirror has other content under the same version.
        """
        archives = self.folder / "cache/archives"
        lacking = [deb for deb in debs if _hash(archives / deb.file) != deb.sha256]
        if lacking:
            for deb in lacking:
                (archives / deb.file).unlink(missing_ok=True)
            pins = [f"{deb.name}={deb.version}" for deb in lacking]
            self._apt("install", "--download-only", *pins)
        for deb in lacking:
            if _hash(archives / deb.file) != deb.sha256:
                raise OutsideError(
                    f"the mirror of {self.suite} has a different {deb.file} than the one chosen",
                    hint="choose again with: rdo platform update",
                )
        return [archives / deb.file for deb in debs]

    def source(self, name: str) -> list[Path]:
        """Return the files of a source package in the suite, according to its signed lists.

        Older files here are compared again. Raises CommandError if the suite has no such package.
        """
        self.update()
        place = self.folder / "sources"
        place.mkdir(exist_ok=True)
        # Files in the working folder would be left out of the list.
        listed = self._apt("source", "--print-uris", name, cwd=self.folder / "none").splitlines()
        self._apt("source", "--download-only", name, cwd=place)
        return [place / match["file"] for line in listed if (match := _URI.match(line))]

    def _prepare(self) -> None:
        """Fetch the lists if there are none; `update` fetches them again."""
        if not (self.folder / "state/lists").is_dir():
            self.update()

    def update(self) -> None:
        """Fetch the suite's lists; raises CommandError if the mirror does not answer."""
        for name in ("state/lists/partial", "cache/archives/partial", "none/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        keyring = self.tree.resolve() / "usr/share/keyrings/debian-archive-keyring.gpg"
        site = mirror_of(self.suite, self.runner) or self.mirror
        kind = "deb-src" if self.of_sources else "deb"
        line = f"{kind} [signed-by={keyring}] {site} {self.suite} main\n"
        (self.folder / "sources.list").write_text(line)
        self.runner("apt-get", *self._options(), "update", timeout=600)

    def _apt(self, command: str, *args: str, cwd: Path | None = None) -> str:
        options = ("-qq", "-y", "--no-install-recommends")
        line = ("apt-get", *self._options(), *options, command, *args)
        return self.runner(*line, timeout=1800, cwd=cwd).stdout

    def _options(self) -> list[str]:
        folder = self.folder.resolve()
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::status": self.tree.resolve() / "var/lib/dpkg/status",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": self.arch,
            "APT::Sandbox::User": "root",
            "Acquire::ForceHash": "sha256",  # what --print-uris shows
            "Debug::NoLocking": "true",
            "APT::Get::List-Cleanup": "false",
        }
        return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _hash(path: Path) -> str:
    """Return the sha256 of a file; "" if it does not exist."""
    try:
        return sha256_of(path)
    except FileNotFoundError:
        return ""


def _deb(line: str) -> Deb | None:
    match = _URI.match(line)
    if match is None or not match["sha256"]:
        return None
    name, version, _ = match["file"].removesuffix(".deb").split("_")
    return Deb(name, version.replace("%3a", ":"), match["file"], match["sha256"])


def mirror_of(suite: str, runner: Runner = run) -> str:
    """Return the site from which this machine gets a suite; empty if it does not use that suite."""
    try:
        sites = runner(
            *("apt-get", "indextargets", "--format", "$(CODENAME) $(SITE)"),
            "Created-By: Packages",
            ok=(0, 100),
        )
    except CommandError:  # there is no apt here
        return ""
    rows = (line.split() for line in sites.stdout.splitlines())
    return next((row[1] for row in rows if len(row) == 2 and row[0] == suite), "")
