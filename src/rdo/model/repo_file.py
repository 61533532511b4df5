"""The sections of .repo files, as dnf reads them and all parts of rdo write them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace

OWN, NEIGHBOUR, DEPENDENCIES, BELOW_NEIGHBOUR, BASE, LAST_RESORT = 1, 20, 50, 60, 90, 300
"""The priorities of repositories in .repo files, roots and checks.

In order: the release, other targets that it depends on, bridged packages, bridged packages of those
targets, the base system, and the rest. The repositories of a platform come after its base layer
(`PRIORITY` of `roots/platform/dnf_base.py`).
"""

MIRRORLIST = "mirrorlist"
"""The file in which a repository gives its own address.

A name may move at any moment. So a host reads only this file under the name, and all other files at
the address in this file.
"""


@dataclass(frozen=True, slots=True)
class RepoTrust:
    """The signatures that dnf requires: of RPMs, of repomd.xml, by the keys at these URLs."""

    gpgcheck: bool = False
    repo_gpgcheck: bool = False
    gpgkey: tuple[str, ...] = ()


NOT_SIGNED = RepoTrust()


@dataclass(frozen=True, slots=True)
class RepoSection:
    """One repository in a .repo file.

    If several repositories have a package, dnf takes it from the one with the lowest `priority`.
    Values may come from metadata or from names on disk, so a value that would begin a new line or a
    section is refused with a ValueError.

    >>> print(RepoSection("delorean", "delorean-x", ("http://example.org/x",), priority=1), end="")
    [delorean]
    name=delorean-x
    baseurl=http://example.org/x
    enabled=1
    gpgcheck=0
    priority=1
    """

    id: str
    name: str
    baseurl: tuple[str, ...] = ()
    metalink: str = ""
    mirrorlist: str = ""
    gpgcheck: bool = False
    repo_gpgcheck: bool = False
    gpgkey: tuple[str, ...] = ()
    priority: int = 99
    exclude: tuple[str, ...] = ()
    module_hotfixes: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            for text in value if isinstance(value, tuple) else [value]:
                if isinstance(text, str) and "".join(text.splitlines()) != text:
                    raise ValueError(f"{field.name} of a .repo file cannot be {text!r}")
        if not self.id or set(self.id) & set("[] "):
            raise ValueError(f"a section of a .repo file cannot be called {self.id!r}")

    @property
    def url(self) -> str:
        """The URL of the repository, or of the name that points to it."""
        return next(iter(self.baseurl), self.mirrorlist.removesuffix(f"/{MIRRORLIST}"))

    def trusting(self, trust: RepoTrust) -> "RepoSection":
        """Return the section with these required signatures."""
        return replace(
            self,
            gpgcheck=trust.gpgcheck,
            repo_gpgcheck=trust.repo_gpgcheck,
            gpgkey=trust.gpgkey,
        )

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"[{self.id}]"
        yield f"name={self.name}"
        if self.baseurl:
            yield f"baseurl={_one_below_the_other(self.baseurl)}"
        if self.metalink:
            yield f"metalink={self.metalink}"
        if self.mirrorlist:
            yield f"mirrorlist={self.mirrorlist}"
        yield "enabled=1"
        yield f"gpgcheck={int(self.gpgcheck)}"
        if self.repo_gpgcheck:
            yield "repo_gpgcheck=1"
        if self.gpgkey:
            yield f"gpgkey={_one_below_the_other(self.gpgkey)}"
        yield f"priority={self.priority}"
        if self.exclude:
            yield f"exclude={' '.join(self.exclude)}"
        if self.module_hotfixes:
            yield "module_hotfixes=1"


def repo_file(sections: Iterable[RepoSection]) -> str:
    """Return the text of a .repo file, with an empty line between sections."""
    return "\n".join(map(str, sections))


def mirrorlist(*urls: str) -> str:
    """Return the text of a `MIRRORLIST`: the repository's own address, then others to try.

    >>> mirrorlist("http://example.org/deps/2", "http://example.org/deps/1")
    'http://example.org/deps/2/\\nhttp://example.org/deps/1/\\n'
    """
    return "".join(f"{url.rstrip('/')}/\n" for url in urls)


def _one_below_the_other(values: Iterable[str]) -> str:
    return "\n  ".join(values)
