"""createrepo_c, for folders of RPMs whose repodata is not composed from fragments."""

from dataclasses import dataclass
from pathlib import Path

from rdo.run import Runner, run


@dataclass(frozen=True, slots=True)
class CreateRepo:
    """Makes repodata by reading every RPM below a folder."""

    runner: Runner = run

    def create(self, folder: Path) -> None:
        """Write the repodata of all RPMs below a folder into it."""
        self.runner(
            *("createrepo_c", "--quiet", "--no-database", "--general-compress-type=gz", folder),
            timeout=1800,
        )
