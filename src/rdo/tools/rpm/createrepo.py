"""Run createrepo_c, for folders of RPMs whose repodata is not composed from fragments."""

from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError
from rdo.tools.walls.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class CreateRepo:
    """Makes repodata by reading every RPM in a folder, in the sandbox."""

    sandbox: Sandbox = field(default_factory=Sandbox)

    def create(self, folder: Path) -> None:
        """Write the repodata of all RPMs in a folder into it.

        Raises CommandError if createrepo_c fails.
        """
        place = folder.resolve()
        done = self.sandbox.ask(
            *("createrepo_c", "--quiet", "--no-database", "--general-compress-type=gz", place),
            writable=[place],
            timeout=1800,
        )
        if done.returncode:
            raise CommandError(f"createrepo_c cannot read {folder}: {done.stderr.strip()[-500:]}")
