"""mock of rpm-software-management: its command line, and the configuration of a chroot.

mock drops the cache of a root when its configuration is newer. So `write_config` leaves a file
alone that has the right content already, and repositories that change are named on the command
line.
"""

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo import atomic
from rdo.errors import CommandError, ConfigError, RefusedError
from rdo.log_tail import last_line
from rdo.model.platform import Family, Platform
from rdo.model.program import Bounds, Logged
from rdo.model.repo_file import repo_file
from rdo.run import run
from rdo.tools.command import Command
from rdo.tools.rpm.dnf import repository_section

_SPECIAL = ("--rebuild", "--resultdir", "--uniqueext")
"""Options by which this program is told from others of the same name."""

_BASE_PRIORITY = 100
"""Added to the priorities of a platform's repositories, so that those of a build come first."""

_COMMON_OPTIONS = ("--setopt=deltarpm=False", "--setopt=allow_vendor_change=yes", "--allowerasing")
"""What mock passes to dnf by default; naming more options replaces these."""

_CONFIG = """\
config_opts['root'] = {root!r}
config_opts['description'] = {description!r}
config_opts['target_arch'] = {arch!r}
config_opts['legal_host_arches'] = ({arch!r},)
config_opts['dist'] = {dist!r}
config_opts['releasever'] = {releasever!r}
config_opts['package_manager'] = 'dnf'
config_opts['use_bootstrap'] = False
config_opts['chroot_setup_cmd'] = {setup!r}
config_opts['macros'].update({macros!r})
config_opts['plugin_conf']['buildroot_lock_enable'] = True
config_opts['dnf.conf'] = {dnf!r}
"""
_DNF = """\
[main]
keepcache=1
debuglevel=2
reposdir=/dev/null
logfile=/var/log/yum.log
retries=5
obsoletes=1
assumeyes=1
install_weak_deps=0
metadata_expire=0
best=1
protected_packages=
{module}
{repositories}
"""


@dataclass(frozen=True, slots=True)
class MockRepository:
    """A folder with repodata that one build may use, and its priority for dnf."""

    folder: Path
    priority: int


@dataclass(frozen=True, slots=True)
class Mock:
    """The program and the chroot configuration that it reads, as a name or a path.

    `user` is the ordinary user that it becomes outside of chroots when root starts it.
    `isolation` is mock's: `simple`, `nspawn` or `auto`; `enabled` are repositories of the
    configuration that are off there.
    """

    config: str
    program: str = "mock"
    user: str = ""
    isolation: str = "simple"
    enabled: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def find(self) -> Path:
        """Return where the program is; raise CommandError if it is absent, or another one."""
        found = shutil.which(self.program)
        if not found:
            raise CommandError(
                f"{self.program} is not installed",
                hint="install mock of rpm-software-management (dnf install mock; Debian 12 has"
                " none, and PyPI's package of this name is something else)",
            )
        said = run(found, "--help", env=self._environment({}), timeout=120, ok=range(256)).stdout
        if not all(option in said for option in _SPECIAL):
            raise CommandError(
                f"{found} is not the mock that builds RPMs",
                hint="set `program` to mock of rpm-software-management",
            )
        return Path(found)

    def version(self) -> str:
        """Return the version that the program says of itself."""
        done = run(self.program, "--version", env=self._environment({}), timeout=120, ok=range(256))
        return last_line(done.stdout, "of an unknown version")

    def fault(self) -> str:
        """Return what mock says when it may not run, or cannot read its configuration."""
        done = run(
            *(self.program, "-r", self.config, "--debug-config"),
            env=self._environment({}),
            timeout=120,
            ok=range(256),
        )
        return f"{done.stdout[-20_000:]}\n{done.stderr}" if done.returncode else ""

    def rebuild(
        self,
        srpm: Path,
        results: Path,
        repositories: Sequence[MockRepository],
        *,
        chroot: str,
        defines: Iterable[str] = (),
        has_tests: bool = True,
        log_file: Path,
        env: Mapping[str, str],
        bounds: Bounds,
    ) -> Logged:
        """Build a source RPM in the chroot of this name; one build at a time may use it."""
        words = [
            *(self.program, "-r", self.config, f"--uniqueext={chroot}"),
            *(f"--resultdir={results}", f"--isolation={self.isolation}", "--cleanup-after"),
            *(f"--enablerepo={name}" for name in self.enabled),
            *repository_options(repositories),
            *(f"--define={define}" for define in defines),
            *(() if has_tests else ("--nocheck",)),
            *self.options,
            *("--rebuild", str(srpm)),
        ]
        return Command((*self._contained(), *words)).log(
            {}, log_file=log_file, cwd=results, env=self._environment(env), bounds=bounds
        )

    def _contained(self) -> tuple[str, ...]:
        """Return what ends all that mock has started in the chroot when mock itself is killed."""
        if os.geteuid() or self.isolation != "simple":
            return ()
        return ("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--")

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the variables by which mock, started by root, knows whom to become."""
        if os.geteuid() or not self.user:
            return dict(more)
        return {**more, "SUDO_UID": str(user_id(self.user))}


def user_id(name: str) -> int:
    """Return the number of a user; raise RefusedError if there is none, or if it is root."""
    import pwd

    try:
        found = pwd.getpwnam(name).pw_uid
    except KeyError:
        raise RefusedError(f"this machine has no user {name}", hint=f"useradd {name}") from None
    if not found:
        raise RefusedError(
            "mock must not work as root outside of its chroots",
            hint="set `user` to an ordinary user of the group mock",
        )
    return found


def repository_options(repositories: Iterable[MockRepository]) -> list[str]:
    """Return the options that add repositories, each with its priority.

    >>> for option in repository_options([MockRepository(Path("/srv/a-1/x"), 5)]): print(option)
    --addrepo=file:///srv/a-1/x
    --config-opts=dnf_common_opts=--setopt=deltarpm=False
    --config-opts=dnf_common_opts=--setopt=allow_vendor_change=yes
    --config-opts=dnf_common_opts=--allowerasing
    --config-opts=dnf_common_opts=--setopt=_srv_a1_x.priority=5
    """
    rows = list(repositories)
    if not rows:
        return []
    options = [*_COMMON_OPTIONS]
    options += [f"--setopt={_id_of(one.folder)}.priority={one.priority}" for one in rows]
    return [
        *(f"--addrepo={one.folder.as_uri()}" for one in rows),
        *(f"--config-opts=dnf_common_opts={option}" for option in options),
    ]


def config_of(platform: Platform, root: str) -> str:
    """Return mock's configuration for a dnf platform.

    It depends on the definition alone. The repositories of a build come before the platform's.
    Raises ConfigError for a platform whose packages mock cannot install.
    """
    if platform.family is not Family.DNF:
        raise ConfigError(
            f"mock cannot make chroots of platform {platform.name}: its packages are no RPMs",
            hint="use a platform of an RPM distribution, or set `mock-config` of the builder",
        )
    sections = (
        replace(repository_section(one), priority=one.priority + _BASE_PRIORITY)
        for one in platform.repositories
    )
    module = platform.module_platform_id
    return _CONFIG.format(
        root=root,
        description=f"{platform.name}, written by rdo",
        arch=platform.arch,
        dist=platform.dist.removeprefix("."),
        releasever=platform.releasever,
        setup=f"install {' '.join(platform.packages)}",
        macros={f"%{name}": value for name, value in sorted(platform.macros.items())},
        dnf=_DNF.format(
            module=f"module_platform_id={module}" if module else "",
            repositories=repo_file(sections),
        ),
    )


def write_config(file: Path, text: str) -> None:
    """Have a configuration with this text; a file that has it already is not touched."""
    if file.is_file() and file.read_text() == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_file(file, text)
    file.chmod(0o644)


def _id_of(folder: Path) -> str:
    """Return what mock calls a repository that was added by its URL."""
    return re.sub(r"[^a-zA-Z0-9_]", "", str(folder).replace("/", "_"))
