"""Make RPMs of Python wheels, in one run of rpmbuild with a subpackage per wheel.

Runs inside the root as the build user, because wheels are not trusted. pip, run from its own wheel,
unpacks all wheels into one buildroot; their RECORDs show which wheel owns each file.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rdo.model.text.spec_text import in_spec
from rdo.python_names import capability, provides, requires, rpm_names, rpm_version
from rdo.roots.inside.installing.file_list import file_list_line
from rdo.roots.inside.installing.finish_install import finish_install
from rdo.roots.inside.installing.pythondist import distribution_requires

TOP = Path("/builddir")

_OF_THE_SYSTEM = frozenset(
    {
        *("libGL.so.1", "libICE.so.6", "libSM.so.6", "libX11.so.6", "libXext.so.6"),
        *("libXrender.so.1", "libexpat.so.1", "libglib-2.0.so.0", "libgobject-2.0.so.0"),
        *("libgthread-2.0.so.0", "libnsl.so.1", "libz.so.1"),
    }
)
"""The libraries that a manylinux wheel need not bundle, besides those of glibc and gcc.

See PEP 599, and auditwheel's policies for later glibcs (https://github.com/pypa/auditwheel).
"""


def unpack(pip: str, wheels: list[str], buildroot: Path) -> None:
    """Install wheels into the buildroot with pip, without their dependencies."""
    command = [
        sys.executable,
        f"{pip}/pip",
        "install",
        "--root",
        str(buildroot),
        "--prefix",
        "/usr",
    ]
    command += ["--no-deps", "--no-index", "--no-compile", "--no-cache-dir", "--ignore-installed"]
    command += ["--disable-pip-version-check", "--no-warn-script-location", "--quiet", *wheels]
    subprocess.run(command, check=True)


def link_programs(folder: Path) -> None:
    """Give each program a second name, as Python 3's in RPM distributions."""
    for program in list(folder.glob("*")):
        link = folder / f"{program.name}-3"
        if not program.name.endswith("-3") and not link.exists():
            link.symlink_to(program.name)


def spec(buildroot: Path, release: str, python: str) -> Iterator[str]:
    """Yield a spec with a package for each distribution in the buildroot and for each extra."""
    for macro in ("debug_package", "__os_install_post", "__spec_install_pre"):
        yield f"%define {macro} %{{nil}}"
    yield "%define _build_id_links none\n%define _binary_payload w3.zstdio"
    yield "%define _unpackaged_files_terminate_build 0"
    # The wheel of selenium 3 is for any machine but contains libraries for some machines.
    yield "%define _binaries_in_noarch_packages_terminate_build 0"
    yield f"Name: bridged\nVersion: 1\nRelease: {release}\nSummary: x\nLicense: various"
    yield "%description\nx"
    modules = buildroot / f"usr/lib/python{python}/site-packages"
    for dist_info in sorted(modules.glob("*.dist-info")):
        yield from _package(buildroot, dist_info, release, python)
    yield "%install\n\n%clean\n:"


def _package(buildroot: Path, dist_info: Path, release: str, python: str) -> Iterator[str]:
    distribution = PathDistribution(dist_info)
    name = distribution.metadata["Name"]
    rpm_name = in_spec(f"python3-{canonicalize_name(name)}")
    tags = (dist_info / "WHEEL").read_text()
    arch = "BuildArch: noarch\n" if "Root-Is-Purelib: true" in tags else ""
    version = rpm_version(distribution.version).rpartition("!")[2]
    summary = in_spec((distribution.metadata["Summary"] or name).splitlines()[0])
    head = f"Version: {version}\nRelease: {release}\nLicense: various\nAutoReqProv: no\n{arch}"
    yield f"%package -n {rpm_name}\n{head}Summary: {summary.strip() or in_spec(name)}"
    yield f"Requires: python(abi) = {python}"
    given = provides(name, distribution.version, python=python)
    yield from (f"Provides: {in_spec(one)}" for one in given)
    names = set(map(in_spec, rpm_names(name)))
    if any("tests" in path.parts for path in _recorded(buildroot, dist_info)):
        names |= {f"{one}-tests" for one in names}  # RDO's package with only the tests
    for alias in sorted(names - {rpm_name}):
        yield f"Provides: {alias} = {version}-{release}"
    needed = distribution_requires(distribution, "", python)
    yield from (f"Requires: {in_spec(one)}" for one in needed)
    libraries = _libraries(buildroot, dist_info)
    if not re.search(r"^Tag: .*-linux_", tags, re.MULTILINE):
        libraries = [one for one in libraries if one.partition("(")[0] in _OF_THE_SYSTEM]
    yield from (f"Requires: {in_spec(one)}" for one in libraries)
    yield f"%description -n {rpm_name}\nThe wheel of {in_spec(name)} on PyPI as an RPM."
    listed = buildroot.parent / f"{rpm_name}.files"
    listed.write_text("".join(f"{line}\n" for line in _files(buildroot, dist_info)))
    yield f"%files -n {rpm_name} -f {listed}"
    # A wheel may declare the same extra twice, as cotyledon 1.7.3 does.
    extras = {
        canonicalize_name(one): one for one in distribution.metadata.get_all("Provides-Extra", [])
    }
    for known, extra in extras.items():
        yield from _extra(distribution, f"{rpm_name}+{in_spec(known)}", extra, head, python)


def _libraries(buildroot: Path, dist_info: Path) -> list[str]:
    """Return the sonames that the libraries of a wheel link to, in rpm's form."""
    recorded = (buildroot / line for line in _recorded(buildroot, dist_info))
    files = "".join(f"{path}\n" for path in recorded if re.search(r"\.so(\.|$)", path.name))
    if not files:
        return []
    command = ["/usr/lib/rpm/elfdeps", "--requires"]
    done = subprocess.run(command, input=files, capture_output=True, text=True, check=True)
    return sorted(set(done.stdout.splitlines()))


def _extra(
    distribution: PathDistribution, rpm_name: str, extra: str, head: str, python: str
) -> Iterator[str]:
    """Yield the metadata package of one extra, which adds requirements and contains no files."""
    name = distribution.metadata["Name"]
    shown = in_spec(f"{name} with {extra}")
    yield f"%package -n {rpm_name}\n{head}Summary: {shown}"
    exact = Requirement(f"{name}=={distribution.version}")
    yield from (f"Requires: {in_spec(one)}" for one in requires(exact, python))
    given = provides(name, distribution.version, extra, python)
    yield from (f"Provides: {in_spec(one)}" for one in given)
    for one in distribution_requires(distribution, extra, python):
        if not one.startswith(capability(name, extra, python)):
            yield f"Requires: {in_spec(one)}"
    yield f"%description -n {rpm_name}\n{shown}.\n%files -n {rpm_name}"


def _files(buildroot: Path, dist_info: Path) -> Iterator[str]:
    """Yield the files of a wheel, their bytecode, and the folders that only this wheel uses."""
    modules = PurePosixPath("/") / dist_info.parent.relative_to(buildroot)
    folders: set[PurePosixPath] = set()
    for path in _recorded(buildroot, dist_info):
        there = buildroot / path
        compiled = there.parent.glob(f"__pycache__/{there.stem}.*.pyc")
        linked = there.with_name(f"{there.name}-3")
        others = compiled if path.suffix == ".py" else (linked,) if linked.is_symlink() else ()
        for one in (there, *others):
            inside = PurePosixPath("/") / one.relative_to(buildroot)
            if one.is_file():
                folders.update(
                    folder
                    for folder in inside.parents
                    if folder != modules and folder.is_relative_to(modules)
                )
                yield file_list_line(inside)
    yield from (file_list_line(folder, "%dir") for folder in sorted(folders))


def _recorded(buildroot: Path, dist_info: Path) -> list[PurePosixPath]:
    """Return the paths in a wheel's RECORD, relative to the buildroot."""
    modules = PurePosixPath(dist_info.parent.relative_to(buildroot))
    with (dist_info / "RECORD").open(newline="") as file:
        return [_normal(modules / row[0]) for row in csv.reader(file) if row]


def _normal(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        parts = parts[:-1] if part == ".." else [*parts, part]
    return PurePosixPath(*parts)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    for name in ("--pip", "--release", "--python"):
        parser.add_argument(name, required=True)
    parser.add_argument("wheels", nargs="+")
    args = parser.parse_args(argv)
    buildroot = TOP / "BUILDROOT/bridged"
    unpack(args.pip, args.wheels, buildroot)
    finish_install(buildroot)
    link_programs(buildroot / "usr/bin")
    for unwanted in buildroot.glob("usr/lib/python*/site-packages/*.dist-info/direct_url.json"):
        unwanted.unlink()
    (TOP / "SPECS/bridged.spec").write_text(
        "\n".join([*spec(buildroot, args.release, args.python), ""])
    )
    command = ["rpmbuild", "-bb", "--quiet", "--noprep", "--noclean"]
    command += ["--buildroot", str(buildroot)]
    done = subprocess.run(
        [*command, str(TOP / "SPECS/bridged.spec")], capture_output=True, text=True, check=False
    )
    sys.stderr.write(done.stderr[-4000:])
    json.dump([str(path) for path in sorted(TOP.glob("RPMS/*/*.rpm"))], sys.stdout)
    return done.returncode
