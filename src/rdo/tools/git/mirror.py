"""git for the factory.

A `Mirror` is a bare repository with all branches and tags of one remote. No function here deletes
commits: what a remote has dropped can still be read by its hash, so that an old build can be
reproduced after a force-push.
"""

import contextlib
import logging
import posixpath
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from rdo import atomic
from rdo.errors import NotFoundError, OutsideError, RefusedError
from rdo.model.program import Completed
from rdo.model.text.url import without_secret
from rdo.run import Runner, run
from rdo.tools.git.login import git_address
from rdo.tools.git.settings import variables
from rdo.tools.walls.processes import at_work_in

log = logging.getLogger(__name__)

PROTOCOLS = ("file", "git", "http", "https", "ssh")
ASK_TIMEOUT_SECONDS = 120.0
FETCH_TIMEOUT_SECONDS = 3600.0
_LOCKS = ("*.lock", "refs/**/*.lock", "objects/info/**/*.lock", "objects/pack/*.lock")

# `git rev-parse --local-env-vars`: a caller's repository (a hook, a `git bisect run`) is not ours.
_REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
)
ENVIRONMENT: dict[str, str | None] = {
    **dict.fromkeys(_REPOSITORY_VARIABLES),
    **variables(),
    "GIT_ALLOW_PROTOCOL": ":".join(PROTOCOLS),
    "GIT_TERMINAL_PROMPT": "0",
}
_FORM = "--format=%H%x00%ct%x00%an%x00%s"
_REF = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64})\t(refs/[^\x00-\x20\x7f]+)")
_REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
# A gc in the background would outlive us, and pruning would lose force-pushed commits.
_MIRROR_SETTINGS = ("gc.autoDetach=false", "gc.pruneExpire=never", "maintenance.autoDetach=false")

NO_TEMPLATE = "--template="
"""A mirror gets no hooks, attributes or settings from a template of the user or the machine."""

_LINK = "120000"
_MESSAGES = 2000  # commits per run of git, whose output is limited


def link_target(folder: str, target: str) -> str:
    """Return the path in a repository that a link in `folder` names; empty if it leads outside.

    >>> [link_target("a/b", x) for x in ("../c.spec", "/etc/passwd", "../../../x", "d")]
    ['a/c.spec', '', '', 'a/b/d']
    """
    path = posixpath.normpath(posixpath.join(folder, target))
    is_outside = target.startswith("/") or path.split("/")[0] in {"..", ".", ".git"}
    return "" if is_outside else path


@dataclass(frozen=True, slots=True)
class GitCommit:
    """One of git's commits; `time` is the committer's, aware UTC."""

    hash: str
    time: datetime
    subject: str
    author: str = ""


def check_url(url: str) -> str:
    """Return `url` if git may use it, else raise RefusedError; git itself refuses other protocols.

    >>> check_url("ext::sh -c evil")
    Traceback (most recent call last):
    rdo.errors.RefusedError: not a git URL: 'ext::sh -c evil'; use file, git, http, https or ssh
    """
    protocol, separator, _ = url.partition("://")
    bad = not url or url.startswith("-") or "::" in protocol or not url.isprintable()
    if bad or (separator and protocol not in PROTOCOLS):
        raise RefusedError(
            f"not a git URL: {url!r}; use {', '.join(PROTOCOLS[:-1])} or {PROTOCOLS[-1]}"
        )
    return url


def ls_remote(
    url: str, *, timeout: float = ASK_TIMEOUT_SECONDS, runner: Runner = run
) -> dict[str, str]:
    """Return the branches and tags of a remote with their hashes, by full name (`refs/heads/x`).

    An annotated tag appears twice, as in git's output: with its own hash, and as `NAME^{}` with the
    hash of its commit.
    """
    with git_address(check_url(url)) as remote:
        command = ("git", *remote.options, "ls-remote", "--heads", "--tags", "--", remote.url)
        out = runner(*command, env=ENVIRONMENT, timeout=timeout).stdout
    # A server may send anything; lines that are not a ref with a hash are ignored.
    return {found[2]: found[1] for line in out.split("\n") if (found := _REF.fullmatch(line))}


@dataclass(frozen=True, slots=True)
class Mirror:
    """A bare repository with all branches and tags of a remote."""

    path: Path
    runner: Runner = run

    @classmethod
    def clone(cls, url: str, path: Path, *, runner: Runner = run) -> Self:
        """Make the mirror at `path`, which appears only when it is complete."""
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*"):  # left by a killed clone
            shutil.rmtree(left, ignore_errors=True)  # whose git may still be writing
        new = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        settings = [f"--config={setting}" for setting in _MIRROR_SETTINGS]
        with git_address(check_url(url)) as remote:
            clone = ("git", *remote.options, "clone", "--quiet", "--bare", NO_TEMPLATE, *settings)
            runner(*clone, "--", remote.url, new, env=ENVIRONMENT, timeout=FETCH_TIMEOUT_SECONDS)
        new.chmod(0o755)
        new.replace(path)
        return cls(path, runner)

    @classmethod
    def create(cls, path: Path, *, runner: Runner = run) -> Self:
        """Make an empty mirror, to be filled with `commit_folder`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        options = ("--quiet", "--bare", "--initial-branch=master", NO_TEMPLATE)
        runner("git", "init", *options, "--", path, env=ENVIRONMENT)
        mirror = cls(path, runner)
        for setting in _MIRROR_SETTINGS:
            mirror._git("config", *setting.split("="))
        # A folder is committed byte for byte, whatever its .gitattributes say.
        (path / "info").mkdir(exist_ok=True)
        (path / "info/attributes").write_text("* -text -ident -filter -working-tree-encoding\n")
        return mirror

    def fetch(self, url: str) -> None:
        """Fetch the remote's branches and tags; the caller must hold the mirror's lock.

        Refs that the remote has dropped are removed, but their commits stay. Raises OutsideError if
        another git is working in the locked mirror.
        """
        self.remove_stale_locks()
        options = ("--quiet", "--prune", "--no-write-fetch-head")
        with git_address(check_url(url)) as remote:
            command = (*remote.options, "fetch", *options, "--", remote.url, *_REFSPECS)
            self._git(*command, timeout=FETCH_TIMEOUT_SECONDS)

    def forget_secrets(self) -> None:
        """Remove users and passwords from URLs in the configuration, left by an older rdo.

        The source of a build can read the whole mirror.
        """
        file = self.path / "config"
        text = file.read_text(errors="surrogateescape")
        if without_secret(text) != text:
            # git itself keeps no copy of what it has overwritten
            atomic.write_file(file, without_secret(text).encode(errors="surrogateescape"))

    def remove_stale_locks(self) -> None:
        """Remove the lock files that a killed git left; the caller must hold the mirror's lock.

        A lock is stale if no git works in the mirror, because no other process of ours may. A git
        process that we cannot inspect counts if its user made one of the locks. Raises OutsideError
        if a git works there.
        """
        left = [lock for pattern in _LOCKS for lock in self.path.glob(pattern)]
        if not left:
            return
        users = set()
        for lock in left:
            with contextlib.suppress(FileNotFoundError):  # its git has just ended
                users.add(lock.lstat().st_uid)
        if owners := at_work_in(self.path, "git", users):
            numbers = ", ".join(map(str, owners))
            raise OutsideError(
                f"the mirror {self.path.name} is locked by a running git: process {numbers}",
                hint="the next round tries again; end that process if it hangs",
            )
        for lock in left:
            lock.unlink(missing_ok=True)
            name = lock.relative_to(self.path)
            log.warning("removed the lock %s of %s: its git was killed", name, self.path.name)

    def fault(self) -> str:
        """Return git's report of missing or damaged objects; empty if the mirror is complete."""
        done = self._run(
            "fsck",
            "--connectivity-only",
            "--no-dangling",
            "--no-progress",
            ok=range(256),
            timeout=FETCH_TIMEOUT_SECONDS,
        )
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        return (said or ["git fsck failed"])[0] if done.returncode else ""

    def resolve(self, ref: str) -> str | None:
        """Return the hash of the commit that a branch, tag or hash names; None if there is none."""
        args = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        return self._run(*args, ok=(0, 1, 128)).stdout.strip() or None

    def has_commit(self, hash_: str) -> bool:
        """Whether the mirror has this commit."""
        return self.resolve(hash_) is not None

    def commits_since(self, base: str, head: str) -> list[GitCommit]:
        """Return the first-parent commits after `base`, oldest first."""
        return self._log("--reverse", f"{base}..{head}")

    def newest(self, head: str, count: int = -1) -> list[GitCommit]:
        """Return the last `count` first-parent commits to `head` (negative: all), oldest first."""
        return self._log("--reverse", f"--max-count={count}", head)

    def changes(
        self, base: str | None, head: str, *, folder: str = "", limit: int = 20
    ) -> tuple[int, list[GitCommit]]:
        """Return, for display, how many commits lead from `base` to `head`, and the newest of them.

        All parents are followed, and merges are not counted; without `base` only the head is
        returned.
        """
        scope = ("--", f"{folder}/") if folder else ("--",)
        span = ("--no-merges", "--end-of-options", f"{base}..{head}", *scope) if base else ()
        if not span:
            span = ("--max-count=1", "--end-of-options", head, *scope)
        count = int(self._git("rev-list", "--count", *span))
        kept = self._git("log", f"--max-count={limit}", "--no-show-signature", _FORM, *span)
        return count, _commits(kept)

    def parents(
        self, heads: Iterable[str], *, but: str = "", folder: str = ""
    ) -> dict[str, tuple[str, ...]]:
        """Return the history of some commits: each commit, and its parents.

        Ancestors of `but` are left out, and so are commits that the mirror does not have. With a
        `folder` only commits that touch it are returned, and their parents are the nearest such
        commits.
        """
        asked = "".join(f"{head}\n" for head in heads) + (f"^{but}\n" if but else "")
        scope = ("--", f"{folder}/") if folder else ("--",)
        command = ("rev-list", "--parents", "--ignore-missing", "--stdin", *scope)
        rows = (
            line.split() for line in self._run(*command, stdin=asked.encode()).stdout.split("\n")
        )
        return {hash_: tuple(parents) for hash_, *parents in filter(None, rows)}

    def messages(self, hashes: Iterable[str]) -> dict[str, str]:
        """Return the whole messages of commits, by hash."""
        wanted = list(hashes)
        if not wanted:
            return {}
        args = ("log", "--no-walk=unsorted", "--no-show-signature", "-z", "--format=%H%n%B")
        found: dict[str, str] = {}
        for start in range(0, len(wanted), _MESSAGES):
            out = self._git(*args, *wanted[start : start + _MESSAGES], "--")
            rows = (record.partition("\n") for record in out.split("\0") if record)
            found |= {hash_: text for hash_, _, text in rows}
        return found

    def naming(self, word: str, limit: int = 100) -> list[str]:
        """Return the hashes of the commits of all refs whose messages contain a word, newest first.

        The word has only letters, digits, dashes and colons, and must stand alone: not in a longer
        number.
        """
        alone = f"(^|[^A-Za-z0-9]){word}([^A-Za-z0-9]|$)"
        found = self._git(
            *("log", "--all", "--extended-regexp", "--regexp-ignore-case", f"--grep={alone}"),
            *(f"--max-count={limit}", "--format=%H"),
        )
        return found.split()

    def last_change(self, head: str, folder: str) -> str | None:
        """Return the hash of the newest commit up to `head` that touches `folder`."""
        return self._git("log", "--max-count=1", "--format=%H", head, "--", folder).strip() or None

    def commit(self, hash_: str) -> GitCommit:
        """Return one commit with git's data about it."""
        return self._log("--max-count=1", hash_)[0]

    def commits(self, hashes: Iterable[str]) -> dict[str, GitCommit]:
        """Return several commits by hash, whatever their history."""
        wanted = list(hashes)
        found = self._log("--no-walk=unsorted", *wanted) if wanted else []
        return {commit.hash: commit for commit in found}

    def commit_time(self, hash_: str) -> datetime:
        """Return the committer's time of a commit."""
        return self.commit(hash_).time

    def is_ancestor(self, ancestor: str, head: str) -> bool:
        """Whether `head` descends from `ancestor`; False if that commit is not in the mirror."""
        args = ("merge-base", "--is-ancestor", "--end-of-options", ancestor, head)
        return self._run(*args, ok=(0, 1, 128)).returncode == 0

    def refs(self) -> dict[str, str]:
        """Return the mirror's branches and tags with their hashes, in the form of `ls_remote`."""
        # for-each-ref would peel a tag of a tag only once; ls-remote peels to the commit.
        command = ("show-ref", "--heads", "--tags", "--dereference")
        rows = (row.split(" ", 1) for row in self._run(*command, ok=(0, 1)).stdout.splitlines())
        return {name: hash_ for hash_, name in rows}

    def tags_before(self, hash_: str) -> list[tuple[str, str]]:
        """Return the tags of a commit and of its history, with the hashes of their objects.

        If the mirror does not have the commit, there are none.
        """
        command = ("for-each-ref", "--format=%(refname) %(objectname)", "--merged", hash_)
        rows = self._run(*command, "refs/tags", ok=(0, 128, 129)).stdout.splitlines()
        return [(name, tag) for name, _, tag in (row.rpartition(" ") for row in rows)]

    def tagged_commits(self) -> frozenset[str]:
        """Return the hashes of all commits that have a tag."""
        refs = self.refs()
        tags = {name: hash_ for name, hash_ in refs.items() if name.startswith("refs/tags/")}
        return frozenset(refs.get(f"{name}^{{}}", hash_) for name, hash_ in tags.items())

    def tags_at(self, hash_: str) -> list[str]:
        """Return the names of the tags on a commit."""
        out = self._git(
            "for-each-ref", "--format=%(refname:strip=2)", "--points-at", hash_, "refs/tags"
        )
        return out.splitlines()

    def tags_containing(self, hash_: str) -> list[str]:
        """Return the names of the tags whose history contains a commit, lowest version first."""
        return self._git(
            "for-each-ref",
            "--format=%(refname:strip=2)",
            "--sort=version:refname",
            "--contains",
            hash_,
            "refs/tags",
        ).splitlines()

    def list_files(self, ref: str, folder: str = "") -> list[str]:
        """Return the paths of all files at a ref, or of those in `folder`, without links."""
        scope = ("--", f"{folder.rstrip('/')}/") if folder else ()
        out = self._git("ls-tree", "-r", "-z", "--full-tree", self._known(ref), *scope)
        rows = (row.partition("\t") for row in out.split("\0") if row)
        return [path for entry, _, path in rows if entry.startswith("100")]

    def gitlinks(self, commit: str) -> dict[str, str]:
        """Return the submodules of a commit: the path of each, and the commit recorded for it."""
        out = self._git("ls-tree", "-r", "-z", "--full-tree", self._known(commit))
        rows = (row.partition("\t") for row in out.split("\0") if row)
        return {path: entry.split()[2] for entry, _, path in rows if entry.startswith("160000")}

    def submodule_urls(self, commit: str) -> dict[str, str]:
        """Return the URLs in a commit's .gitmodules, by path, as they are written."""
        command = (
            "config",
            "--blob",
            f"{self._known(commit)}:.gitmodules",
            "--list",
            "-z",
            "--no-includes",
        )
        done = self._run(*command, ok=range(256))
        values = dict(row.partition("\n")[::2] for row in done.stdout.split("\0") if row)
        named = {key.removesuffix(".path"): path for key, path in values.items()}
        return {
            path: values[f"{name}.url"]
            for name, path in named.items()
            if name.startswith("submodule.") and f"{name}.url" in values
        }

    @property
    def origin(self) -> str:
        """The URL that the mirror was cloned from, without a password; empty if we filled it."""
        return self._run("config", "--get", "remote.origin.url", ok=(0, 1)).stdout.strip()

    def set_origin(self, url: str) -> None:
        """Record the repository that this mirror stands for, if it was cloned from a copy."""
        self._git("config", "remote.origin.url", without_secret(url))

    def read_file(self, ref: str, path: str) -> str:
        """Return the text of one file at a ref; raises NotFoundError if it does not exist."""
        done = self._run("cat-file", "blob", f"{self._known(ref)}:{path}", ok=(0, 128))
        if done.returncode:
            raise NotFoundError(f"{ref} of {self.path.name} has no file {path}")
        return done.stdout

    def read_files(self, commit: str, paths: Collection[str]) -> dict[str, str]:
        """Return the texts of the files that a commit has, by path, with two git commands in all.

        Returns nothing if the commit is not in the mirror.
        """
        found = self._blobs(commit, *paths)
        return self._texts({path: hash_ for path, hash_ in found.items() if path in paths})

    def read_folder(self, commit: str, folder: str, suffix: str) -> dict[str, str]:
        """Return the texts of files directly in a folder (empty: the top), by path.

        Only files whose names end with `suffix` are read. A link to a regular file elsewhere in the
        commit has that file's text.
        """
        place = folder.strip("/")
        found = self._entries(commit, *([f"{place}/"] if place else []))
        mine = {path: one for path, one in found.items() if path.endswith(suffix)}
        texts = self._texts({path: hash_ for path, (mode, hash_) in mine.items() if mode != _LINK})
        links = self._texts({path: hash_ for path, (mode, hash_) in mine.items() if mode == _LINK})
        for path, target in links.items():
            leads_to = link_target(place, target)
            if leads_to and leads_to not in texts:
                text = self.read_files(commit, [leads_to]).get(leads_to)
                texts |= {path: text} if text is not None else {}
        return texts

    def file_names(self, commit: str) -> list[str]:
        """Return the paths of all regular files of a commit; none if it is not in the mirror."""
        command = ("ls-tree", "-z", "-r", "--full-tree", commit)
        rows = (row.partition("\t") for row in self._run(*command, ok=(0, 128)).stdout.split("\0"))
        return [path for entry, _, path in rows if entry.startswith("100")]

    def versions(self, is_wanted: Callable[[str], bool]) -> list[str]:
        """Return each text that files with wanted paths have had in any commit of any ref."""
        listed = self._git("rev-list", "--objects", "--all").splitlines()
        rows = (line.partition(" ") for line in listed)
        hashes = dict.fromkeys(hash_ for hash_, _, path in rows if path and is_wanted(path))
        return list(self._texts({hash_: hash_ for hash_ in hashes}).values())

    def _blobs(self, commit: str, *paths: str) -> dict[str, str]:
        """Return the regular files among these entries of a commit's tree, with blob hashes."""
        found = self._entries(commit, *paths)
        return {path: hash_ for path, (mode, hash_) in found.items() if mode != _LINK}

    def _entries(self, commit: str, *paths: str) -> dict[str, tuple[str, str]]:
        """Return the files and links among these entries, with their modes and blob hashes."""
        command = ("ls-tree", "-z", "--full-tree", commit, "--", *paths)
        rows = (row.partition("\t") for row in self._run(*command, ok=(0, 128)).stdout.split("\0"))
        entries = ((path, entry.split()) for entry, _, path in rows if entry[:2] in {"10", "12"})
        return {path: (mode, hash_) for path, (mode, _, hash_) in entries}

    def _texts(self, blobs: Mapping[str, str]) -> dict[str, str]:
        if not blobs:
            return {}
        mark = uuid.uuid4().hex  # no content can contain it
        names = "".join(f"{hash_}\n" for hash_ in blobs.values())
        done = self._run("cat-file", f"--batch={mark}", "--buffer", stdin=names.encode())
        texts = (text.removesuffix("\n") for text in done.stdout.split(f"{mark}\n")[1:])
        return dict(zip(blobs, texts, strict=True))

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into `folder`, without history.

        `git archive` is not used, because it omits what the project marks export-ignore, such as
        tests.
        """
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch:
            files = _FileArea(Path(scratch) / "index", folder)
            self._git("read-tree", self._known(commit), files=files)
            self._git("checkout-index", "--all", "--force", files=files)

    def checkout(self, commit: str, folder: Path) -> None:
        """Make `folder` a clone with history and tags, at `commit`.

        For tools that ask git for their version (pbr, setuptools-scm). It shares no inode with the
        mirror, because a build may change owner and content.
        """
        hash_ = self._known(commit)
        clone = ("clone", "--quiet", "--no-hardlinks", "--no-checkout", NO_TEMPLATE)
        command = ("git", *clone, "--", self.path, folder)
        self.runner(*command, env=ENVIRONMENT, timeout=FETCH_TIMEOUT_SECONDS)
        switch = ("-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", hash_)
        self.runner("git", "-C", folder, *switch, env=ENVIRONMENT)

    def commit_folder(
        self, folder: Path, *, parent: str | None, when: datetime, message: str
    ) -> str:
        """Commit the whole `folder`, including ignored files, and return the hash; no ref moves.

        The author is fixed, so that the same content, parent and time give the same hash.
        """
        with tempfile.TemporaryDirectory() as scratch:
            files = _FileArea(Path(scratch) / "index", folder)
            self._git("add", "--all", "--force", "--", ".", files=files)
            tree = self._git("write-tree", files=files).strip()
        return self._commit_tree(tree, parent, when, message)

    def commit_work_tree(
        self, top: Path, *, head: str, when: datetime, message: str, excludes: Path
    ) -> str:
        """Commit a work tree on top of its HEAD, which the mirror has; return the hash.

        Return HEAD if nothing differs.

        Only the files are read: neither the work tree's own repository nor its index. Files that
        git ignores there are left out unless they are tracked.
        """
        with tempfile.TemporaryDirectory() as scratch:
            files = _FileArea(Path(scratch) / "index", top)
            self._git("read-tree", head, files=files)
            ignoring = ("-c", f"core.excludesFile={excludes}")
            self._git(*ignoring, "add", "--all", "--", ".", files=files)
            tree = self._git("write-tree", files=files).strip()
        if tree == self._git("rev-parse", "--verify", f"{head}^{{tree}}").strip():
            return head
        return self._commit_tree(tree, head, when, message)

    def _commit_tree(self, tree: str, parent: str | None, when: datetime, message: str) -> str:
        stamp = f"{int(when.timestamp())} +0000"
        who = {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (("NAME", "rdo"), ("EMAIL", "rdo"), ("DATE", stamp))
        }
        parents = ("-p", parent) if parent else ()
        command = ("commit-tree", "--no-gpg-sign", *parents, "-m", message, tree)
        return self._git(*command, env=who).strip()

    def fetch_ref(self, url: str, ref: str) -> str:
        """Fetch one branch, tag, commit or other ref (`refs/changes/…`); return the hash.

        As for `fetch`, the caller must hold the mirror's lock.
        """
        self.remove_stale_locks()
        place = "refs/rdo/fetched"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head")
        with git_address(check_url(url)) as remote:
            command = (*remote.options, "fetch", *options, "--", remote.url, f"+{ref}:{place}")
            self._git(*command, timeout=FETCH_TIMEOUT_SECONDS)
        return self._known(place)

    def set_refs(self, refs: dict[str, str]) -> None:
        """Make these the only branches and tags, all at once or not at all."""
        gone = self.refs().keys() - refs.keys()
        lines = [f"update {name} {hash_}" for name, hash_ in refs.items()]
        lines += [f"delete {name}" for name in gone if not name.endswith("^{}")]
        self._run("update-ref", "--stdin", stdin="".join(f"{line}\n" for line in lines).encode())

    def _log(self, *args: str) -> list[GitCommit]:
        out = self._git("log", "--first-parent", "--no-show-signature", _FORM, *args, "--")
        return _commits(out)

    def _known(self, ref: str) -> str:
        hash_ = self.resolve(ref)
        if hash_ is None:
            raise NotFoundError(f"{self.path.name} has no branch, tag or commit {ref}")
        return hash_

    def _git(
        self,
        *args: str | Path,
        files: "_FileArea | None" = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> str:
        return self._run(*args, files=files, env=env, timeout=timeout).stdout

    def _run(
        self,
        *args: str | Path,
        files: "_FileArea | None" = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        ok: Collection[int] = (0,),
        stdin: bytes = b"",
    ) -> Completed:
        # GIT_DIR, not -C: a bare repository of another owner (data of a service user) is ours by
        # choice, and a repository around the current folder is never meant.
        places: dict[str, str | None] = {"GIT_DIR": str(self.path)}
        if files:
            places |= {"GIT_INDEX_FILE": str(files.index), "GIT_WORK_TREE": str(files.folder)}
        return self.runner(
            "git",
            *args,
            cwd=files.folder if files else None,
            env={**ENVIRONMENT, **places, **(env or {})},
            timeout=timeout,
            ok=ok,
            stdin=stdin,
        )


@dataclass(frozen=True, slots=True)
class _FileArea:
    """A folder of files with its index, for one operation on a bare repository."""

    index: Path
    folder: Path


def _commits(out: str) -> list[GitCommit]:
    """Parse git's output in the format `_FORM`."""
    rows = (line.split("\0", 3) for line in out.split("\n") if line)
    return [
        GitCommit(hash_, datetime.fromtimestamp(int(when), UTC), subject, author)
        for hash_, when, author, subject in rows
    ]
