"""fedpkg's verbs and flags: their counterparts here, or the reason why there is none."""

from collections.abc import Mapping
from types import MappingProxyType

_MODULES = "modules are not built here"
_CONTAINERS = "containers are not built here"
_SIDE_TAGS = "use the command koji for side tags"
_FEDORA = "only Fedora's own services can do it: use Fedora's fedpkg"

NOT_HERE: Mapping[str, str] = MappingProxyType(
    {
        "container-build": _CONTAINERS,
        "container-build-setup": _CONTAINERS,
        "fork": _FEDORA,
        "gitbuildhash": "ask Koji: koji buildinfo NVR",
        "gitcred": "git asks for passwords by its own credential.helper",
        "list-side-tags": _SIDE_TAGS,
        "mock-config": "rdo platform show prints the platform's own, and koji mock-config Koji's",
        "module-build": _MODULES,
        "module-build-cancel": _MODULES,
        "module-build-info": _MODULES,
        "module-build-local": _MODULES,
        "module-build-watch": _MODULES,
        "module-overview": _MODULES,
        "module-scratch-build": _MODULES,
        "override": _FEDORA,
        "patch": "rdo pkg patch makes patch files of a branch",
        "remote": "use git remote add",
        "remove-side-tag": _SIDE_TAGS,
        "request-side-tag": _SIDE_TAGS,
        "request-tests-repo": _FEDORA,
        "update": "rdo update hands builds over to users; for Bodhi use Fedora's fedpkg",
    }
)
"""Verbs that are not supported, each with the reason."""

ADDED: Mapping[str, tuple[str, ...]] = MappingProxyType({"retire": ("--push",)})
"""Options that fedpkg's verbs imply and ours do not."""

_PLACES = "the verb always leaves the files in the same place"
_ARCH = "a platform has one architecture: choose it with --platform"
_SUM = "`sources` is written with sha512; md5 can only be read"
_HUB = "the hub decides; rdo sends no such option"
_MOCK_SRPM = "the SRPM is made in a sandbox already"
_FRESH = "each root is fresh and is removed at the end"
_BUILDS = {
    "--arches": "the farm's target chooses the architectures",
    "--md5": _SUM,
    "--background": _HUB,
    "--fail-fast": _HUB,
    "--skip-remote-rules-validation": _HUB,
    "--skip-nvr-check": "only the hub checks the NVR",
    "--custom-user-metadata": "rdo uses it to find its builds again",
}
_SRPM_BUILDS = {
    **_BUILDS,
    "--srpm-mock": _MOCK_SRPM,
    "--root": _MOCK_SRPM,
    "--mock-config": _MOCK_SRPM,
    "-r": _MOCK_SRPM,
}
_RPMBUILD = {"--builddir": _PLACES, "--buildrootdir": _PLACES, "--arch": _ARCH}
_STAGES = {
    **_RPMBUILD,
    "--short-circuit": "a fresh root has no earlier stage to continue from",
    "--nocheck": "tests are run; --without check skips them where the spec allows it",
}
_MOCK = {"--no-clean": _FRESH, "-n": _FRESH, "--no-cleanup-after": _FRESH}
_MOCK |= {"--no-clean-all": _FRESH, "-N": _FRESH, "--srpm-mock": _MOCK_SRPM}

_OF_A_TICKET = (
    *("--namespace", "--description", "-d", "--monitor", "-m", "--upstreamurl", "-u"),
    *("--summary", "-s", "--exception", "--no-initial-commit"),
)

REFUSED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "": {
            "--password": "everybody can see a command line: use ~/.netrc",
            "--runas": "git and the farm know one user; set theirs",
        },
        "build": {
            **_SRPM_BUILDS,
            "--skip-tag": _HUB,
            "--draft": _HUB,
        },
        "scratch-build": _SRPM_BUILDS,
        "chain-build": _BUILDS,
        "compile": _STAGES,
        "install": _STAGES,
        "copr-build": {"--config": "the token is named by the builder's config-file in rdo.toml"},
        "lint": {
            "--info": "rpmlint's own option: run rpmlint -i",
            "-i": "rpmlint's own option: run rpmlint -i",
            "--rpmlintconf": "NAME.rpmlintrc beside the spec is read",
            "-r": "NAME.rpmlintrc beside the spec is read",
        },
        "local": {**_RPMBUILD, "--md5": _SUM},
        "mockbuild": {
            **_MOCK,
            "--md5": _SUM,
            "--shell": "rdo pkg local --shell opens a shell in the root",
            "--enablerepo": "rdo build --repo URL adds a repository",
            "--disablerepo": "a platform has the repositories that its definition names",
            "--enable-network": "rdo build --enable-network lets a build reach the network",
            "--extra-pkgs": "rdo build --additional-package installs more",
            "--use-koji-mock-config": "name a configuration of mock's with --root",
            "--use-local-mock-config": "name a configuration of mock's with --root",
            "--default-mock-resultdir": "name the folder with --results",
        },
        "prep": {**_RPMBUILD, "--check-deps": "%prep runs in a sandbox of this machine"},
        "releases-info": {
            "--epel": _FEDORA,
            "-e": _FEDORA,
            "--fedora": _FEDORA,
            "-f": _FEDORA,
        },
        "request-branch": {
            "--namespace": _FEDORA,
            "--sl": _FEDORA,
            "--no-git-branch": _FEDORA,
            "--no-auto-module": _FEDORA,
            "--all-releases": _FEDORA,
        },
        "request-repo": dict.fromkeys(_OF_A_TICKET, _FEDORA),
        "srpm": {
            **_RPMBUILD,
            **_MOCK,
            "--md5": _SUM,
            "--root": _MOCK_SRPM,
            "--mock-config": _MOCK_SRPM,
            "-r": _MOCK_SRPM,
        },
        "verify-files": _RPMBUILD,
    }
)
"""Flags that are not supported, by verb ("": flags before the verb), each with the reason."""


def refusal(verb: str, args: list[str]) -> str:
    """Return why the first unsupported argument is not supported; empty if all are.

    >>> refusal("srpm", ["--md5"])
    '--md5 is not supported: `sources` is written with sha512; md5 can only be read'
    """
    known = REFUSED.get(verb, {})
    for word in args:
        if word == "--":
            break
        if why := known.get(word.partition("=")[0]):
            return f"{word.partition('=')[0]} is not supported: {why}"
    return ""
