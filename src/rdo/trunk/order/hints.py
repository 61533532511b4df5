"""Guess what a package will require when it is built.

The hints come from the text of the spec, whose macros are not expanded, from the Python
requirements that the sources declare in plain text, and from what the last build required. Most of
today's specs compute their BuildRequires while building, usually from these same requirements; a
hint that is missed here costs a second try.
"""

import contextlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from html import unescape

from packaging.requirements import InvalidRequirement, Requirement

from rdo.model.commit import Commit
from rdo.model.package import Package
from rdo.model.text.toml_text import read_toml
from rdo.python_names import capability
from rdo.store import Transaction
from rdo.tools.git.mirror import Mirror
from rdo.trunk.sources.poll import Remotes

_BUILD_REQUIRES = re.compile(r"^BuildRequires:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_SPLIT = re.compile(r"\s*,\s*|\s+(?![<>=])(?<![<>=] )")
_ENTRY = re.compile(r'<rpm:entry name="([^"]*)"')


def declared_requires(remotes: Remotes, package: Package, commit: Commit) -> frozenset[str]:
    """Return the build requirements that spec and sources of a commit declare in plain text."""
    text = spec_text(remotes.distgit(package), package.spec_hash(commit), package.distgit_path)
    upstream = remotes.upstream(package, commit)
    return build_requires(text) | source_requires(upstream, commit.upstream_hash)


def spec_text(distgit: Mirror, commit: str, folder: str = "") -> str:
    """Return the text of the .spec at a commit; empty if there is not exactly one."""
    texts = distgit.read_folder(commit, folder, ".spec")
    return next(iter(texts.values())) if len(texts) == 1 else ""


def build_requires(text: str) -> frozenset[str]:
    """Return the BuildRequires that are plain text in a spec.

    >>> sorted(build_requires("BuildRequires: git-core, python3dist(pbr) >= 2 python3-devel"))
    ['git-core', 'python3-devel', 'python3dist(pbr) >= 2']
    """
    found: set[str] = set()
    for line in _BUILD_REQUIRES.findall(text):
        plain = line.partition("#")[0].strip()
        found |= {plain} if plain.startswith("(") else set(_SPLIT.split(plain))
    return frozenset(need for need in found if need and "%" not in need)


def source_requires(upstream: Mirror, commit: str) -> frozenset[str]:
    """Return the Python requirements in the files of a source, as RPM names without versions."""
    texts = upstream.read_files(commit, _DECLARATIONS)
    return frozenset(name for path, text in texts.items() for name in _DECLARATIONS[path](text))


def _requirements_txt(text: str) -> Iterator[str]:
    """
    >>> list(_requirements_txt("pbr!=2.1.0,>=2.0.0 # Apache-2.0\\n-e ../x\\noslo.i18n>=3.15.3\\n"))
    ['python3dist(pbr)', 'python3dist(oslo-i18n)']
    """
    return _capabilities(line.partition("#")[0] for line in text.splitlines())


def _core_metadata(text: str) -> Iterator[str]:
    headers = text.partition("\n\n")[0].splitlines()
    key = "Requires-Dist:"
    return _capabilities(line.removeprefix(key) for line in headers if line.startswith(key))


def _pyproject(text: str) -> Iterator[str]:
    try:
        table = read_toml(text)
        lists = (
            table.get("project", {}).get("dependencies", []),
            table.get("build-system", {}).get("requires", []),
        )
        lines = [str(line) for one in lists for line in one]
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):  # the build will report it
        return iter(())
    return _capabilities(lines)


def _capabilities(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        with contextlib.suppress(InvalidRequirement):  # an option of pip, or a path
            yield capability(Requirement(line.strip()).name)


_DECLARATIONS = {
    "requirements.txt": _requirements_txt,
    "pyproject.toml": _pyproject,
    "PKG-INFO": _core_metadata,
}


def last_build_requires(at: Transaction, target: str) -> dict[str, frozenset[str]]:
    """Return what each package's newest good build required, by package, without versions.

    A source RPM's requirements include those found only while it was built. Its metadata is
    createrepo_c's own, so a pattern does the work of an XML parser, much faster.
    """
    sources = [one for one in at.artifacts.good(target) if one.artifact.is_source]
    fragments = at.artifacts.fragments([one.id for one in sources])
    found: dict[str, frozenset[str]] = {}
    for one in sources:
        after = fragments[one.id].primary.partition("<rpm:requires>")[2]
        names = _ENTRY.findall(after.partition("</rpm:requires>")[0])
        found[one.package] = frozenset(map(unescape, names))
    return found


def can_bootstrap(text: str) -> bool:
    """Whether the spec supports a bootstrap build."""
    return "repo_bootstrap" in text
