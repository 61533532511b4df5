"""Predict the requirements of a spec, before any of them is installed.

Runs inside the root as the build user, in a topdir of rpmbuild for one package. SPECS and SOURCES
contain the spec and its files; source.json has the names of the upstream's files, and the texts of
those that declare requirements. %prep runs on a tree in which all other files are empty, and
%generate_buildrequires only reads what is declared. Writes /builddir/answer.json: `{"build": [RPM
dependencies], "use": [those of its packages], "offer": [names that its packages provide]}`.
"""

import argparse
import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

from rdo.model.text.spec_text import top_folder

READ_ONLY = "RDO_FORETELL"
"""Set in the environment of %generate_buildrequires: no code of the source runs there."""

ANSWER = Path("/builddir/answer.json")
MAX_NEEDS = 2_000
MAX_LENGTH = 500


def needs(text: str) -> list[str]:
    """Return the dependencies in rpm's output, without rpm's own.

    >>> needs("python3-devel\\n\\nrpmlib(CompressedFileNames) <= 3.0.4-1\\npython3-devel\\n")
    ['python3-devel']
    """
    lines = (line.strip() for line in text.splitlines())
    found = dict.fromkeys(line for line in lines if line and not line.startswith("rpmlib("))
    return [line for line in found if len(line) <= MAX_LENGTH][:MAX_NEEDS]


def names(text: str) -> list[str]:
    """Return the names in the provides that rpm prints.

    >>> names("python3-foo = 1.0-1\\nfoo\\nfoo = 1.0-1\\n")
    ['python3-foo', 'foo']
    """
    return list(dict.fromkeys(line.split()[0] for line in needs(text)))


def ask(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout if done.returncode == 0 else ""


def pack(source: Path, archive: Path, top: str) -> None:
    """Make the archive that %prep unpacks; files with unknown content are empty."""
    known = json.loads(source.read_text())
    with tarfile.open(archive, "w") as tar:
        for name in known["names"]:
            content = known["texts"].get(name, "").encode(errors="surrogateescape")
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def generated(topdir: Path, spec: Path, options: list[str]) -> list[str]:
    """Return the BuildRequires, including those that the spec generates from its source."""
    command = ["rpmbuild", "-br", "--nodeps", *options, str(spec)]
    subprocess.run(command, env={**os.environ, READ_ONLY: "1"}, check=False)
    made = sorted((topdir / "SRPMS").glob("*.buildreqs.nosrc.rpm"))
    return needs(ask("rpm", "-qp", "--nosignature", "--requires", str(made[0]))) if made else []


def main(argv: list[str]) -> int:
    """Write the predicted requirements of the spec in a topdir to answer.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--define", action="append", default=[])
    parser.add_argument("--archive", required=True)
    parser.add_argument("topdir", type=Path)
    args = parser.parse_args(argv)
    (spec,) = (args.topdir / "SPECS").iterdir()
    defines = [f"_topdir {args.topdir}", *args.define]
    options = [part for define in defines for part in ("-D", define)]
    found = needs(ask("rpmspec", "-q", "--buildrequires", *options, str(spec)))
    use = needs(ask("rpmspec", "-q", "--requires", *options, str(spec)))
    offer = names(ask("rpmspec", "-q", "--provides", *options, str(spec)))
    if re.search(r"^%generate_buildrequires\b", spec.read_text(errors="replace"), re.MULTILINE):
        top = top_folder(ask("rpmspec", "-P", *options, str(spec))) or "source"
        pack(args.topdir / "source.json", args.topdir / "SOURCES" / args.archive, top)
        found = needs("\n".join([*found, *generated(args.topdir, spec, options)]))
    ANSWER.write_text(json.dumps({"build": found, "use": use, "offer": offer}))
    return 0
