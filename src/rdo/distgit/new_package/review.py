"""`rdo pkg review`: check a new package's distgit as a reviewer does.

The steps here check the distgit itself; `rdo info review` has the steps that check the package's
metadata.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rdo.bridge.protocol import Bridge
from rdo.builders.rooms.workshop import Workshop
from rdo.distgit.local_build import LocalBuild, build_local
from rdo.distgit.new_package.licences import spdx
from rdo.distgit.new_package.old_bases import old_bases
from rdo.distgit.requirements import drift
from rdo.distgit.requirements.declared import declared
from rdo.distgit.requirements.reqcheck import (
    Group,
    Overrides,
    check,
    is_generated,
    of_group,
    stated,
)
from rdo.distgit.requirements.text_encoding import decoded
from rdo.errors import CommandError, UserError
from rdo.log_tail import last_line
from rdo.metadata.checking.review import AcceptanceStep, spec_step
from rdo.model.build import Built, Failed, FailureReason, Outcome, Waiting
from rdo.model.python import Python
from rdo.model.repo_file import OWN
from rdo.roots.build_root import build_root
from rdo.roots.platform.spec_macros import spec_macros
from rdo.solver import SolverRepository
from rdo.spec.file import SpecFile
from rdo.spec.tags import find_tag
from rdo.tools.packaging.source_archive import SourceArchive
from rdo.tools.rpm.createrepo import CreateRepo
from rdo.tools.rpm.header import RpmHeader, read_header
from rdo.tools.rpm.rpmlint import Rpmlint
from rdo.tools.rpm.rpmspec import Rpmspec

MAX_TEXT = 2_000_000
_FORBIDDEN = ("/usr/local/", "/opt/", "/home/", "/builddir/", "/root/", "/tmp/", "/srv/")
_STRAY = re.compile(
    r"/usr/lib(?:64)?/python3[^/]*/site-packages/(tests?|docs?|examples?|scripts|tools)(/|\.py$|$)"
)
_OURS = {
    "no-signature": "RPMs are signed when they are published",
    "no-packager-tag": "RDO's specs have none",
    "no-group-tag": "RDO's specs have none",
    "no-buildroot-tag": "rpm has set it by default for years",
    "files-duplicated-waste": "bytecode of two levels is often the same",
    "files-duplicate": "bytecode of two levels is often the same",
    "no-dependency-on": "a rule of another distribution",
    "invalid-license": "its list is older than SPDX; the step `licence` checks this",
}
_OF_EXTRAS = frozenset(
    {
        "description-line-too-long",
        "ghost-files-without-postin",
        "postin-without-ghost-file-creation",
        "no-documentation",
    }
)
"""rpmlint's complaints about the packages made by %pyproject_extras_subpkg."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SUM = re.compile(r"^(?:(\w+) \(([^)]+)\) = ([0-9a-f]+)|([0-9a-f]{32,128})\s+\*?(\S+))$", re.M)


@dataclass(frozen=True, slots=True)
class ReviewBench:
    """Everything needed to build and install the package; `repositories` are the release's."""

    workshop: Workshop
    bridge: Bridge
    repositories: tuple[Path, ...] = ()
    rpmlint: Rpmlint = field(default_factory=Rpmlint)


def review(folder: Path, bench: ReviewBench | None) -> list[AcceptanceStep]:
    """Return the steps done and to do in a distgit; without a bench, nothing is built."""
    name = folder.absolute().name
    found = sorted(path.name for path in folder.glob("*.spec"))
    steps = [spec_step(name, found)]
    if len(found) != 1:
        return steps
    spec = SpecFile(folder / found[0], Rpmspec(macros=spec_macros()))
    try:
        reading = spec.reading()
    except UserError as error:
        return [*steps, AcceptanceStep("rpm", False, str(error))]
    steps += [_naming(spec, reading.name), _licence(spec), *_sources(spec, reading.sources)]
    steps += [_requirements(spec, reading.sources), old_bases(spec.text())]
    if bench is None:
        return [*steps, _rpmlint(Rpmlint(), [spec.path])]
    with tempfile.TemporaryDirectory(prefix="rdo-review-") as scratch:
        results = Path(scratch, "results")
        job = LocalBuild(spec.path, results, repositories=bench.repositories)
        outcome = build_local(job, bench.workshop, bench.bridge)
        steps.append(_builds(outcome))
        if isinstance(outcome, Built):
            rpms = [path for path in outcome.rpms if not path.name.endswith(".src.rpm")]
            headers = [read_header(path) for path in rpms]
            steps += [licence_text(headers), misplaced_files(headers), _described(headers)]
            steps.append(_installs(results, headers, bench))
            steps.append(_rpmlint(bench.rpmlint, [spec.path, *outcome.rpms]))
        else:
            steps.append(_rpmlint(bench.rpmlint, [spec.path]))
    return steps


def _naming(spec: SpecFile, name: str) -> AcceptanceStep:
    """Check that the package's name is that of its spec, and for Python follows RDO's rules."""
    faults = []
    if not _NAME.fullmatch(name):
        faults.append(f"{name} is not a valid package name")
    if name != spec.path.stem:
        faults.append(f"the spec of {name} must be named {name}.spec")
    text = str(spec.text())
    packages = re.findall(r"^%package\s+(?:-n\s+)?(\S+)", text, re.MULTILINE)
    if name.startswith("python3-"):
        faults.append(f"name the source package python-{name.removeprefix('python3-')}")
    elif name.startswith("python-") and not any("python3-" in spec.expand(x) for x in packages):
        faults.append("a python- package must have its modules in a python3- package")
    return AcceptanceStep("naming", not faults, "; ".join(faults) or name)


def _licence(spec: SpecFile) -> AcceptanceStep:
    tag = find_tag(spec.text(), "License")
    value = spec.expand(tag.value) if tag else ""
    if not value:
        return AcceptanceStep("licence", False, "the spec has no License tag")
    known = spdx(value)
    if not known or "LicenseRef-Unknown" in known:
        return AcceptanceStep(
            "licence", False, f"{value!r} is not an SPDX expression; read the project's files"
        )
    if known != value:
        return AcceptanceStep("licence", False, f"write it in SPDX form: {known}")
    return AcceptanceStep("licence", True, known)


def _sources(spec: SpecFile, names: Sequence[str]) -> Iterator[AcceptanceStep]:
    """Check that the sources exist and match the file `sources`."""
    missing = [name for name in names if not (spec.folder / _file_of(name)).is_file()]
    if missing:
        yield AcceptanceStep("sources", False, f"missing: {', '.join(missing)}")
        return
    listing = spec.folder / "sources"
    text = listing.read_text(errors="replace") if listing.is_file() else ""
    wrong = []
    for kind, name, digest, bare, bare_name in _SUM.findall(text):
        path = spec.folder / Path(name or bare_name).name
        lengths = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
        algorithm = kind.lower() or lengths.get(len(bare), "")
        if path.is_file() and algorithm in hashlib.algorithms_guaranteed:
            found = hashlib.new(algorithm, path.read_bytes(), usedforsecurity=False).hexdigest()
            wrong += [path.name] if found != (digest or bare) else []
    if wrong:
        yield AcceptanceStep(
            "sources", False, f"different from the hash in `sources`: {', '.join(wrong)}"
        )
    else:
        yield AcceptanceStep("sources", True, ", ".join(_file_of(name) for name in names) or "none")


def _file_of(source: str) -> str:
    """Return the file name of a source; expands %pypi_source if this machine lacks the macro."""
    match = re.fullmatch(r"%\{pypi_source (\S+) (\S+?)(?: (\S+))?\}", source)
    if match:
        return f"{match[1]}-{match[2].replace('~', '')}.{match[3] or 'tar.gz'}"
    return Path(source).name


@dataclass(frozen=True, slots=True)
class ArchiveSource:
    """A source archive whose files are read one by one, without unpacking it."""

    archive: Path

    def file(self, path: str) -> str | None:
        """Return the text of a file below the top folder, or None if it cannot be read."""
        data = SourceArchive(self.archive).read(path)
        return None if data is None else decoded(data)


def _requirements(spec: SpecFile, sources: Sequence[str]) -> AcceptanceStep:
    """Check the spec's requirements against its first source, and look for drift."""
    archive = spec.folder / _file_of(sources[0]) if sources else spec.folder
    if not archive.is_file():
        return AcceptanceStep("requirements", False, "its first source is missing")
    source = ArchiveSource(archive)
    upstream = declared(source, Python("3.11"))
    wanted = upstream.wanted
    generated = is_generated(spec.text())
    if upstream.unknown and not generated:
        return AcceptanceStep("requirements", False, f"not known: {'; '.join(upstream.unknown)}")
    rows = check(wanted, stated(spec), Overrides({}), generated=generated)
    faults = [f"no Requires for {row.name}" for row in of_group(rows, Group.MISSING)]
    faults += [
        f"{row.name}: upstream requires {row.wanted}, the spec {row.versions}"
        for row in of_group(rows, Group.MISMATCH)
    ]
    faults += [str(one) for one in drift.find(spec, source, wanted)]
    said = "generated by rpm" if generated else f"{len(rows)}, the same as upstream's"
    return AcceptanceStep("requirements", not faults, "; ".join(faults) or said)


def _builds(outcome: Outcome) -> AcceptanceStep:
    match outcome:
        case Built(rpms):
            return AcceptanceStep("builds", True, ", ".join(path.name for path in rpms))
        case Failed(reason, detail):
            return AcceptanceStep("builds", False, f"{reason}: {detail}")
        case Waiting(needs):
            return AcceptanceStep("builds", False, f"waiting for {', '.join(needs)}")


def _usual(headers: Iterable[RpmHeader]) -> list[RpmHeader]:
    """Return the packages except those with debug information."""
    return [one for one in headers if not one.name.endswith(("-debuginfo", "-debugsource"))]


def licence_text(headers: Sequence[RpmHeader]) -> AcceptanceStep:
    """Check that each package, or one of ours that it requires, contains the licence's text."""
    with_text = {one.name for one in headers if one.licences}
    lacking = [
        one.name
        for one in _usual(headers)
        if one.files
        and one.name not in with_text
        and not any(need.split(" ")[0] in with_text for need in one.requires)
        and not re.search(r"\+", one.name)
    ]
    detail = f"no %license file in {', '.join(lacking)}"
    return AcceptanceStep("licence text", not lacking, detail if lacking else "in each package")


def misplaced_files(headers: Sequence[RpmHeader]) -> AcceptanceStep:
    """Check that each file is in an allowed place and in one package only."""
    faults = []
    owners: dict[str, str] = {}
    for one in _usual(headers):
        for path in one.files:
            if path.startswith(_FORBIDDEN):
                faults.append(f"{path} is not allowed in a package")
            if _STRAY.match(path) and path.count("/") == _depth(path):
                faults.append(f"{path} does not belong in site-packages")
            if path in owners and not path.startswith("/usr/lib/.build-id"):
                faults.append(f"{path} is in {owners[path]} and {one.name}")
            if path not in one.folders:
                owners[path] = one.name
    shown = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
    count = sum(len(one.files) for one in _usual(headers))
    return AcceptanceStep("files", not faults, shown or f"{count} files in allowed places")


def _depth(path: str) -> int:
    """Return the number of slashes in a path directly below site-packages."""
    return path[: path.index("/site-packages/")].count("/") + 2


def _described(headers: Sequence[RpmHeader]) -> AcceptanceStep:
    """Check that the summaries are fit for lists of packages."""
    faults = []
    for one in _usual(headers):
        if one.summary.endswith("."):
            faults.append(f"the summary of {one.name} ends with a dot")
        if len(one.summary) > 79:
            faults.append(f"the summary of {one.name} has more than 79 characters")
        if not one.summary:
            faults.append(f"{one.name} has no summary")
    return AcceptanceStep("summary", not faults, "; ".join(faults) or "one line each")


def _installs(results: Path, headers: Sequence[RpmHeader], bench: ReviewBench) -> AcceptanceStep:
    """Install all packages with their requirements in a fresh root."""
    own = results.parent / "own"
    own.mkdir()
    for path in results.glob("*.rpm"):
        if not path.name.endswith(".src.rpm"):
            shutil.copy(path, own)
    CreateRepo().create(own)
    wanted = [f"{one.name} = {one.evr}" for one in _usual(headers)]
    needs: tuple[str, ...] = ()
    for _ in range(8):
        stopped = _install_once(own, wanted, bench)
        if stopped is None:
            return AcceptanceStep("installs", True, ", ".join(one.name for one in _usual(headers)))
        if isinstance(stopped, Failed):
            return AcceptanceStep("installs", False, stopped.detail)
        needs = bench.bridge.provide(stopped.needs).missing
        if needs:
            break
    return AcceptanceStep(
        "installs", False, f"nothing provides {', '.join(needs) or 'everything that it requires'}"
    )


def _install_once(own: Path, wanted: Sequence[str], bench: ReviewBench) -> Failed | Waiting | None:
    shop = bench.workshop
    with build_root(shop.base, shop.content, shop.roots) as root:
        rows = (
            SolverRepository("reviewed", own, OWN),
            *shop.repositories(bench.repositories),
        )
        room = shop.room(root, rows, own.parent / "install.log")
        try:
            return room.require(wanted)
        except CommandError as error:
            return Failed(FailureReason.INSTALL, last_line(str(error)))


def _rpmlint(rpmlint: Rpmlint, files: Sequence[Path]) -> AcceptanceStep:
    """Check that rpmlint finds no errors; without rpmlint the step is not done."""
    read = [path for path in files if not re.search(r"-debug(info|source)-", path.name)]
    try:
        hints = rpmlint.check(*read)
    except CommandError:
        return AcceptanceStep("rpmlint", False, "rpmlint is not installed; see rdo pkg doctor")
    counted = [hint for hint in hints if not _is_ours(hint[0], hint[2])]
    errors = [f"{Path(place).name}: {text}" for place, level, text in counted if level == "E"]
    warnings = sum(level == "W" for _, level, _ in counted)
    if errors:
        return AcceptanceStep("rpmlint", False, "; ".join(errors[:5]))
    return AcceptanceStep(
        "rpmlint", True, f"no errors, {warnings} warning{'' if warnings == 1 else 's'}"
    )


def _is_ours(place: str, text: str) -> bool:
    """Whether a message of rpmlint is about the factory's part, which no packager can fix."""
    word = text.split(" ")[0]
    return word in _OURS or ("+" in place and word in _OF_EXTRAS)
