"""A maintainer's work tree, read without changing it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rdo.run import Runner, run
from rdo.tools.git.mirror import ENVIRONMENT, FETCH_TIMEOUT_SECONDS, NO_TEMPLATE, Mirror

# The repository is the maintainer's while rdo runs as root; the user who names it agrees to that.
_ANY_OWNER = ("-c", "safe.directory=*")


@dataclass(frozen=True, slots=True)
class WorkTree:
    """The work tree that contains the folder `path`; neither it nor its repository is changed."""

    path: Path
    runner: Runner = run

    @property
    def top(self) -> Path | None:
        """Its top folder; None if there is no git repository, or one without files."""
        top = self._ask("rev-parse", "--show-toplevel")
        return Path(top) if top else None

    @property
    def head(self) -> str:
        """The hash of HEAD; empty before the first commit."""
        return self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")

    @property
    def branch(self) -> str:
        """The checked-out branch; empty if HEAD is detached."""
        return self._ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def mirror(self, place: Path) -> Mirror:
        """Make a bare clone with its branches and tags, which shares nothing with it."""
        top = self.top
        assert top
        upload = f"git {' '.join(_ANY_OWNER)} upload-pack"
        options = ("--quiet", "--bare", NO_TEMPLATE, "--upload-pack", upload)
        place.parent.mkdir(parents=True, exist_ok=True)
        env = {**ENVIRONMENT, "GIT_ALLOW_PROTOCOL": "file"}
        command = ("git", "clone", *options, "--", top.as_uri(), place)
        self.runner(*command, env=env, timeout=FETCH_TIMEOUT_SECONDS)
        return Mirror(place, self.runner)

    def snapshot(self, mirror: Mirror, *, when: datetime) -> str:
        """Commit all files as they are now in `mirror` and return the hash.

        HEAD if nothing changed.
        """
        top = self.top
        assert top
        excludes = Path(self._ask("rev-parse", "--git-path", "info/exclude"))
        return mirror.commit_work_tree(
            top,
            head=self.head,
            when=when,
            message="uncommitted changes",
            excludes=self.path / excludes,
        )

    def _ask(self, *args: str) -> str:
        where = ("-C", str(self.path))
        return self.runner(
            "git", *_ANY_OWNER, *where, *args, env=ENVIRONMENT, ok=(0, 1, 128)
        ).stdout.strip()
