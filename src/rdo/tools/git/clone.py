"""A maintainer's clone: a git repository with a work tree, branches and remotes.

Each change is logged as a git command, so that the maintainer sees and learns it. Only `push`
pushes, and never without a lease.
"""

import contextlib
import logging
import os
import shlex
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rdo.errors import RefusedError
from rdo.model.program import Completed
from rdo.run import Runner, hand_over, run
from rdo.tools.git.cloned_history import ClonedHistory, PatchCommit, own_settings, ref_name
from rdo.tools.git.mirror import (
    ASK_TIMEOUT_SECONDS,
    ENVIRONMENT,
    FETCH_TIMEOUT_SECONDS,
    check_url,
)
from rdo.tools.git.stops import commit_hooks, stopped

log = logging.getLogger(__name__)

# Patches are files: the output of `git format-patch` must depend on no abbreviation but this one.
_PATCH_SETTINGS = ("-c", "core.abbrev=7")
# The patches branch is made again for each version: its commits, and so the names of the hashes in
# the patch files, must depend on nobody's key and on no hooks but the clone's own.
_UNSIGNED = ("-c", "commit.gpgSign=false", "-c", "commit.cleanup=verbatim")


@dataclass(frozen=True, slots=True)
class Push:
    """A push to make; `lease` is the hash that the remote branch must still have.

    With `skips_hook` the clone's own pre-push hook is not run.
    """

    remote: str
    source: str
    target: str
    lease: str | None = None
    skips_hook: bool = False

    @property
    def command(self) -> tuple[str, ...]:
        """The arguments with which git makes this push."""
        force = () if self.lease is None else (f"--force-with-lease={self.target}:{self.lease}",)
        hook = ("--no-verify",) if self.skips_hook else ()
        refs = f"{ref_name(self.source)}:{self.target}"
        return ("push", *force, *hook, ref_name(self.remote), refs)

    def __str__(self) -> str:
        return shlex.join(("git", *self.command))


@dataclass(frozen=True, slots=True)
class Touch:
    """A change that is about to be made in a clone, recorded because a kill can interrupt it.

    `refs` are full names, or `HEAD`; one that ends with `/` means all refs below it. The files of
    `commits` are checked out; `messages` are those of commits to make. `files` are paths in the top
    folder, each with its new blob: "" if it is removed, None if the content is not known yet. Of
    `staged` files only the index entry changes. `remotes` get other settings.
    """

    refs: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    files: Mapping[str, str | None] = field(default_factory=dict)
    staged: tuple[str, ...] = ()
    remotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clone(ClonedHistory):
    """One clone. If `is_dry`, nothing is pushed, and pushes are only logged.

    `pushes` are those that were made, or that a dry run left out. `announce` is called before each
    change to refs, index and files.
    """

    is_dry: bool = False
    pushes: list[Push] = field(default_factory=list, compare=False)
    announce: Callable[[Touch], None] | None = field(default=None, compare=False)

    def checkout(self, branch: str) -> None:
        """Check out a branch; raises RefusedError if that would replace an ignored file."""
        self._refuse_overwriting(branch)
        self._announce_checkout(branch, refs=("HEAD", f"refs/heads/{branch}"))
        self._act("checkout", "--quiet", ref_name(branch))

    def set_branch(self, branch: str, ref: str) -> None:
        """Make a branch point to a ref; if it is checked out, discard changes of tracked files.

        Raises RefusedError if that would replace an untracked file.
        """
        if self.branch == branch:
            self._refuse_overwriting(ref, is_ignored=False)
            self._announce_checkout(ref, refs=(f"refs/heads/{branch}",))
            self._act("reset", "--hard", "--quiet", ref_name(ref))
        else:
            self._will(refs=(f"refs/heads/{branch}",))
            self._act("branch", "--force", "--no-track", ref_name(branch), ref_name(ref))

    def move_branch(self, branch: str, new: str) -> None:
        """Make a branch point to a commit with the same files; the work tree is not touched."""
        self._will(refs=(f"refs/heads/{branch}",), commits=(new,))
        self._act("update-ref", f"refs/heads/{branch}", ref_name(new))

    def will_write(self, file: Path, content: bytes | None) -> None:
        """Announce that a file gets this content; None means that it is not known yet."""
        if self.announce is None:
            return
        place = file.parent.resolve() / file.name
        top = self.top.resolve()
        if not place.is_relative_to(top):
            return
        name = str(place.relative_to(top))
        blob = None
        if content is not None:
            options = ("-w", "--stdin", f"--path={file.name}")
            blob = self._ask("hash-object", *options, stdin=content)
        beside = str(Path(name).with_name(f".{file.name}.new"))  # as rdo.atomic names it
        self.announce(Touch(files={name: blob, beside: blob}))

    def _will(
        self,
        *,
        refs: tuple[str, ...] = (),
        commits: tuple[str, ...] = (),
        remotes: tuple[str, ...] = (),
    ) -> None:
        if self.announce is not None:
            self.announce(Touch(refs=refs, commits=commits, remotes=remotes))

    def _announce_checkout(self, ref: str, *, refs: tuple[str, ...]) -> None:
        if self.announce is not None:
            self._will(refs=refs, commits=(self.resolve("HEAD"), self.resolve(ref)))

    def _announce_commit(self, message: str, *, also_staged: Sequence[str] = ()) -> None:
        if self.announce is None:
            return
        refs = (f"refs/heads/{self.branch}",) if self.branch else ("HEAD",)
        staged = (*self.changed_files, *also_staged)
        self.announce(Touch(refs=refs, messages=(message,), staged=staged))

    def _refuse_overwriting(self, *refs: str, is_ignored: bool = True) -> None:
        """Raise RefusedError if a checkout would overwrite a file that git does not know.

        With `is_ignored`, only ignored files are checked, because git itself protects the others.
        """
        kinds = ("--ignored", "--exclude-standard") if is_ignored else ()
        top = self.at_top()
        others = top._ask("ls-files", "--others", *kinds, "-z").split("\0")
        unknown = {name.rstrip("/") for name in others if name}
        if not unknown:
            return
        for ref in filter(self.resolve, refs):
            tree = top._ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", ref)
            if lost := in_the_way(unknown, {name for name in tree.split("\0") if name}):
                raise RefusedError(
                    f"{ref} would replace {', '.join(lost[:5])}, which git does not track",
                    hint="move it away",
                )

    def export_patches(self, commits: Sequence[PatchCommit], first: int, folder: Path) -> list[str]:
        """Write each commit as a patch file, numbered from `first`; return the names in order."""
        options = (
            *("--no-renames", "--no-signature", "-N", "--ignore-submodules", "--stat=80"),
            *("--summary", "--no-color", "--no-attach", "--subject-prefix=PATCH", "--no-notes"),
            *("--no-cover-letter", "--no-to", "--no-cc", "--no-add-header", "--no-textconv"),
        )
        names = []
        for number, commit in enumerate(commits, first):
            out = self._ask(
                *_PATCH_SETTINGS,
                "format-patch",
                *options,
                "--start-number",
                str(number),
                "-o",
                str(folder),
                "-1",
                commit.hash,
            )
            names.append(Path(out.strip()).name)
        return names

    def remove(self, files: Collection[str]) -> None:
        """Remove files from the index and the work tree; missing files are ignored."""
        if files:
            self._announce_removal(files)
            self._act("rm", "--force", "--quiet", "--ignore-unmatch", "--", *files)

    def _announce_removal(self, files: Collection[str]) -> None:
        if self.announce is not None:
            prefix = self._ask("rev-parse", "--show-prefix")
            self.announce(Touch(files={f"{prefix}{name}": "" for name in files}))

    def rename(self, old: Path, new: Path) -> None:
        """Rename a file in the work tree and in the index, where git tracks it."""
        content = old.read_bytes()
        self.will_write(new, content)
        new.write_bytes(content)
        self.add([os.path.relpath(new, self.path)])
        self.remove([os.path.relpath(old, self.path)])

    def ignored(self, files: Collection[str]) -> list[str]:
        """Return those of the files that exist and that git ignores."""
        if not files:
            return []
        args = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--")
        return sorted(name for name in self._ask(*args, *files).split("\0") if name)

    def exclude(self, pattern: str) -> None:
        """Make git ignore files in this clone only, because they do not belong to the distgit."""
        file = self.common_dir / "info" / "exclude"
        text = file.read_text(errors="surrogateescape") if file.exists() else ""
        if pattern not in text.splitlines():
            file.parent.mkdir(exist_ok=True)
            gap = "" if not text or text.endswith("\n") else "\n"
            file.write_text(f"{text}{gap}{pattern}\n", errors="surrogateescape")

    def add(self, files: Collection[str]) -> None:
        """Add files to the index."""
        if files:
            self._act("add", "--force", "--", *files)

    def commit(self, message: str, *, amend: bool = False) -> None:
        """Commit all changes of tracked files."""
        options = ("--amend", "--allow-empty") if amend else ()
        self._announce_commit(message)
        self._commit(("-a", *options, "-F", "-"), message)

    def commit_files(
        self, message: str, files: Sequence[str] = (), *, is_signed_off: bool = False
    ) -> None:
        """Commit changes of tracked files: all of them, or those of some files or folders."""
        signed = ("--signoff",) if is_signed_off else ()
        self._announce_commit(message)
        which = ("--", *files) if files else ()
        chosen = () if files else ("-a",)
        self._commit((*chosen, *signed, "-F", "-", *which), message)

    def commit_index(self, message: str) -> None:
        """Commit the content of the index."""
        self._commit(("-F", "-"), message)

    def _commit(self, options: Sequence[str], message: str = "") -> None:
        text = message.encode(errors="surrogateescape")
        done = self._act("commit", "--quiet", *options, stdin=text, ok=range(256))
        if done.returncode:
            raise stopped("commit", f"{done.stdout}\n{done.stderr}", self._hooks())

    def _hooks(self) -> list[str]:
        return commit_hooks(self.path / self._ask("rev-parse", "--git-path", "hooks"))

    def squash(self) -> None:
        """Merge the newest commit into the one before it, and keep that one's message."""
        if self.announce is not None:
            files = self.files_of("HEAD~", "HEAD")
            self._announce_commit(self.message("HEAD~"), also_staged=files)
        self._act("reset", "--soft", "HEAD~")
        self._commit(("--amend", "--no-edit"))

    def tag(self, name: str, ref: str, *, force: bool = False) -> None:
        """Make a tag."""
        self._will(refs=(f"refs/tags/{name}",))
        self._act("tag", *(("--force",) if force else ()), ref_name(name), ref_name(ref))

    def annotated_tag(self, name: str, message: str, *, force: bool = False) -> None:
        """Make a tag with a message on HEAD."""
        self._will(refs=(f"refs/tags/{name}",))
        forced = ("--force",) if force else ()
        text = message.encode(errors="surrogateescape")
        self._act("tag", "--annotate", *forced, "-F", "-", "--", name, stdin=text)

    def delete_tag(self, name: str) -> None:
        """Delete a tag."""
        self._will(refs=(f"refs/tags/{name}",))
        self._act("tag", "--delete", "--", name)

    def merge(self, ref: str, message: str) -> list[str]:
        """Merge a ref; if there are conflicts, abort the merge and return the files."""
        head = self.resolve("HEAD")
        self._will(refs=(f"refs/heads/{self.branch}",), commits=(head, self.resolve(ref)))
        self._announce_commit(message, also_staged=self.files_of("HEAD", ref))
        done = self._act("merge", "--quiet", "-m", message, ref_name(ref), ok=range(256))
        return self._given_up(done, "merge")

    def rebase_onto(self, ref: str) -> list[str]:
        """Rebase the branch onto a ref; if there are conflicts, abort and return the files."""
        self._announce_rebase(self.branch, ref, ref)
        done = self._act("rebase", "--quiet", ref_name(ref), ok=range(256))
        return self._given_up(done, "rebase")

    def _given_up(self, done: Completed, what: str) -> list[str]:
        if not done.returncode:
            return []
        found = self.conflicts()
        if self.in_progress == what:
            self._act(what, "--abort")
        if not found:
            raise stopped(what, f"{done.stdout}\n{done.stderr}", self._hooks())
        return found

    def remove_untracked(self, *, also_ignored: bool = False) -> list[str]:
        """Remove the files that git does not track, but no other repositories; return them."""
        chosen = () if also_ignored else ("--exclude-standard",)
        listed = self._ask("ls-files", "--others", "-z", *chosen).split("\0")
        files = [name for name in listed if name and not name.endswith("/")]
        if files:
            self._announce_removal(files)
            self._act("clean", "-f", "-d", "-q", *(("-x",) if also_ignored else ()))
        return files

    def start_rebase(self, branch: str, onto: str, base: str, todo: Sequence[str]) -> bool:
        """Rebase commits of `branch` onto another commit, with `todo` as the rebase's todo list.

        Return whether it is finished; if not, git waits for a person to resolve a conflict. Raises
        CommandError if git fails in another way.
        """
        if not todo:
            self.set_branch(branch, onto)
            return True
        self._refuse_overwriting(onto, branch)
        self._announce_rebase(branch, onto, base)
        with tempfile.TemporaryDirectory() as folder:
            plan = Path(folder, "todo")
            plan.write_text("".join(f"{line}\n" for line in todo))
            done = self._act(
                *("rebase", "--quiet", "--interactive", "--empty=drop"),
                *("--onto", ref_name(onto), ref_name(base), ref_name(branch)),
                settings=self._plain_commits(),
                ok=range(256),
                env={"GIT_SEQUENCE_EDITOR": f"cp {shlex.quote(str(plan))}"},
            )
        return self._is_rebased(done)

    def continue_rebase(self) -> bool:
        """Continue after a person has resolved a conflict; return whether it is finished."""
        return self._is_rebased(
            self._act("rebase", "--continue", settings=self._plain_commits(), ok=range(256))
        )

    def _announce_rebase(self, branch: str, onto: str, base: str) -> None:
        if self.announce is None:
            return
        picks = self._ask("rev-list", ref_name(f"{base}..{branch}")).splitlines()
        self.announce(
            Touch(
                refs=("HEAD", f"refs/heads/{branch}"),
                commits=(self.resolve("HEAD"), self.resolve(onto), *picks),
                messages=tuple(self.message(pick) for pick in picks),
            )
        )

    def _is_rebased(self, done: Completed) -> bool:
        if not done.returncode:
            return True
        if self.in_progress != "rebase" or not self.conflicts():
            # A stop without a conflict is nothing that a person can resolve in the files.
            raise stopped("rebase the patches", f"{done.stdout}\n{done.stderr}", self._hooks())
        return False

    def waiting_in_rebase(self) -> list[str]:
        """Return the commits that the current rebase has not applied yet."""
        file = self.git_dir / "rebase-merge/git-rebase-todo"
        lines = file.read_text(errors="replace").splitlines() if file.exists() else []
        names = [line.split()[1] for line in lines if line.startswith(("pick ", "p "))]
        return [self.resolve(name) for name in names]

    def has_hunks_of(self, commit: str, ref: str = "HEAD", context: int = 3) -> bool:
        """Whether `ref` already has everything that a commit adds, and nothing that it removes.

        `context` is the number of lines around each hunk that must be the same.
        """
        span = (f"{ref_name(commit)}~", commit)
        diff = self._ask("diff-tree", "-p", "--binary", "--no-ext-diff", *span)
        with tempfile.TemporaryDirectory(prefix="rdo-index-") as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self._run("read-tree", ref_name(ref), env=env)
            done = self._run(
                *("apply", "--cached", "--reverse", "--check", f"-C{context}", "-"),
                ok=(0, 1, 128),
                env=env,
                stdin=f"{diff}\n".encode(errors="surrogateescape"),
            )
        return done.returncode == 0

    def read_tree(self, ref: str, index: Path) -> None:
        """Fill an index of its own, outside the clone, with the files of a commit."""
        self._run("read-tree", ref_name(ref), env={"GIT_INDEX_FILE": str(index)})

    def apply_to_index(self, patch: Path, index: Path) -> bool:
        """Apply a patch file to such an index; return whether it applies."""
        args = ("apply", "--cached", "--whitespace=nowarn", str(patch))
        env = {"GIT_INDEX_FILE": str(index)}
        return self._run(*args, ok=(0, 1, 128), env=env).returncode == 0

    def differing(self, ref: str, index: Path) -> list[str]:
        """Return the files, without submodules, that differ between a commit and such an index."""
        args = ("diff-index", "--cached", "--name-only", "-z", "--no-renames")
        env = {"GIT_INDEX_FILE": str(index)}
        out = self._run(*args, "--ignore-submodules=all", ref_name(ref), "--", env=env).stdout
        return [name for name in out.split("\0") if name]

    def stored_without_crlf(self, files: Sequence[str], index: Path) -> list[str]:
        """Return the files of such an index with CRLF line ends in a checkout, and LF in git.

        They have `eol=crlf` in a .gitattributes file (gitattributes(5)).
        """
        args = ("check-attr", "--cached", "-z", "--stdin", "text", "eol")
        names = b"".join(os.fsencode(name) + b"\0" for name in files)
        out = self._run(*args, stdin=names, env={"GIT_INDEX_FILE": str(index)}).stdout
        words = out.split("\0")[:-1]
        values = {row[:2]: row[2] for row in zip(words[::3], words[1::3], words[2::3], strict=True)}
        return [
            name
            for name in files
            if values[name, "eol"] == "crlf" and values[name, "text"] != "unset"
        ]

    def skip_in_rebase(self) -> bool:
        """Skip the commit at which a rebase has stopped; return whether the rebase is finished."""
        return self._is_rebased(
            self._act("rebase", "--skip", settings=self._plain_commits(), ok=range(256))
        )

    @property
    def rebased_branch(self) -> str:
        """The full name of the branch of the rebase in progress; empty if there is none."""
        for folder in ("rebase-merge", "rebase-apply"):
            with contextlib.suppress(FileNotFoundError):  # the other kind, or no rebase
                return (self.git_dir / folder / "head-name").read_text().strip()
        return ""

    def quit_rebase(self) -> None:
        """Forget the unfinished rebase; HEAD, index and files stay as they are.

        `git rebase --abort` would discard all changes, including those of a person.
        """
        if self.in_progress == "rebase":
            self._act("rebase", "--quit")
        for name in ("CHERRY_PICK_HEAD", "REBASE_HEAD", "AUTO_MERGE", "MERGE_MSG"):
            (self.git_dir / name).unlink(missing_ok=True)

    def conflicts(self) -> list[str]:
        """Return the files in which a person has to resolve conflicts."""
        out = self._ask("diff", "--name-only", "--diff-filter=U", "-z")
        return [name for name in out.split("\0") if name]

    def apply_mailbox(self, patch: Path) -> bool:
        """Commit a patch file that has a mail header; return False if it does not apply."""
        command = ("am", "--quiet", "--3way", "--", str(patch))
        done = self._act(*command, settings=self._plain_commits(), ok=(0, 1, 128))
        if done.returncode:
            self._run("am", "--abort", ok=(0, 1, 128))
        return done.returncode == 0

    def apply_plain(self, patch: Path, strip: int, message: str) -> bool:
        """Commit a plain diff; return False if it does not apply."""
        done = self._act("apply", "--index", f"-p{strip}", "--", str(patch), ok=(0, 1, 128))
        if done.returncode:
            return False
        self.commit_index(message)
        return True

    @contextlib.contextmanager
    def linked(self, ref: str) -> Iterator["Clone"]:
        """Yield a linked work tree at a ref; it is removed afterwards, but its commits stay."""
        with tempfile.TemporaryDirectory(prefix="rdo-linked-") as folder:
            tree = Path(folder, "tree")
            self._act("worktree", "add", "--quiet", "--detach", str(tree), ref_name(ref))
            try:
                yield Clone(tree, self.runner, is_dry=self.is_dry)
            finally:
                self._run("worktree", "remove", "--force", str(tree), ok=range(256))

    def add_remote(self, name: str, url: str) -> None:
        """Add a remote."""
        self._will(remotes=(name,))
        self._act("remote", "add", ref_name(name), check_url(url))

    def set_remote_url(self, name: str, url: str) -> None:
        """Change the URL of a remote."""
        self._will(remotes=(name,))
        self._act("remote", "set-url", ref_name(name), check_url(url))

    def branch_at(self, remote: str, branch: str) -> str:
        """Fetch a branch from a remote and return its hash.

        Empty if the remote does not have it.
        """
        ref = f"refs/heads/{branch}"
        listed = self._run("ls-remote", "--", remote, ref, timeout=ASK_TIMEOUT_SECONDS).stdout
        rows = (line.partition("\t") for line in listed.splitlines())
        found = next((sha for sha, _, name in rows if name == ref), "")
        if found:
            self.fetch("--no-tags", "--refmap=", "--", remote, ref)
        return found

    def fetch(self, *args: str) -> None:
        """Fetch from a remote."""
        self._will(refs=("refs/remotes/",))
        old = self._tag_names() if self.announce else set()
        self._act("fetch", "--quiet", *args, timeout=FETCH_TIMEOUT_SECONDS)
        if self.announce:
            self._will(refs=tuple(sorted(self._tag_names() - old)))

    def _tag_names(self) -> set[str]:
        listed = self._ask("for-each-ref", "--format=%(refname)", "refs/tags")
        return set(listed.splitlines())

    def push(self, push: Push) -> None:
        """Push; in a dry run, only log the command."""
        if self.is_dry:
            log.info("would run: %s", push)
        else:
            self._will(refs=("refs/remotes/",))
            self._act(*push.command, timeout=FETCH_TIMEOUT_SECONDS)
        self.pushes.append(push)

    def edit(self, editor: str, file: Path) -> bool:
        """Open the maintainer's editor in the terminal and return whether it succeeded."""
        return hand_over(*shlex.split(editor), file) == 0

    # plumbing, for snapshots

    def plumb(self, *args: str, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> str:
        """Run a git command without logging it, and return its output."""
        return self._run(*args, env=env, stdin=stdin).stdout.strip("\n")

    def refresh_index(self) -> None:
        """Update the index with the times of files that were written without it."""
        self._run("update-index", "-q", "--refresh", ok=(0, 1, 128))  # 128: another git is running

    def _act(
        self,
        *args: str,
        ok: Collection[int] = (0,),
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
        settings: Sequence[str] = (),
    ) -> Completed:
        log.info("git %s", shlex.join(args))
        return self._run(*settings, *args, ok=ok, stdin=stdin, env=env, timeout=timeout)

    def _plain_commits(self) -> tuple[str, ...]:
        """Return the options for commits of patches: no signature, and only the clone's hooks."""
        return (*_UNSIGNED, "-c", f"core.hooksPath={self.common_dir / 'hooks'}")


def in_the_way(unknown: Collection[str], tree: Collection[str]) -> list[str]:
    """Return the unknown files that a checkout of `tree` would replace.

    A file is also in the way of files below its name, and files below a name are in the way of a
    file there.

    >>> in_the_way({"a", "b/c", "d", "e"}, {"a", "b", "d/x"})
    ['a', 'b/c', 'd']
    """
    folders = {str(parent) for name in tree for parent in PurePosixPath(name).parents}
    return sorted(
        name
        for name in unknown
        if name in tree
        or name in folders
        or any(str(parent) in tree for parent in PurePosixPath(name).parents)
    )


def clone(
    url: str, folder: Path, *, branch: str = "", depth: int | None = None, runner: Runner = run
) -> Clone:
    """Clone a distgit into a new folder; raises RefusedError if the folder exists."""
    if folder.exists():
        raise RefusedError(f"{folder} already exists")
    log.info("git clone %s %s", url, folder)
    options = [f"--branch={ref_name(branch)}"] if branch else []
    if depth:
        options += [f"--depth={depth}", "--no-single-branch"]
    command: tuple[str | Path, ...] = ("git", "clone", "--quiet", *options)
    command = (*command, "--", check_url(url), folder)
    env = {**ENVIRONMENT, **own_settings(Path.cwd(), runner)}
    runner(*command, env=env, timeout=FETCH_TIMEOUT_SECONDS)
    return Clone(folder, runner)
