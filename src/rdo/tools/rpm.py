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
    """The rpm program of this machine; it never uses this machine's own RPM database."""

    runner: Runner = run

    def has_scriptlets(self, rpm: Path) -> bool:
        """Whether installing the RPM runs scriptlets or triggers."""
        query = "".join(f"%|{tag}?{{1}}|" for tag in _SCRIPTS)
        return bool(self._query(rpm, query).strip())

    def requires(self, rpm: Path) -> list[str]:
        """Return the dependencies of a package without rpm's own; of an SRPM, its BuildRequires."""
        query = "[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]"
        lines = (" ".join(line.split()) for line in self._query(rpm, query).splitlines())
        return [line for line in lines if line and not line.startswith("rpmlib(")]

    def given_names(self, rpm: Path) -> set[str]:
        """Return what a package provides, without versions, and its files."""
        return set(self._query(rpm, "[%{PROVIDENAME}\n][%{FILENAMES}\n]").splitlines())

    def unpack(self, rpm: Path, folder: Path, *more: Path) -> None:
        """Unpack all files of RPMs below `folder`, with their owners and modes; nothing is run."""
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
