"""Read and unpack RPM files that strangers made, with rpm behind walls.

The rpm program of this machine runs in namespaces of its own: a header that crashes it does no
other harm, and the files that it unpacks belong to nobody of this machine.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rdo.errors import CommandError, RefusedError
from rdo.model.nevra import Nevra
from rdo.tools.walls.as_root import AsRoot
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.id_range import id_range
from rdo.tools.walls.sandbox import Sandbox

SCRIPTED = ".scripted"
"""The mark in the folder of an RPM that was not unpacked, because installing it runs scriptlets."""

_SCRIPTS = (
    *("PREIN", "POSTIN", "PREINPROG", "POSTINPROG", "PRETRANS", "POSTTRANS", "PRETRANSPROG"),
    *("POSTTRANSPROG", "TRIGGERNAME", "FILETRIGGERNAME", "TRANSFILETRIGGERNAME"),
)
_HAS_SCRIPTS = "".join(f"%|{tag}?{{1}}|" for tag in _SCRIPTS)
_INSTALL = (
    "--define '_dbpath /.rpmdb' -i --nodeps --noscripts --notriggers --nosignature"
    " --ignorearch --ignoreos"
)
_UNPACK_EACH = f"""
set -e
for folder in /layers/*; do
    rpm=/rpms/${{folder##*/}}.rpm
    scripts=$(rpm -qp --nosignature --qf '{_HAS_SCRIPTS}' "$rpm")
    if [ -n "$scripts" ]; then
        touch "$folder/{SCRIPTED}"
    else
        rpm --root "$folder" {_INSTALL} "$rpm"
        rm -rf "$folder/.rpmdb"
    fi
done
"""
_UNPACK = f"rpm --root /tree {_INSTALL} /rpms/*.rpm && rm -rf /tree/.rpmdb"
_NAME = r"%{NAME}\t%{EPOCHNUM}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\n"
REQUIRES = r"[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]"
"""rpm's query for what a package requires; `parse_requires` reads the answer."""


@dataclass(frozen=True, slots=True)
class Rpm:
    """The rpm program of this machine; it never touches this machine's own RPM database."""

    sandbox: Sandbox = field(default_factory=Sandbox)

    def names(self, rpms: Sequence[Path]) -> list[Nevra]:
        """Return the identity in each RPM; CommandError if rpm cannot read one of them."""
        if not rpms:
            return []
        paths = [path.resolve() for path in rpms]
        words: list[str | Path] = ["rpm", "-qp", "--nosignature", "--qf", _NAME, *paths]
        done = self.sandbox.ask(*words, readable=paths, timeout=120)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        if done.returncode or len(rows) != len(rpms) or any(len(row) != 5 for row in rows):
            raise CommandError(f"rpm cannot read {rpms[0].parent}: {done.stderr.strip()[-500:]}")
        return [
            Nevra(name, int(epoch), version, release, arch)
            for name, epoch, version, release, arch in rows
        ]

    def unpack_each(self, rpms: Sequence[Path], folder: Path) -> None:
        """Unpack each RPM into `folder`/0, `folder`/1 and so on, with the modes that it gives.

        Nothing of an RPM is run; one with scriptlets or triggers is only marked by `SCRIPTED`. The
        files belong to root inside.
        """
        layers = [folder / str(number) for number in range(len(rpms))]
        for layer in layers:
            _make_inside(layer)
        _make_inside(folder)
        offered = [Bind(path, f"/rpms/{number}.rpm") for number, path in enumerate(rpms)]
        AsRoot((Bind(folder, "/layers", writable=True), *offered)).ask("sh", "-c", _UNPACK_EACH)

    def unpack_source(self, srpm: Path, folder: Path) -> None:
        """Unpack the spec and the sources of a source RPM into an empty folder.

        Raises RefusedError for a file that is not a source RPM.
        """
        path = srpm.resolve()
        query = ("-qp", "--nosignature", "--qf", "%{SOURCEPACKAGE}")
        asked = self.sandbox.ask("rpm", *query, path, readable=[path])
        if asked.returncode or asked.stdout != "1":
            raise RefusedError(f"{srpm.name} is not a source RPM")
        places = ("_sourcedir", "_specdir", "_topdir")
        defines = [word for name in places for word in ("--define", f"{name} {folder.resolve()}")]
        defines += ["--define", f"_dbpath {folder.resolve()}/.rpmdb"]
        options = ("-i", "--nodeps", "--nosignature", "--noscripts", "--notriggers")
        done = self.sandbox.ask(
            "rpm", *defines, *options, path, readable=[path], writable=[folder], timeout=600
        )
        if done.returncode:
            raise RefusedError(f"rpm cannot unpack {srpm.name}: {done.stderr.strip()[-300:]}")

    def unpack_together(self, rpms: Sequence[Path], tree: Path) -> None:
        """Unpack all RPMs into the existing folder `tree`, running none of their scripts."""
        offered = [Bind(path, f"/rpms/{number}.rpm") for number, path in enumerate(rpms)]
        AsRoot((Bind(tree, "/tree", writable=True), *offered)).ask("sh", "-c", _UNPACK)


def parse_requires(answer: str) -> list[str]:
    """Return the dependencies in an answer to `REQUIRES`; rpm's own features are left out."""
    lines = (" ".join(line.split()) for line in answer.splitlines())
    return [line for line in lines if line and not line.startswith("rpmlib(")]


def _make_inside(folder: Path) -> None:
    """Make a folder that belongs to root inside, so that everything put into it does too."""
    folder.mkdir(exist_ok=True)
    ids = id_range()
    if ids.is_root:
        os.chown(folder, *ids.root)
