"""Read the refs, commits and files of a clone without changing it."""

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from rdo.errors import CommandError, RefusedError
from rdo.model.program import Completed
from rdo.run import Runner, run
from rdo.tools.git.mirror import ENVIRONMENT
from rdo.tools.git.settings import kept
from rdo.tools.git.stops import is_locked, stopped

OLDEST_GIT = (2, 32)
_IN_PROGRESS = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}
_FIELDS = "%H%x1f%h%x1f%s%x1f%b%x1f%an <%ae>%x1e"


@dataclass(frozen=True, slots=True)
class PatchCommit:
    """A commit of a patches branch; `short` is git's abbreviation of its hash."""

    hash: str
    short: str
    subject: str
    body: str
    author: str

    @property
    def change_id(self) -> str:
        """Gerrit's Change-Id, which survives a rebase; empty if it has none."""
        found = re.findall(r"^Change-Id: (I[0-9a-f]+)\s*$", self.body, re.MULTILINE)
        return found[-1] if found else ""


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """The files that a commit changes; for `binary` ones git shows no lines."""

    files: tuple[str, ...]
    binary: tuple[str, ...]

    @classmethod
    def parse(cls, row: str) -> tuple[str, "ChangedFiles"]:
        """Return hash and files of one commit, as `git log --numstat -z` prints it.

        >>> ChangedFiles.parse("a1\\0\\n1\\t0\\ta b\\0-\\t-\\tlogo.png\\0")
        ('a1', ChangedFiles(files=('a b', 'logo.png'), binary=('logo.png',)))
        """
        commit, *rest = row.split("\0")
        counted = [one.lstrip("\n").split("\t", 2) for one in rest if one.count("\t") >= 2]
        binary = tuple(name for added, _, name in counted if added == "-")
        return commit.strip(), cls(tuple(name for _, _, name in counted), binary)


@dataclass(frozen=True, slots=True)
class ClonedHistory:
    """A git repository with a work tree in the folder `path`, for reading."""

    path: Path
    runner: Runner = run
    _kept: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)
    _places: dict[tuple[Path, str], str] = field(default_factory=dict, compare=False, repr=False)

    def check(self) -> None:
        """Raise RefusedError outside a git repository, CommandError if git is too old."""
        self.check_version()
        if self._run("rev-parse", "--git-dir", ok=(0, 128)).returncode:
            raise RefusedError(
                f"{self.path} is not in a git repository", hint="run this in a distgit's clone"
            )

    def check_version(self) -> None:
        """Raise CommandError if git is too old."""
        version = self._ask("version")
        numbers = re.search(r"(?<!\d)(\d+)\.(\d+)", version)
        if numbers and (int(numbers[1]), int(numbers[2])) < OLDEST_GIT:
            needed = ".".join(map(str, OLDEST_GIT))
            raise CommandError(f"{version.strip()} is too old; rdo pkg needs git {needed}")

    @property
    def git_dir(self) -> Path:
        """The git directory; that of the linked work tree if this is one."""
        return (self.path / self._place("--git-dir")).resolve()

    @property
    def common_dir(self) -> Path:
        """The git directory that linked work trees share."""
        return (self.path / self._place("--git-common-dir")).resolve()

    @property
    def top(self) -> Path:
        """The top folder of the work tree."""
        return Path(self._place("--show-toplevel"))

    def at_top(self) -> Self:
        """Return the same clone, seen from the top folder of its work tree."""
        return replace(self, path=self.top)

    @property
    def branch(self) -> str:
        """The branch that is checked out; empty if HEAD is detached."""
        done = self._run("symbolic-ref", "--quiet", "--short", "HEAD", ok=(0, 1))
        return done.stdout.strip()

    @property
    def in_progress(self) -> str:
        """The unfinished operation, such as `rebase` or `merge`; empty if there is none."""
        folder = self.git_dir
        return next((what for name, what in _IN_PROGRESS.items() if (folder / name).exists()), "")

    @property
    def changed_files(self) -> list[str]:
        """Tracked files that differ from HEAD, in the index or the work tree."""
        out = self._ask("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames")
        return [row[3:] for row in out.split("\0") if row]

    @property
    def tracked_files(self) -> list[str]:
        """The files in the index, by their paths in the top folder."""
        return [name for name in self._ask("ls-files", "-z").split("\0") if name]

    def resolve(self, ref: str) -> str:
        """Return the hash of the commit that a ref names; empty if there is none."""
        if not ref or ref.startswith("-"):
            return ""
        args = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return self._run(*args, ok=(0, 1, 128)).stdout.strip()

    def has_ref(self, name: str) -> bool:
        """Whether a ref with this full name (`refs/heads/x`) exists."""
        return self._run("show-ref", "--verify", "--quiet", name, ok=(0, 1)).returncode == 0

    def has_branch(self, name: str) -> bool:
        """Whether a local branch exists."""
        return self.has_ref(f"refs/heads/{name}")

    def has_remote_branch(self, name: str) -> bool:
        """Whether the remote-tracking branch `REMOTE/BRANCH` exists."""
        return self.has_ref(f"refs/remotes/{name}")

    def has_tag(self, name: str) -> bool:
        """Whether a tag exists."""
        return self.has_ref(f"refs/tags/{name}")

    def remotes(self) -> dict[str, str]:
        """Return the remotes with their URLs."""
        out = self._run("config", "--get-regexp", r"^remote\..*\.url$", ok=(0, 1)).stdout
        rows = (line.split(" ", 1) for line in out.splitlines())
        return {key.removeprefix("remote.").removesuffix(".url"): url for key, url in rows}

    def config(self, key: str) -> str:
        """Return a setting; empty if it is not set."""
        return self._run("config", "--get", key, ok=(0, 1, 2)).stdout.strip()

    def tags(self) -> list[str]:
        """Return all tags."""
        return self._ask("tag", "--list").splitlines()

    def tags_of(self, ref: str) -> list[str]:
        """Return the tags in a ref's history, highest version first."""
        out = self._ask("tag", "--merged", ref_name(ref), "--sort=-version:refname")
        return out.splitlines()

    def newest_tags(self, count: int) -> list[str]:
        """Return the tags with the highest versions."""
        options = ("--sort=-version:refname", f"--count={count}", "--format=%(refname:strip=2)")
        return self._ask("for-each-ref", *options, "refs/tags").splitlines()

    def describe(self, ref: str, without: Sequence[str] = ()) -> str:
        """Return the nearest tag in a ref's history, ignoring `without`; empty if there is none."""
        others = [f"--exclude={tag}" for tag in without]
        done = self._run("describe", "--abbrev=0", "--tags", *others, ref_name(ref), ok=(0, 128))
        return done.stdout.strip()

    def contains(self, ref: str, commit: str) -> bool:
        """Whether a commit is in the history of a ref."""
        args = ("merge-base", "--is-ancestor", ref_name(commit), ref_name(ref))
        return self._run(*args, ok=(0, 1)).returncode == 0

    def commits(self, base: str, head: str) -> list[PatchCommit]:
        """Return the commits of `head` that are not in `base`, oldest first, without merges."""
        return self.commits_touching(base, head, ())

    def commits_touching(self, base: str, head: str, files: Sequence[str]) -> list[PatchCommit]:
        """Return those of `commits` that touch one of the files, oldest first."""
        args = ("log", "--no-merges", "--topo-order", "--reverse", "--no-show-signature")
        out = self._ask(*args, f"--format={_FIELDS}", f"{ref_name(base)}..{head}", "--", *files)
        rows = (row.strip("\n").split("\x1f") for row in out.split("\x1e") if row.strip("\n"))
        return [PatchCommit(*row) for row in rows]

    def changed_by(self, base: str, head: str) -> dict[str, ChangedFiles]:
        """Return what each commit of `head` that is not in `base` changes, by hash.

        Merges are left out, and submodules, which a patch file cannot change.
        """
        args = ("log", "--no-merges", "--format=%x1e%H", "--numstat", "-z", "--no-renames")
        span = f"{ref_name(base)}..{ref_name(head)}"
        out = self._ask(*args, "--ignore-submodules=all", "--no-textconv", span, "--")
        return dict(ChangedFiles.parse(row) for row in out.split("\x1e")[1:])

    def submodules_changed_by(self, base: str, head: str) -> dict[str, tuple[str, ...]]:
        """Return the submodules that each commit of `head` that is not in `base` changes, by hash.

        Merges are left out, and commits that change none.
        """
        args = ("log", "--no-merges", "--format=%x1e%H", "--raw", "-z", "--no-renames")
        span = f"{ref_name(base)}..{ref_name(head)}"
        out = self._ask(*args, "--ignore-submodules=none", span, "--")
        found = {}
        for row in out.split("\x1e")[1:]:
            commit, *rest = (one.strip("\n") for one in row.split("\0"))
            pairs = itertools.pairwise(rest)
            changed = (path for modes, path in pairs if re.match(r":(\d+ )?160000 ", modes))
            found[commit] = tuple(changed)
        return {commit: paths for commit, paths in found.items() if paths}

    def merges(self, base: str, head: str) -> list[str]:
        """Return the hashes of the merges of `head` that are not in `base`."""
        span = f"{ref_name(base)}..{ref_name(head)}"
        return self._ask("rev-list", "--merges", span, "--").split()

    def message(self, ref: str) -> str:
        """Return the whole message of a commit."""
        return self._ask("log", "--max-count=1", "--format=%B", ref_name(ref), "--")

    def patch_ids(self, base: str, head: str, files: Sequence[str] = ()) -> dict[str, str]:
        """Return the hashes of the commits by git's patch ids (changes without line numbers).

        With `files`, only commits that touch one of them.
        """
        diffs = self._ask(
            *("log", "--no-merges", "-p", "--no-ext-diff", "--no-textconv", "--full-diff"),
            *(f"{ref_name(base)}..{head}", "--", *files),
        )
        out = self._ask("patch-id", "--stable", stdin=diffs.encode(errors="surrogateescape"))
        rows = (line.split() for line in out.splitlines())
        return {row[0]: row[1] for row in rows if len(row) == 2}

    def files_of(self, base: str, head: str) -> list[str]:
        """Return the files that the commits after `base` touch."""
        args = ("log", "--no-merges", "--format=", "--name-only", "-z", f"{ref_name(base)}..{head}")
        return sorted({name for name in self._ask(*args, "--").split("\0") if name})

    def file_at(self, ref: str, path: str) -> str | None:
        """Return the text of a file at a ref; None if the ref does not have it."""
        done = self._run("cat-file", "blob", f"{ref_name(ref)}:{path}", ok=(0, 128))
        return None if done.returncode else done.stdout

    def bytes_at(self, ref: str, path: str) -> bytes | None:
        """Return the bytes of a file at a ref; None if the ref does not have it."""
        done = self._run("cat-file", "blob", f"{ref_name(ref)}:{path}", ok=(0, 128))
        return None if done.returncode else done.raw

    def blob(self, sha: str) -> str | None:
        """Return the text of a blob; None if git has removed it."""
        done = self._run("cat-file", "blob", sha, ok=(0, 128))
        return None if done.returncode else done.stdout

    def diff(
        self, old: str, new: str, *paths: str, stat: bool = False, most: int | None = None
    ) -> str:
        """Return the difference of two trees or commits, as `git diff` prints it.

        With `stat`, only a row for each file, for at most `most` files.
        """
        options = ("--stat", *([f"--stat-count={most}"] if most else [])) if stat else ()
        command = ("diff", "--no-ext-diff", "--no-textconv", *options)
        return self._ask(*command, ref_name(old), ref_name(new), *(("--", *paths) if paths else ()))

    def last_change(self) -> str:
        """Return the newest commit with the names of its files."""
        return self._ask("log", "--name-status", "--no-notes", "--max-count=1")

    def _place(self, option: str) -> str:
        """Return a folder from `git rev-parse`; it never changes, so git is asked once."""
        key = self.path, option
        if key not in self._places:
            self._places[key] = self._ask("rev-parse", option)
        return self._places[key]

    def _ask(self, *args: str, stdin: bytes = b"") -> str:
        return self._run(*args, stdin=stdin).stdout.strip("\n")

    def _run(
        self,
        *args: str,
        ok: Collection[int] = (0,),
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Completed:
        changes = {**ENVIRONMENT, **self._own_settings(), "GIT_EDITOR": "true", **(env or {})}
        command = ("git", "-C", str(self.path), *args)
        try:
            return self.runner(*command, env=changes, ok=ok, stdin=stdin, timeout=timeout)
        except CommandError as error:
            if is_locked(str(error)):
                raise stopped("change the clone", str(error)) from error
            raise

    def _own_settings(self) -> Mapping[str, str | None]:
        """Return the user's own git settings that apply here; git is asked once."""
        if not self._kept:
            self._kept.update(own_settings(self.path, self.runner))
        return self._kept


def own_settings(folder: Path, runner: Runner = run) -> dict[str, str | None]:
    """Return the environment variables with the user's own git settings that apply in `folder`."""
    env = {**ENVIRONMENT, "GIT_CONFIG_COUNT": None}
    listed = runner(
        *("git", "-C", str(folder), "config", "--list", "-z", "--show-scope"),
        env=env,
        ok=range(256),
    )
    return kept(listed.stdout if listed.returncode == 0 else "")


def ref_name(name: str) -> str:
    """Return the name of a ref or remote, unless git would read it as an option.

    It may come from a spec, the metadata or a remote's tags; raises RefusedError.
    """
    if name.startswith("-"):
        raise RefusedError(f"git has no branch, tag or remote that begins with a dash: {name!r}")
    return name
