"""mock, the build program: its command line, and the configuration of a chroot.

mock drops the cache of a root when its configuration is newer. So `write_config` leaves a file
alone that already has the right content, and repositories that change are passed on the command
line.
"""

import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo import atomic
from rdo.errors import CommandError, ConfigError, RefusedError
from rdo.log_tail import last_line, read_tail
from rdo.model.platform import Family, Platform
from rdo.model.program import Bounds, Logged
from rdo.model.repo_file import repo_file
from rdo.run import run
from rdo.tools.command import Command
from rdo.tools.rpm.dnf import repository_section

_SPECIAL = ("--rebuild", "--resultdir", "--uniqueext")
"""Options that distinguish this program from others of the same name."""

_HELPER = "mock-hermetic-repo"
_NO_LOCK = "--disable-plugin=buildroot_lock"
"""An option of the operator; mock itself lets --enable-plugin win."""

_BASE_PRIORITY = 100
"""Added to the priorities of a platform's repositories, so that those of a build come first."""

_COMMON_OPTIONS = ("--setopt=deltarpm=False", "--setopt=allow_vendor_change=yes", "--allowerasing")
"""mock's default options for dnf; naming more options replaces these."""

_REPRODUCIBLE = (
    "_buildhost rdo",
    "use_source_date_epoch_as_buildtime 1",
    "clamp_mtime_to_source_date_epoch 1",
)
"""Macros that make RPMs independent of when and where they are built."""

_CONFIG = """\
config_opts['root'] = {root!r}
config_opts['description'] = {description!r}
config_opts['target_arch'] = {arch!r}
config_opts['legal_host_arches'] = ({arch!r},)
config_opts['dist'] = {dist!r}
config_opts['releasever'] = {releasever!r}
config_opts['package_manager'] = 'dnf'
config_opts['use_bootstrap'] = {has_image}
{image}config_opts['chroot_setup_cmd'] = {setup!r}
config_opts['macros'].update({macros!r})
config_opts['plugin_conf']['buildroot_lock_enable'] = True
config_opts['dnf.conf'] = {dnf!r}
"""
_IMAGE = """\
config_opts['use_bootstrap_image'] = True
config_opts['bootstrap_image'] = {image!r}
config_opts['bootstrap_image_ready'] = True
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
class MockRun:
    """What one run of mock builds, in the chroot with a name, and where its results and log go.

    One run at a time may use a chroot. `dates` are variables for rpmbuild; without them, RPMs
    contain the time of their build.
    """

    srpm: Path
    results: Path
    chroot: str
    dates: Mapping[str, str]
    has_tests: bool
    log_file: Path
    env: Mapping[str, str]
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Mock:
    """The program and its chroot configuration, given by name or path.

    `user` is the ordinary user that mock becomes outside of chroots when root starts it.
    `isolation` is mock's: `simple`, `nspawn` or `auto`; `enabled` are repositories that the
    configuration disables.
    """

    config: str
    program: str = "mock"
    user: str = ""
    isolation: str = "simple"
    enabled: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def find(self) -> Path:
        """Return the path of the program; raises CommandError if it is missing, or another one."""
        found = shutil.which(self.program)
        if not found:
            raise CommandError(
                f"{self.program} is not installed",
                hint="install mock of rpm-software-management (dnf install mock; Debian 12 has"
                " none, and PyPI's package of this name is something else)",
            )
        said = self._help(found)
        if not all(option in said for option in _SPECIAL):
            raise CommandError(
                f"{found} is not the mock that builds RPMs",
                hint="set `program` to mock of rpm-software-management",
            )
        return Path(found)

    def version(self) -> str:
        """Return the version that the program prints."""
        done = run(self.program, "--version", env=self._environment({}), timeout=120, ok=range(256))
        return last_line(done.stdout, "of an unknown version")

    def fault(self) -> str:
        """Return mock's message if it may not run, or cannot read its configuration."""
        done = run(
            *(self.program, "-r", self.config, "--debug-config"),
            env=self._environment({}),
            timeout=120,
            ok=range(256),
        )
        return f"{done.stdout[-20_000:]}\n{done.stderr}" if done.returncode else ""

    def can_repeat(self) -> bool:
        """Whether the program is new enough to repeat a build from a lock."""
        return "--hermetic-build" in self._help(self.program)

    def rebuild(
        self, build: MockRun, repositories: Sequence[MockRepository], defines: Iterable[str]
    ) -> Logged:
        """Build a source RPM in the configured chroot."""
        has_lock = _NO_LOCK not in self.options and self.can_repeat()
        chroot = (
            *("-r", self.config),
            *(("--enable-plugin=buildroot_lock",) if has_lock else ()),
            *(f"--enablerepo={name}" for name in self.enabled),
            *repository_options(repositories),
        )
        macros = (f"--define={define}" for define in (*_REPRODUCIBLE, *defines))
        return self._rebuild(build, (*chroot, *macros))

    def prepare_repository(
        self, lock: Path, folder: Path, *, log_file: Path, bounds: Bounds
    ) -> str:
        """Download the RPMs and the image of a lock to a folder, and make its repodata.

        Existing RPMs stay. Return in one line why that failed; empty if it did not.
        """
        program = self._helper()
        words = (str(program), "--lockfile", str(lock), "--output-repo", str(folder))
        done = Command(words).log({}, log_file=log_file, cwd=folder, env={}, bounds=bounds)
        if not done.returncode and not done.limit:
            return ""
        lines = read_tail(log_file).splitlines()
        failed = [line for line in lines if "Download failed" in line]
        return f"{program.name} failed: {last_line(chr(10).join(failed or lines))}"

    def rebuild_from(self, build: MockRun, lock: Path, repository: Path) -> Logged:
        """Build a source RPM in a chroot with all packages of a prepared repository.

        Macros are those of the lock.
        """
        return self._rebuild(build, ("--hermetic-build", str(lock), str(repository)))

    def _rebuild(self, build: MockRun, chroot: Iterable[str]) -> Logged:
        dates = " ".join(f"{name}={shlex.quote(value)}" for name, value in build.dates.items())
        words = [
            *(self.program, *chroot, f"--uniqueext={build.chroot}"),
            *(f"--resultdir={build.results}", f"--isolation={self.isolation}", "--cleanup-after"),
            f"--config-opts=rpmbuild_command=env {dates} /usr/bin/rpmbuild",
            *(() if build.has_tests else ("--nocheck",)),
            *self.options,
            *("--rebuild", str(build.srpm)),
        ]
        return Command((*self._contained(), *words)).log(
            {},
            log_file=build.log_file,
            cwd=build.results,
            env=self._environment(build.env),
            bounds=build.bounds,
        )

    def _help(self, program: str) -> str:
        return run(program, "--help", env=self._environment({}), timeout=120, ok=range(256)).stdout

    def _helper(self) -> Path:
        """Return the path of mock-hermetic-repo: beside mock, or among the machine's programs."""
        beside = self.find().with_name(_HELPER)
        found = str(beside) if beside.exists() else shutil.which(_HELPER)
        if not found:
            raise CommandError(
                f"{_HELPER} is not installed", hint=f"it comes with mock: have it beside {beside}"
            )
        return Path(found)

    def _contained(self) -> tuple[str, ...]:
        """Return options that end everything in the chroot if mock itself is killed."""
        if os.geteuid() or self.isolation != "simple":
            return ()
        return ("unshare", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--")

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Return the variables from which mock, started by root, knows which user to become."""
        if os.geteuid() or not self.user:
            return dict(more)
        return {**more, "SUDO_UID": str(user_id(self.user))}


def user_id(name: str) -> int:
    """Return the number of a user; raises RefusedError if there is none, or if it is root."""
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
    rows = [(_url_of(one.folder), one.priority) for one in repositories]
    if not rows:
        return []
    options = [*_COMMON_OPTIONS]
    options += [f"--setopt={_id_of(url)}.priority={priority}" for url, priority in rows]
    return [
        *(f"--addrepo={url}" for url, _ in rows),
        *(f"--config-opts=dnf_common_opts={option}" for option in options),
    ]


def _url_of(folder: Path) -> str:
    """Return the URL of a repository, and those of the folders that its links point to.

    A chroot that begins with a bootstrap image sees only folders that are named.
    """
    linked = (path.resolve() for path in sorted(folder.glob("*")) if path.is_symlink())
    return ",".join(path.as_uri() for path in (folder, *filter(Path.is_dir, linked)))


def config_of(platform: Platform, root: str, image: str = "") -> str:
    """Return mock's configuration for a dnf platform.

    It depends only on the definition and the bootstrap image. With an image, dnf runs in it, and
    mock can repeat a build from its lock. The repositories of a build come before the platform's.
    Raises ConfigError for a platform whose packages mock cannot install.
    """
    if platform.family is not Family.DNF:
        raise ConfigError(
            f"mock cannot make chroots of platform {platform.name}: its packages are not RPMs",
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
        has_image=bool(image),
        image=_IMAGE.format(image=image) if image else "",
        setup=f"install {' '.join(platform.packages)}",
        macros={f"%{name}": value for name, value in sorted(platform.macros.items())},
        dnf=_DNF.format(
            module=f"module_platform_id={module}" if module else "",
            repositories=repo_file(sections),
        ),
    )


def write_config(file: Path, text: str) -> None:
    """Write a configuration with this text; a file that has it already is not touched."""
    if file.is_file() and file.read_text() == text:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_file(file, text)
    file.chmod(0o644)


def _id_of(url: str) -> str:
    """Return mock's name for a repository that was added by its URL."""
    _, *rest = url.split("://")
    return re.sub(r"[^a-zA-Z0-9_]", "", "/".join(rest).replace("/", "_"))
