"""A bare repository that others push to."""

from dataclasses import dataclass
from pathlib import Path

from rdo.run import Runner, run
from rdo.tools.git.mirror import ENVIRONMENT


@dataclass(frozen=True, slots=True)
class BareRepository:
    """The repository at `path`; nothing here removes a commit or moves a branch."""

    path: Path
    runner: Runner = run

    def create(self, branch: str) -> None:
        """Create an empty repository, whose clones begin with `branch`."""
        command = ("git", "init", "--quiet", "--bare", f"--initial-branch={branch}", "--template=")
        self.runner(*command, "--", self.path, env=ENVIRONMENT)

    def branches(self) -> dict[str, str]:
        """Return the branches with the hashes of their commits."""
        out = self._git("for-each-ref", "--format=%(objectname) %(refname:strip=2)", "refs/heads")
        rows = (line.split(" ", 1) for line in out.splitlines())
        return {name: hash_ for hash_, name in rows}

    @property
    def first_branch(self) -> str:
        """The branch that clones begin with."""
        return self._git("symbolic-ref", "--short", "HEAD").strip()

    def add_branch(self, name: str, commit: str) -> None:
        """Add a branch; raises CommandError if it exists meanwhile."""
        self._git("update-ref", f"refs/heads/{name}", commit, "0" * len(commit))

    def _git(self, *args: str) -> str:
        env = {**ENVIRONMENT, "GIT_DIR": str(self.path)}
        return self.runner("git", *args, env=env).stdout
