"""Distgits with patches branches, for the tests of `rdo pkg`."""

from pathlib import Path
from typing import NamedTuple

import pytest

from rdo.cli import main, rdopkg
from tests.conftest import GitRepository

SPEC = """\
Name:             foo-bar
Epoch:            1
Version:          {version}
Release:          {release}
Summary:          Amazing foo-bar package

License:          Apache-2.0
URL:              https://example.test/foo-bar
Source0:          {source}
{extra}
BuildArch:        noarch
Requires:         python3-oslo-config >= 2

%description
foo-bar is useful to all beings.

%prep
{prep}

%install
touch %{{buildroot}}/foo

%files
/foo

%changelog
* Mon Mar 23 2015 Old Hand <old@example.test> 1:{version}-1
- Update to upstream {version} (rhbz#123456)
"""


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Distgit(GitRepository):
    """A distgit with tags of its upstream and patches branches in the same repository."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
        super().__init__(path)
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def spec(
        self,
        *,
        version: str = "1.0.0",
        release: str = "1%{?dist}",
        source: str = "foo-bar-%{version}.tar.gz",
        extra: str = "",
        prep: str = "%autosetup -p1",
        name: str = "foo-bar.spec",
        text: str = "",
    ) -> str:
        """Commit a spec and return the hash."""
        whole = text or SPEC.format(
            version=version, release=release, source=source, extra=extra, prep=prep
        )
        return self.commit("Initial import", {name: whole})

    @property
    def text(self) -> str:
        [spec] = self.path.glob("*.spec")
        return spec.read_text()

    def edit(self, old: str, new: str) -> None:
        """Replace a text in the spec."""
        [spec] = self.path.glob("*.spec")
        text = spec.read_text()
        assert old in text
        spec.write_text(text.replace(old, new, 1))

    def tag(self, key: str) -> str:
        """The value of a tag of the spec."""
        line = next(x for x in self.text.splitlines() if x.startswith(f"{key}:"))
        return line.partition(":")[2].strip()

    @property
    def patches(self) -> list[str]:
        """The files that the `Patch` tags name."""
        lines = [x for x in self.text.splitlines() if x.startswith("Patch")]
        return [line.partition(":")[2].strip() for line in lines]

    @property
    def changes(self) -> list[str]:
        """The lines of the newest changelog entry."""
        entry = self.text.partition("%changelog\n")[2].partition("\n\n")[0]
        return entry.splitlines()[1:]

    @property
    def message(self) -> str:
        return self.git("log", "--max-count=1", "--format=%B")

    @property
    def state(self) -> dict[str, str]:
        """Everything that a verb could change: refs, HEAD, files and the index."""
        files = {
            f"file {path.relative_to(self.path)}": path.read_bytes().hex()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(self.path).parts
        }
        refs = self.git("for-each-ref", "refs/heads", "refs/tags", "refs/remotes")
        return {
            **files,
            "refs": refs,
            "HEAD": (self.path / ".git/HEAD").read_text(),
            "status": self.git("status", "--porcelain", "--untracked-files=no"),
            "config": (self.path / ".git/config").read_text(),
        }

    def upstream_version(self, version: str, files: dict[str, str], base: str = "") -> None:
        """A tag with a version of upstream, in a history that the distgit does not share."""
        here = self.git("rev-parse", "--abbrev-ref", "HEAD")
        if base:
            self.git("checkout", "--quiet", "--detach", base)
        else:
            self.git("checkout", "--quiet", "--orphan", "upstream-history")
            self.git("rm", "-r", "--force", "--quiet", ".")
        self.commit(f"Release {version}", files)
        self.git("tag", version)
        self.git("checkout", "--quiet", here)
        if not base:
            self.git("branch", "--quiet", "-D", "upstream-history")

    def patch_commits(
        self,
        *commits: tuple[str, dict[str, str]],
        base: str = "1.0.0",
        branch: str = "master-patches",
    ) -> None:
        """Commits on the patches branch, which begins at `base` if it is new."""
        here = self.git("rev-parse", "--abbrev-ref", "HEAD")
        known = self.git("branch", "--list", branch)
        self.git(
            "checkout", "--quiet", *(() if known else ("-b",)), branch, *(() if known else (base,))
        )
        for subject, files in commits:
            self.commit(subject, files)
        self.git("checkout", "--quiet", here)

    def remote_patches(self, url: Path, branch: str = "master-patches") -> GitRepository:
        """A remote `patches` with the patches branch."""
        remote = GitRepository(url)
        self.git("remote", "add", "patches", str(url))
        self.git("push", "--quiet", "patches", branch)
        self.git("fetch", "--quiet", "patches")
        return remote

    def rdopkg(self, *args: str, code: int = 0) -> Said:
        """Run rdopkg here, as its user types it."""
        return self._run(rdopkg.run, args, code)

    def pkg(self, *args: str, code: int = 0) -> Said:
        """Run `rdo pkg` here."""
        return self._run(main.run, ("pkg", *args), code)

    def tried(self, *args: str) -> Said:
        """Run `rdo pkg` here, and accept any exit code."""
        return self._run(main.run, ("pkg", *args), None)

    def _run(self, program: object, args: tuple[str, ...], code: int | None) -> Said:
        self._monkeypatch.chdir(self.path)
        self._capsys.readouterr()  # type: ignore[attr-defined]
        found = program(args)  # type: ignore[operator]
        said = self._capsys.readouterr()  # type: ignore[attr-defined]
        assert code in (None, found), f"{found}\n{said.out}\n{said.err}"
        return Said(found, said.out, said.err)
