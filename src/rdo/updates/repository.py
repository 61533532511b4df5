"""The git repository of updates: one folder per state, one YAML file per update.

Every change is one commit that is made beside the work tree and becomes the branch at once; then
the work tree is updated. If it is killed in between, the next change updates the work tree.
"""

import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from rdo import lock
from rdo.errors import ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.tools.git.clone import Clone, Push
from rdo.tools.git.mirror import Mirror
from rdo.tools.git.review import review_ref, with_change_ids
from rdo.updates.state import UpdateState
from rdo.updates.update_file import UpdateFile, parse_update

_FILE = re.compile(r"([a-z]+)/([A-Za-z0-9][A-Za-z0-9._-]{0,99})\.yml")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_FILES = ".files"


@dataclass(frozen=True, slots=True)
class Update:
    """An update in the repository; if `file` is None, `fault` says why it cannot be read."""

    id: str
    state: UpdateState
    file: UpdateFile | None
    fault: str = ""

    @property
    def path(self) -> str:
        """The path of its file in the repository."""
        return _path(self.state, self.id)

    def content(self) -> UpdateFile:
        """Return the file; raises ConfigError if it cannot be read."""
        if self.file is None:
            raise ConfigError(self.fault)
        return self.file


@dataclass(frozen=True, slots=True)
class ProposedUpdate:
    """An update that is up for review, and where."""

    update: Update
    place: str


@dataclass(frozen=True, slots=True)
class UpdateRepository:
    """A clone of an update repository in `folder`, on the checked-out branch."""

    folder: Path

    @property
    def clone(self) -> Clone:
        """The git repository."""
        return Clone(self.folder)

    def check(self) -> None:
        """Raise RefusedError unless the folder is a git repository with a branch checked out."""
        self.clone.check()
        if not self.clone.branch:
            raise RefusedError(f"{self.folder} has no branch checked out")

    def updates(self) -> list[Update]:
        """Return all updates, by state and id."""
        places = self._places()
        return [
            _update(*place, text) for place, text in zip(places, self._texts(places), strict=True)
        ]

    def get(self, name: str) -> Update:
        """Return an update by its id, or by the path of its file; raises NotFoundError."""
        places = self._places()
        for state, id_ in places:
            if name in (id_, _path(state, id_)):
                return _update(state, id_, *self._texts([(state, id_)]))
        known = [id_ for _, id_ in places]
        raise NotFoundError(f"no update {name}{did_you_mean(name, known)}", hint="rdo update list")

    def add(self, update: UpdateFile) -> Update:
        """Add an update under a new id; the commit message is `New ID`, as in rdopkg."""
        with self._alone():
            made = self._new(update)
            self._commit(f"New {made.id}", {made.path: self._blob(str(update))})
            return made

    def _new(self, update: UpdateFile) -> Update:
        """Return an update under an id that nothing here has."""
        taken = {path.partition("/")[2].partition(".")[0] for path in self._paths()}
        name = next(new for new in _new_ids() if new not in taken)
        return Update(name, UpdateState.UPDATES, update)

    def propose(self, update: UpdateFile) -> "ProposedUpdate":
        """Put an update up for review, under a new id; nothing changes here.

        With a .gitreview it becomes a review on Gerrit, pushed to the remote `gerrit`, or else to
        `origin`; without one it becomes a branch `update/ID` of `origin`. Raises git's error if the
        push is refused.
        """
        with self._alone():
            made, head = self._new(update), self.clone.resolve("HEAD")
            new = self._made_commit(f"New {made.id}", {made.path: self._blob(str(update))})
            branch = self.clone.branch
        if not self.clone.file_at("HEAD", ".gitreview"):
            place = f"update/{made.id}"
            self.clone.push(Push("origin", new, f"refs/heads/{place}"))
            return ProposedUpdate(made, f"branch {place} of origin")
        remote = "gerrit" if "gerrit" in self.clone.remotes() else "origin"
        ref = review_ref(branch)
        self.clone.push(Push(remote, with_change_ids(self.clone, head, new), ref))
        return ProposedUpdate(made, f"{ref} of {remote}")

    def proposed(self) -> list[Update]:
        """Return the updates on branches `update/ID` of origin, as last fetched."""
        refs = self.clone.plumb(
            "for-each-ref", "--format=%(refname:strip=4)", "refs/remotes/origin/update/"
        )
        found = []
        for name in refs.split():
            path = _path(UpdateState.UPDATES, name)
            text = self.clone.file_at(f"refs/remotes/origin/update/{name}", path)
            if text and _FILE.fullmatch(path):
                found.append(_update(UpdateState.UPDATES, name, text))
        return found

    def move(
        self, update: Update, state: UpdateState, message: str, files: tuple[str, ...] | None = None
    ) -> Update:
        """Move an update to another state; `files` are the RPMs that users got through it.

        Raises RefusedError if it has been moved meanwhile.
        """
        with self._alone():
            paths = self._paths()
            if update.path not in paths:
                raise RefusedError(f"{update.id} is no longer in {update.state}")
            moved = Update(update.id, state, update.file, update.fault)
            blob = self.clone.plumb("rev-parse", f"HEAD:{update.path}")
            changes: dict[str, str | None] = {update.path: None, moved.path: blob}
            if files is not None:
                text = "".join(f"{name}\n" for name in files)
                changes[f"{moved.path}{_FILES}"] = self._blob(text)
            elif f"{update.path}{_FILES}" in paths:
                changes[f"{update.path}{_FILES}"] = None
            self._commit(message, changes)
            return moved

    def pushed_files(self, update: Update) -> tuple[str, ...]:
        """Return the recorded RPMs that users got through an update."""
        return tuple((self.clone.file_at("HEAD", f"{update.path}{_FILES}") or "").split())

    def catch_up(self) -> None:
        """Update the work tree to the branch, if a change was killed in between."""
        with self._alone():
            self._follow()

    def send(self) -> None:
        """Push the branch to origin; raises git's error if the push is refused."""
        branch = self.clone.branch
        self.clone.push(Push("origin", branch, f"refs/heads/{branch}"))

    def _paths(self) -> list[str]:
        if not self.clone.resolve("HEAD"):
            return []
        return self.clone.plumb("ls-tree", "-r", "--name-only", "-z", "HEAD").split("\0")

    def _places(self) -> list[tuple[UpdateState, str]]:
        """Return state and id of every update, in the order of the states."""
        order = list(UpdateState)
        found = (_FILE.fullmatch(path) for path in self._paths())
        places = [(UpdateState(one[1]), one[2]) for one in found if one and one[1] in order]
        return sorted(places, key=lambda place: (order.index(place[0]), place[1]))

    def _texts(self, places: Sequence[tuple[UpdateState, str]]) -> list[str]:
        """Return the texts of these updates, in order, with two git commands in all."""
        paths = [_path(*place) for place in places]
        if not paths:
            return []
        found = Mirror(self.clone.common_dir).read_files(self.clone.resolve("HEAD"), paths)
        return [found.get(path, "") for path in paths]

    def _blob(self, text: str) -> str:
        return self.clone.plumb("hash-object", "-w", "--stdin", stdin=text.encode())

    def _alone(self) -> AbstractContextManager[None]:
        place = self.clone.common_dir / "rdo-update.lock"
        return lock.hold(place, purpose="rdo update", wait=True)

    def _commit(self, message: str, changes: Mapping[str, str | None]) -> None:
        """Make a commit the branch, and update the work tree."""
        clone = self.clone
        self._follow()
        old, branch = clone.resolve("HEAD"), clone.branch
        new = self._made_commit(message, changes)
        expected = old or "0" * len(new)
        clone.plumb("update-ref", "-m", message, f"refs/heads/{branch}", new, expected)
        self._follow()

    def _made_commit(self, message: str, changes: Mapping[str, str | None]) -> str:
        """Make a commit on HEAD that replaces files by these blobs; None removes a file."""
        clone, old = self.clone, self.clone.resolve("HEAD")
        with tempfile.TemporaryDirectory(prefix="rdo-update-") as scratch:
            env = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
            clone.plumb("read-tree", *([old] if old else ["--empty"]), env=env)
            for path, blob in changes.items():
                if blob is None:
                    clone.plumb("update-index", "--force-remove", "--", path, env=env)
                else:
                    entry = f"100644,{blob},{path}"
                    clone.plumb("update-index", "--add", "--cacheinfo", entry, env=env)
            tree = clone.plumb("write-tree", env=env)
        parents = ("-p", old) if old else ()
        return clone.plumb("commit-tree", *parents, tree, stdin=f"{message}\n".encode())

    def _follow(self) -> None:
        """Update index and work tree from the parent of HEAD to HEAD, after an unfinished change.

        A person's changes there stay; git refuses what would lose them.
        """
        clone = self.clone
        head = clone.resolve("HEAD")
        if not head:
            return
        index = clone.plumb("write-tree")
        parent = clone.resolve("HEAD~1")
        before = clone.plumb("rev-parse", f"{parent}^{{tree}}") if parent else _empty(clone)
        if index == before and index != clone.plumb("rev-parse", "HEAD^{tree}"):
            clone.refresh_index()  # as in a copied clone
            clone.plumb("read-tree", "-m", "-u", before, head)


def _path(state: UpdateState, id_: str) -> str:
    return f"{state}/{id_}.yml"


def _update(state: UpdateState, id_: str, text: str) -> Update:
    try:
        return Update(id_, state, parse_update(text, _path(state, id_)))
    except ConfigError as error:
        return Update(id_, state, None, str(error))


def _empty(clone: Clone) -> str:
    return clone.plumb("hash-object", "-t", "tree", "-w", "--stdin")


def _new_ids() -> Iterator[str]:
    while True:
        yield "".join(secrets.choice(_LETTERS) for _ in range(4))
