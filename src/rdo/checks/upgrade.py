"""Check that dnf can upgrade a host that has all packages of one repository to another one."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rdo import atomic
from rdo.checks.findings import CheckAnswer, CheckName, Defect, no_space
from rdo.checks.host_root import RPMS, HostRoot, host_root
from rdo.checks.together import full_host
from rdo.disk_usage import is_full
from rdo.errors import CommandError
from rdo.model.repo_file import BASE, RepoSection, repo_file
from rdo.roots.platform.platforms import BaseLayer
from rdo.solver import Chosen, Solution, SolverRepository, solve
from rdo.tools.rpm.createrepo import CreateRepo
from rdo.tools.walls.entry import Bind

log = logging.getLogger(__name__)

_SECONDS = 1800.0
_DNF = "dnf"
_REPOS = "/rdo-repos"
_BASE = "base-system"


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade of a host: the repositories it was installed from, and those it gets.

    `older` and `checked` are the names of the target's own repositories among them. `tree` contains
    all folders of both, and is what the root sees. `packages` are those of the release by RPM.
    """

    base: BaseLayer
    roots: Path
    before: Sequence[SolverRepository]
    older: Sequence[str]
    after: Sequence[SolverRepository]
    checked: Sequence[str]
    tree: Path
    packages: Mapping[str, str]


def check_upgrade(what: Upgrade, log_file: Path) -> CheckAnswer:
    """Record the older packages in a fresh root, and let its dnf test the upgrade.

    Nothing is installed: rpm tests the transaction that dnf chose, with the new packages.
    """
    arch = what.base.platform.arch
    tools = solve([_DNF], what.before, arch=arch)
    if not isinstance(tools, Solution):
        why = "neither the base system nor the dependencies have dnf"
        return CheckAnswer(
            CheckName.UPGRADE, skipped=f"{why}; rdo platform deps add @host brings it"
        )
    needed = {one.nevra for one in tools.packages}
    host = full_host(what.older, what.before, arch=arch, also=[one.nevra for one in tools.packages])
    older = [one for one in what.base.fetch(host.packages) if one.nevra not in needed]
    with (
        host_root(what.base, what.roots, Bind(what.tree, _REPOS)) as root,
        log_file.open("w") as text,
    ):
        _install(root, what.base.fetch(tools.packages), text)
        _install(root, older, text, "--justdb", "--ignoresize", "--noscripts")
        _offer_base(root, what)
        (root.rpms / "rdo.repo").write_text(_repo_file(what))
        log.info("upgrading %d packages", len(older))
        done = root.root.ask(
            *("dnf", f"--setopt=reposdir={RPMS}", "--setopt=tsflags=test", "--nogpgcheck"),
            *("--setopt=install_weak_deps=0", "--setopt=cachedir=/tmp/dnf", "--disableplugin=*"),
            *("--setopt=logdir=/tmp", "--setopt=persistdir=/tmp/dnf-state"),
            *(f"--releasever={what.base.platform.releasever}", "--best", "--assumeyes", "upgrade"),
            privileged=True,
            timeout=_SECONDS,
            ok=range(256),
        )
        said = done.stdout + done.stderr
        text.write(said)
    if done.returncode and is_full(what.roots):
        raise no_space(CheckName.UPGRADE)
    if done.returncode == 0:
        return CheckAnswer(CheckName.UPGRADE, said=f"{len(older)} packages, {_summary(said)}")
    return CheckAnswer(CheckName.UPGRADE, (_defect(what, said),))


def _install(root: HostRoot, packages: Sequence[Chosen], text: IO[str], *flags: str) -> None:
    """Install packages; with the flags used here only the RPM database changes."""
    if not packages:
        return
    words = ("-i", "--nosignature", "--nodeps", *flags)
    done = root.rpm(*words, packages=packages, seconds=_SECONDS)
    text.write(done.stdout + done.stderr)
    if done.returncode:
        raise CommandError(f"the host before the upgrade cannot be made\n{done.stderr.strip()}")


def _offer_base(root: HostRoot, what: Upgrade) -> None:
    """Make a repository of the packages that a host then has from the platform's repositories."""
    (root.rpms / _BASE).mkdir()
    known = {one.name for one in what.after if one.folder.is_relative_to(what.tree)}
    host = full_host(what.checked, what.after, arch=what.base.platform.arch)
    others = [one for one in host.packages if one.repository not in known]
    for one in what.base.fetch(others):
        atomic.link_or_copy(one.path.resolve(), root.rpms / _BASE / f"{one.nevra}.rpm")
    CreateRepo().create(root.rpms / _BASE)


def _repo_file(what: Upgrade) -> str:
    """Return the .repo file of the root: the repositories after the upgrade, by their folders."""
    sections = (
        RepoSection(
            one.name,
            one.name,
            (f"file://{_REPOS}/{one.folder.resolve().relative_to(what.tree.resolve())}",),
            priority=one.priority,
        )
        for one in what.after
        if not one.installed and one.folder.resolve().is_relative_to(what.tree.resolve())
    )
    base = RepoSection(_BASE, _BASE, (f"file://{RPMS}/{_BASE}",), priority=BASE)
    return repo_file([*sections, base])


def _summary(said: str) -> str:
    """Return what dnf says it would do, or that there is nothing to do."""
    rows = re.findall(r"^(Upgrade|Install|Remove)\s+(\d+) Packages?", said, re.MULTILINE)
    return ", ".join(f"{verb.lower()} {count}" for verb, count in rows) or "nothing to do"


def _defect(what: Upgrade, said: str) -> Defect:
    """Return dnf's or rpm's objection to the upgrade, in their own words."""
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    start = next((n for n, line in enumerate(lines) if line.startswith("Error")), None)
    reasons = lines[start:] if start is not None else lines[-10:]
    told = [line for line in reasons if line not in {"Error:", "Error: Transaction test error:"}]
    first = (told or reasons or ["dnf says no more"])[0].strip()
    package = next((what.packages[x] for x in what.packages if f"{x}-" in first), _DNF)
    return Defect(
        CheckName.UPGRADE,
        package,
        f"dnf does not upgrade a host: {first}",
        tuple(line.strip() for line in told[:20]),
    )
