"""Run dnf repoquery: the versions of packages in a yum repository, by its URL."""

import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cmp_to_key
from pathlib import Path

from rpm import labelCompare

from rdo.errors import CommandError, OutsideError, RefusedError
from rdo.model.repo_file import RepoSection
from rdo.run import Runner, run

_PROTOCOLS = ("http", "https", "file", "ftp")
_FIELDS = "%{name}\\t%{epoch}\\t%{version}\\t%{release}\\n"
_NAME = re.compile(r"[A-Za-z0-9_][\w.+()\[\]-]*")


@dataclass(frozen=True, slots=True)
class Found:
    """The newest package of one name in one repository."""

    name: str
    epoch: str
    version: str
    release: str

    @property
    def nvr(self) -> str:
        """Name, version and release."""
        return f"{self.name}-{self.version}-{self.release}"


def newest_first(found: Iterable[tuple[str, Found]]) -> list[tuple[str, Found]]:
    """Return the repositories and their packages, the newest version first."""

    def by_version(one: tuple[str, Found], other: tuple[str, Found]) -> int:
        return compare(other[1], one[1])

    return sorted(found, key=cmp_to_key(by_version))


def compare(one: Found, other: Found) -> int:
    """Return a number less than, equal to or greater than 0, as rpm orders the versions."""
    a, b = ((x.epoch or "0", x.version, x.release) for x in (one, other))
    return int(labelCompare(a, b))


@dataclass(frozen=True, slots=True)
class RepoQuery:
    """dnf with one repository, isolated from this machine; `cache` keeps metadata for a while."""

    cache: Path
    runner: Runner = run

    def newest(self, url: str, names: Iterable[str]) -> dict[str, Found]:
        """Return the newest package of each of these names in the repository at `url`.

        Raises RefusedError if `url` is not a URL, OutsideError if the repository cannot be read.
        """
        protocol, separator, _ = url.partition("://")
        if not separator or protocol not in _PROTOCOLS or not url.isprintable() or " " in url:
            raise RefusedError(f"not the URL of a repository: {url!r}")
        wanted = [name for name in dict.fromkeys(names) if _NAME.fullmatch(name)]
        if not wanted:
            return {}
        self.cache.mkdir(parents=True, exist_ok=True)
        options = (
            "--setopt=reposdir=/dev/null",
            *("--noplugins", f"--setopt=cachedir={self.cache.resolve()}", "--releasever", "1"),
            *("--setopt=metadata_expire=600", "--setopt=gpgcheck=0", "--setopt=retries=2"),
            *("--setopt=timeout=30", "--setopt=skip_if_unavailable=0"),
            *("--repo", "asked"),
            *("repoquery", "--latest-limit=1", "--queryformat", _FIELDS, "--", *wanted),
        )
        # The URL may contain a password: it is in a private file, not on the command line.
        with tempfile.TemporaryDirectory(prefix="rdo-repoquery-") as private:
            configuration = Path(private) / "dnf.conf"
            section = RepoSection("asked", "asked", (url,))
            configuration.write_text(f"[main]\n\n{section}")
            program = ("dnf", "--quiet", "--config", str(configuration))
            done = self.runner(*program, *options, timeout=900, ok=range(256))
        if done.returncode:
            raise _error(url, done.stderr)
        return _read(done.stdout)


def _read(out: str) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for line in out.splitlines():
        fields = line.split("\t")
        if len(fields) == 4:
            one = Found(*fields)
            kept = found.get(one.name)
            found[one.name] = one if kept is None or compare(one, kept) > 0 else kept
    return found


def _error(url: str, said: str) -> CommandError | OutsideError:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    why = lines[-1] if lines else "it printed nothing"
    if "repo 'asked'" in said:
        reason = re.sub(r"^.*?repo 'asked':?\s*", "", why)
        return OutsideError(
            f"cannot read the repository {url}: {reason}",
            hint="check the network and the URL",
        )
    return CommandError(f"dnf repoquery: {why}")
