"""Export a repository into a folder of its own, with every RPM and everything they require.

The folder is made beside its place and renamed at the end, so it appears complete or not at all.
"""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rdo import atomic
from rdo.app.targets import OpenTarget
from rdo.checksum import sha256_of
from rdo.dlrn.formats import versions_csv
from rdo.errors import NotFoundError, RefusedError
from rdo.model.artifact import Artifact, Fragment, RpmFile
from rdo.model.neighbours import only_neighbours
from rdo.model.nevra import Nevra
from rdo.model.repo_file import DEPENDENCIES, NOT_SIGNED, OWN, RepoSection, RepoTrust, repo_file
from rdo.promotion.compositions import Composition
from rdo.promotion.listing import rpms
from rdo.publish import contents, pool, references
from rdo.publish.good import GoodBuild
from rdo.publish.references import REPOMD, has_signature
from rdo.repodata import Composer, RepositoryEntry, read_rpms
from rdo.store.work.artifacts import StoredArtifact

RPMS, DEPS = "rpms", "deps"


@dataclass(frozen=True, slots=True)
class Exported:
    """A folder that was written; `dependencies` is the snapshot in it, empty without one.

    `replaced` are the packages whose RPMs were replaced by RPMs of a scratch build.
    """

    folder: Path
    repo_file: Path
    rpms: int
    dependencies: str = ""
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """One RPM to export: its file, and its fragment."""

    source: Path
    artifact: Artifact
    fragment: Fragment


def export(
    opened: OpenTarget,
    composition: Composition,
    folder: Path,
    *,
    url: str = "",
    scratch: Sequence[Path] = (),
    with_dependencies: bool = True,
) -> Exported:
    """Write a composition into a new folder, from which hosts can install without other ones.

    `url` is where it will be served; without a URL the .repo file names the folder itself.
    `scratch` are RPMs, or folders of them, that replace the RPMs of the same source package. RPMs
    that only a debugger needs are left out. Raises RefusedError if the folder exists, for RPMs that
    may not be published, or for two with the same name; NotFoundError if an RPM is not intact in
    the pool.
    """
    folder = folder.absolute()
    if folder.exists() or folder.is_symlink():
        raise RefusedError(f"{folder} exists", hint="name a folder that does not exist yet")
    files = _rpm_files(scratch)
    extra = [*zip(read_rpms(files), files, strict=True)]
    replaced = _replaced(composition, [one for one, _ in extra])
    kept = replace(
        composition,
        builds={key: one for key, one in composition.builds.items() if key not in replaced},
    )
    parts = _stored(opened, kept)
    parts += [_Part(path, one.artifact, one.fragment) for one, path in extra]
    parts = [part for part in parts if not part.artifact.is_debug]
    _check_names(parts)
    snapshot = _snapshot(opened, composition) if with_dependencies else ""
    with atomic.new_directory(folder) as fresh:
        _write(fresh, parts, int(opened.now().timestamp()))
        (fresh / "versions.csv").write_text(_versions(opened, kept))
        if snapshot:
            shutil.copytree(opened.tree.repos / DEPS / snapshot, fresh / DEPS)
        place = url.rstrip("/") or folder.as_uri()
        trusts = _sign(opened, fresh, parts, place)
        repo = fresh / f"{opened.tree.site.reponame}.repo"
        text = _repo_file(opened, place, trusts, bool(snapshot))
        others = _neighbours(opened, composition) if with_dependencies else ""
        repo.write_text("\n".join(filter(None, (text, others))))
    return Exported(folder, folder / repo.name, len(parts), snapshot, tuple(sorted(replaced)))


def _rpm_files(places: Sequence[Path]) -> list[Path]:
    """Return the named RPMs, and those in the named folders."""
    found: list[Path] = []
    for place in places:
        inside = sorted(place.glob("*.rpm")) if place.is_dir() else [place]
        if not inside or not inside[0].exists():
            raise NotFoundError(f"{place} is not an RPM, nor a folder with RPMs")
        found += inside
    return found


def _replaced(composition: Composition, extra: Sequence[RpmFile]) -> frozenset[str]:
    """Return the packages of a composition that RPMs of a scratch build replace."""
    try:
        sources = {Nevra.parse(one.source_rpm or one.artifact.file_name).name for one in extra}
    except ValueError as error:
        raise RefusedError(f"an RPM names an impossible source RPM: {error}") from error
    return frozenset(
        package
        for package, build in composition.builds.items()
        if any(
            stored.artifact.is_source and stored.artifact.nevra.name in sources
            for stored in build.artifacts
        )
    )


def _stored(opened: OpenTarget, composition: Composition) -> list[_Part]:
    found: tuple[StoredArtifact, ...] = rpms(composition)
    with opened.store.read() as at:
        fragments: Mapping[int, Fragment] = at.artifacts.fragments([one.id for one in found])
    place = opened.tree.repos / pool.NAME
    return [
        _Part(pool.place(place, one.artifact), one.artifact, fragments[one.id]) for one in found
    ]


def _check_names(parts: Collection[_Part]) -> None:
    seen: set[str] = set()
    for part in parts:
        if part.artifact.file_name in seen:
            raise RefusedError(f"two RPMs are called {part.artifact.file_name}")
        seen.add(part.artifact.file_name)


def _write(fresh: Path, parts: Sequence[_Part], revision: int) -> None:
    (fresh / RPMS).mkdir()
    for part in parts:
        copy = fresh / RPMS / part.artifact.file_name
        if part.source.is_file():
            shutil.copyfile(part.source, copy)
        if not copy.exists() or sha256_of(copy) != part.artifact.sha256:
            raise NotFoundError(
                f"{part.artifact.file_name} is not intact: {part.source}",
                hint="rdo trunk verify --repair repairs what it can",
            )
    numbered = dict(enumerate(part.fragment for part in parts))
    entries = [
        RepositoryEntry(number, part.artifact.nevra.name, f"{RPMS}/{part.artifact.file_name}")
        for number, part in enumerate(parts)
    ]
    composer = Composer(lambda keys: {key: numbered[key] for key in keys})
    composer.write(fresh, [], entries, revision=revision)


def _sign(
    opened: OpenTarget, fresh: Path, parts: Sequence[_Part], url: str
) -> tuple[RepoTrust, RepoTrust]:
    """Sign what was written and add the keys; return what clients may verify, here and in deps.

    RPM signatures are not required if one RPM is from a scratch build, because those are never
    signed.
    """
    if opened.tree.signer is None:
        return NOT_SIGNED, NOT_SIGNED
    signer = opened.tree.signer.pinned()
    signer.sign_files([fresh / REPOMD])
    names = []
    for fingerprint, text in signer.public_keys().items():
        names.append(signer.key_name(fingerprint))
        (fresh / names[-1]).write_bytes(text)
    keys = tuple(f"{url}/{name}" for name in names)
    is_checked = all(part.artifact.signed_by for part in parts)
    own = RepoTrust(gpgcheck=is_checked, repo_gpgcheck=True, gpgkey=keys)
    return own, replace(own, gpgcheck=True) if has_signature(fresh / DEPS) else NOT_SIGNED


def _versions(opened: OpenTarget, composition: Composition) -> str:
    builds: list[GoodBuild] = list(composition.builds.values())
    site = replace(opened.tree.site, components=False)
    found = contents.of_builds(site, builds, opened.members)
    return versions_csv(row for what in found for row in what.rows)


def _snapshot(opened: OpenTarget, composition: Composition) -> str:
    """Return the dependency snapshot named by the composition's repositories, else the current one.

    Empty if the target has no dependencies. Raises RefusedError if they name several.
    """
    current = opened.tree.repos / DEPS / "current"
    named = frozenset[str]().union(
        *(references.snapshots(opened.tree.repos / one.path) for one in composition.repositories)
    )
    if not named:
        return current.resolve().name if current.exists() else ""
    if len(named) > 1:
        raise RefusedError(
            f"{composition.label} has components with different dependency snapshots",
            hint="export one component, or pass --without-dependencies",
        )
    return next(iter(named))


def _neighbours(opened: OpenTarget, composition: Composition) -> str:
    """Return the sections of other targets in the composition's .repo files."""
    files = (
        file
        for one in composition.repositories
        for file in sorted((opened.tree.repos / one.path).glob("*-deps.repo"))
    )
    return "\n".join(filter(None, dict.fromkeys(only_neighbours(x.read_text()) for x in files)))


def _repo_file(
    opened: OpenTarget, url: str, trusts: tuple[RepoTrust, RepoTrust], has_dependencies: bool
) -> str:
    site, (own, deps) = opened.tree.site, trusts
    name = f"{site.project_name} {opened.name}"
    sections = [RepoSection(site.reponame, name, (url,), priority=OWN).trusting(own)]
    if has_dependencies:
        name = f"{site.reponame}-deps"
        sections.append(
            RepoSection(
                name,
                f"{name} of {opened.name}",
                (f"{url}/{DEPS}",),
                priority=DEPENDENCIES,
            ).trusting(deps)
        )
    return repo_file(sections)
