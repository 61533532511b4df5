"""rpm: reading RPM files and unpacking them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rdo.run import Runner, run

_SCRIPTS = (
    *("PREIN", "POSTIN", "PREINPROG", "POSTINPROG", "PRETRANS", "POSTTRANS", "PRETRANSPROG"),
    *("POSTTRANSPROG", "TRIGGERNAME", "FILETRIGGERNAME", "TRANSFILETRIGGERNAME"),
)


@dataclass(frozen=True, slots=True)
class Rpm:
    """The rpm program of this machine; it never touches this machine's own RPM database."""

    runner: Runner = run

    def has_scriptlets(self, rpm: Path) -> bool:
        """Whether installing it runs anything of its own: scriptlets or triggers."""
        query = "".join(f"%|{tag}?{{1}}|" for tag in _SCRIPTS)
        return bool(self._query(rpm, query).strip())

    def requires(self, rpm: Path) -> list[str]:
        """The dependencies of a package, for an SRPM its BuildRequires; rpm's own left out."""
        query = "[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]"
        lines = (" ".join(line.split()) for line in self._query(rpm, query).splitlines())
        return [line for line in lines if line and not line.startswith("rpmlib(")]

    def given_names(self, rpm: Path) -> set[str]:
        """What a package provides, versions left out, and its files."""
        return set(self._query(rpm, "[%{PROVIDENAME}\n][%{FILENAMES}\n]").splitlines())

    def unpack(self, rpm: Path, folder: Path, *more: Path) -> None:
        """All files of RPMs under `folder`, with the owners and modes they say, nothing run."""
        rpms = [one.resolve() for one in (rpm, *more)]
        self.runner(
            *("rpm", "--root", folder.resolve(), "--define", "_dbpath /.rpmdb", "-i"),
            *("--nodeps", "--noscripts", "--notriggers", "--nosignature", "--ignorearch"),
            "--ignoreos",
            *rpms,
            timeout=3600,
        )

    def _query(self, rpm: Path, query: str) -> str:
        command: Sequence[str | Path] = ("rpm", "-qp", "--nosignature", "--qf", query, rpm)
        return self.runner(*command, timeout=60).stdout
