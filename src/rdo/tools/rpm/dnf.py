"""dnf, isolated from this machine: it sees only the repositories of one platform.

Before each run, everything that decides what dnf reads is written into `folder`: its configuration,
and a home with rpm macros that put the RPM database, and with it the keyring, into `folder` too.
That database has no packages, so an installation is planned as for an empty root.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo import atomic
from rdo.errors import CommandError, ConfigError, OutsideError, RefusedError
from rdo.model.platform import BaseRepository, Platform
from rdo.model.repo_file import RepoSection, repo_file
from rdo.run import Runner, run

_NEVRA = "%{name}-%{evr}.%{arch}"
_UNREACHABLE = re.compile(
    r"Failed to download metadata for repo '(?P<repo>[^']+)'(: (?P<why>.*))?"
    r"|Failed to retrieve GPG key for repo '(?P<key>[^']+)'(: (?P<keywhy>.*))?"
)
_NO_FILE = re.compile(
    r"No more mirrors to try|Error downloading packages|Curl error", re.IGNORECASE
)
_UNSIGNED = re.compile(
    r"GPG check FAILED|not signed|is not correct for this package|not installed\."
)
_NO_MATCH = re.compile(r"(?:No match for argument|No package|Unable to find a match): *(.*)")


def _as_root() -> tuple[str, ...]:
    """Return the beginning of a command that must run as root but only writes files of ours."""
    return () if os.geteuid() == 0 else ("unshare", "--map-root-user", "--")


@dataclass(frozen=True, slots=True)
class Dnf:
    """The repositories of `platform` as they were at the last `refresh`."""

    platform: Platform
    folder: Path
    runner: Runner = run

    def refresh(self) -> None:
        """Fetch the metadata of every repository again; dnf verifies the checksums."""
        self._run("makecache", "--refresh", timeout=3600)

    def download_closure(self, packages: Sequence[str], target: Path) -> list[Path]:
        """Download the RPMs needed to install `packages` into an empty root; check signatures."""
        target.mkdir(parents=True, exist_ok=True)
        command = ("install", "--downloadonly", "--downloaddir", str(target.resolve()))
        self._run(*command, "--", *packages, timeout=7200)
        return sorted(target.glob("*.rpm"))

    def download(self, packages: Sequence[str], target: Path) -> None:
        """Download exactly these packages, given as NEVRAs without a zero epoch, into `target`."""
        target.mkdir(parents=True, exist_ok=True)
        command = ("download", "--destdir", str(target.resolve()), "--arch", self.platform.arch)
        self._run(*command, "--arch", "noarch", "--", *packages, timeout=7200)

    def metadata(self, repository: BaseRepository) -> Path:
        """Return the folder with the repodata of one repository.

        Raises CommandError if it is missing.
        """
        name = re.compile(re.escape(repository.name) + r"-[0-9a-f]{16}")
        found = [path for path in (self.folder / "cache").iterdir() if name.fullmatch(path.name)]
        if len(found) != 1:
            raise CommandError(f"{self.folder} has no metadata of repository {repository.name}")
        return found[0]

    def visible(self, repository: BaseRepository) -> set[str]:
        """Return the NEVRAs of a repository that excludes and module streams do not hide."""
        done = self._run(
            *("repoquery", "--quiet", "--cacheonly", "--repo", repository.name),
            *("--queryformat", f"{_NEVRA}\\n"),
            timeout=600,
        )
        return set(filter(None, done.splitlines()))

    def is_genuine(self, rpm: Path) -> bool:
        """Whether an RPM is intact and signed with an imported key."""
        done = self.runner(
            *("rpmkeys", "--define", "_pkgverify_level signature", "--checksig", rpm),
            env=self._environment(),
            timeout=300,
            ok=range(256),
        )
        return done.returncode == 0

    def _environment(self) -> dict[str, str | None]:
        return {"HOME": str(self.folder.resolve() / "home"), "XDG_CONFIG_HOME": None}

    def _run(self, *args: str, timeout: float) -> str:
        self._write_configuration()
        done = self.runner(
            *_as_root(),
            *("dnf", "--config", self.folder.resolve() / "dnf.conf", "--assumeyes"),
            *("--releasever", self.platform.releasever),
            *("--disableplugin=*", "--enableplugin=download", *args),
            env=self._environment(),
            timeout=timeout,
            ok=range(256),
        )
        if done.returncode:
            raise self._error(args[0], f"{done.stderr}\n{done.stdout}")
        return done.stdout

    def _write_configuration(self) -> None:
        home = self.folder.resolve() / "home"
        home.mkdir(parents=True, exist_ok=True)
        atomic.write_file(home / ".rpmmacros", f"%_dbpath {home / 'rpmdb'}\n")
        atomic.write_file(self.folder / "dnf.conf", "\n".join([*self._configuration(), ""]))

    def _configuration(self) -> Iterator[str]:
        folder = self.folder.resolve()
        yield "[main]"
        for name in ("cache", "persist", "log"):
            yield f"{name}dir={folder / name}"
        for key in ("reposdir", "varsdir", "pluginconfpath"):
            yield f"{key}={folder / 'none'}"
        yield "best=1\ninstall_weak_deps=0\nskip_if_unavailable=0\nmetadata_expire=never"
        yield "keepcache=0\nretries=5\ntimeout=30\nprotected_packages=\ntsflags="
        if self.platform.module_platform_id:
            yield f"module_platform_id={self.platform.module_platform_id}"
        yield repo_file(map(repository_section, self.platform.repositories))

    def _error(self, command: str, said: str) -> Exception:
        """Return the error for the user that dnf's last output means."""
        name = self.platform.name
        if found := _UNREACHABLE.search(said):
            repo = found["repo"] or found["key"]
            one = next((x for x in self.platform.repositories if x.name == repo), None)
            address = (" ".join(one.gpgkey) if found["key"] else one.address) if one else ""
            what = f"the key of repository {repo}" if found["key"] else f"repository {repo}"
            why = (found["why"] or found["keywhy"] or "").strip()
            return OutsideError(
                f"cannot fetch {what} of platform {name} from {address}: {why}",
                hint="check the URL in its definition and the network, then try again",
            )
        tail = "\n".join(said.strip().splitlines()[-8:])
        if missing := _NO_MATCH.findall(said):
            keys = "`packages`"
            if self.platform.interpreter and self.platform.python_program in missing:
                keys = "[interpreter]"
            return ConfigError(
                f"platform {name}: no repository has {', '.join(dict.fromkeys(missing))}",
                hint=f"fix {keys} or `repositories` in its definition",
            )
        if _UNSIGNED.search(said):
            return RefusedError(
                f"platform {name}: a package is not signed with its repository's key\n{tail}"
            )
        if _NO_FILE.search(said):
            return OutsideError(f"platform {name}: cannot download packages\n{tail}")
        return CommandError(f"dnf {command} for platform {name} failed\n{tail}")


def repository_section(repository: BaseRepository) -> RepoSection:
    """Return a platform's repository as a section for dnf."""
    return RepoSection(
        repository.name,
        repository.name,
        repository.baseurl,
        metalink=repository.metalink,
        mirrorlist=repository.mirrorlist,
        gpgcheck=repository.gpgcheck,
        gpgkey=repository.gpgkey,
        priority=repository.priority,
        exclude=repository.exclude,
        module_hotfixes=repository.module_hotfixes,
    )
