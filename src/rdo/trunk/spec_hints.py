"""What a package will probably ask for when it is built.

Only hints: the text of the spec, whose macros are not run, and what the last build really
needed. Most of today's specs learn their BuildRequires while building; what is missed here
costs a second try.
"""

import re
from html import unescape

from rdo.store import Transaction
from rdo.tools.git import Mirror

_BUILD_REQUIRES = re.compile(r"^BuildRequires:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_SPLIT = re.compile(r"\s*,\s*|\s+(?![<>=])(?<![<>=] )")
_REQUIRES = re.compile(r"<rpm:requires>(.*?)</rpm:requires>", re.DOTALL)
_ENTRY = re.compile(r'<rpm:entry name="([^"]*)"')


def spec_text(distgit: Mirror, commit: str, folder: str = "") -> str:
    """The text of the .spec at a commit; empty if there is not exactly one to be found."""
    if not distgit.has_commit(commit):
        return ""
    depth = folder.strip("/").count("/") + 1 if folder else 0
    specs = [
        path
        for path in distgit.list_files(commit, folder)
        if path.endswith(".spec") and path.count("/") == depth
    ]
    return distgit.read_file(commit, specs[0]) if len(specs) == 1 else ""


def build_requires(text: str) -> frozenset[str]:
    """The BuildRequires that stand in a spec as plain text.

    >>> sorted(build_requires("BuildRequires: git-core, python3dist(pbr) >= 2 python3-devel"))
    ['git-core', 'python3-devel', 'python3dist(pbr) >= 2']
    """
    found: set[str] = set()
    for line in _BUILD_REQUIRES.findall(text):
        plain = line.partition("#")[0].strip()
        found |= {plain} if plain.startswith("(") else set(_SPLIT.split(plain))
    return frozenset(need for need in found if need and "%" not in need)


def last_build_requires(at: Transaction, target: str) -> dict[str, frozenset[str]]:
    """What each package's newest good build needed, by package, without versions.

    A source RPM's requirements include what was only learned while it was built. Its metadata
    is createrepo_c's own, so a pattern does what an XML parser would, much faster.
    """
    sources = [one for one in at.artifacts.good(target) if one.artifact.is_source]
    fragments = at.artifacts.fragments([one.id for one in sources])
    found: dict[str, frozenset[str]] = {}
    for one in sources:
        section = _REQUIRES.search(fragments[one.id].primary)
        names = _ENTRY.findall(section[1]) if section else []
        found[one.package] = frozenset(map(unescape, names))
    return found


def can_bootstrap(text: str) -> bool:
    """Whether the spec knows how to be built without what needs it."""
    return "repo_bootstrap" in text
