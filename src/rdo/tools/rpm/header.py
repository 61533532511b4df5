"""Read the header of one package file with rpm."""

from dataclasses import dataclass
from pathlib import Path

from rdo.errors import RefusedError
from rdo.tools.walls.sandbox import Sandbox

_LICENSE_FLAG = 1 << 7  # RPMFILE_LICENSE
_FOLDER = 0o040000
_QUERY = (
    "N %{NAME}\\nV %{VERSION}-%{RELEASE}\\nE %{EPOCH}\\nS %{SUMMARY}\\n"
    "[R %{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\\n]"
    "[F %{FILEFLAGS} %{FILEMODES} %{FILENAMES}\\n]"
)


@dataclass(frozen=True, slots=True)
class RpmHeader:
    """A package's name, version, requirements and files; `licences` are its %license files."""

    name: str
    evr: str
    summary: str
    requires: tuple[str, ...]
    files: tuple[str, ...]
    folders: frozenset[str]
    licences: tuple[str, ...]


def read_header(rpm: Path, *, sandbox: Sandbox | None = None) -> RpmHeader:
    """Return the header of an RPM file, read in the sandbox, without verifying it.

    Raises RefusedError if rpm cannot read it.
    """
    command = ("rpm", "-qp", "--nosignature", "--qf", _QUERY, rpm.resolve())
    fields: dict[str, list[str]] = {key: [] for key in "NVESRF"}
    done = (sandbox or Sandbox()).ask(*command, readable=[rpm], timeout=60)
    if done.returncode:
        raise RefusedError(f"rpm cannot read {rpm.name}: {done.stderr.strip()[-500:]}")
    for line in done.stdout.splitlines():
        if line[:1] in fields and line[1:2] == " ":
            fields[line[0]].append(line[2:])
    rows = [line.split(" ", 2) for line in fields["F"]]
    epoch = "".join(fields["E"][:1])
    evr = "".join(fields["V"][:1])
    return RpmHeader(
        name="".join(fields["N"][:1]),
        evr=evr if epoch in ("", "(none)") else f"{epoch}:{evr}",
        summary="".join(fields["S"][:1]),
        requires=tuple(" ".join(line.split()) for line in fields["R"]),
        files=tuple(path for _, _, path in rows),
        folders=frozenset(path for _, mode, path in rows if int(mode) & 0o170000 == _FOLDER),
        licences=tuple(path for flags, _, path in rows if int(flags) & _LICENSE_FLAG),
    )
