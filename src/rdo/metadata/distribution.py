"""The distribution: its releases, components and packages, resolved for a target on demand."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Any

from rdo.errors import NotFoundError, did_you_mean
from rdo.metadata.checking.faults import Fault, Level, MetadataError
from rdo.metadata.checking.rules import Checker
from rdo.metadata.merge import as_lists, by_identity
from rdo.metadata.resolve import SubstitutionError, attributes, tags_of, usable_attributes
from rdo.metadata.tree import Files, LocatedMapping
from rdo.metadata.values import DistRepo, Release, ReleasePackages, ReleaseRepo
from rdo.model.package import Package

log = logging.getLogger(__name__)

Tree = Mapping[str, Any]


class Distribution:
    """All metadata from one source.

    `rdo.metadata.load` makes it. A fault becomes an error only when the faulty part is used, so a
    fault in one release does not stop work on another.

    `tree` and `files`, the merged tree and the positions in it, are private to rdo.metadata. A tree
    from the cache has no positions; `located` then reads the files again, once.
    """

    def __init__(
        self,
        tree: Tree,
        files: Files | None = None,
        reread: Callable[[], "Distribution"] | None = None,
    ) -> None:
        self.tree = tree
        self.files = files
        self._reread = reread

    @cached_property
    def located(self) -> "Distribution":
        """The same distribution, with the file and line of everything."""
        return self._reread() if self._reread else self

    @cached_property
    def releases(self) -> tuple[Release, ...]:
        """The releases in the metadata's order, usually newest first; may raise MetadataError."""
        entries = self.tree.get("releases") or ()
        checker = Checker(self.tree, self.files)
        faults = [fault for entry in entries for fault in checker.release(entry)]
        if any(fault.level is Level.ERROR for fault in faults):
            if self.located is not self:
                return self.located.releases
            raise MetadataError(fault for fault in faults if fault.level is Level.ERROR)
        return tuple(map(_release, entries))

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(component["name"] for component in self.tree.get("components") or ())

    def dump(self, apply_tag: str | None = None, *, as_dicts: bool = False) -> dict[str, Any]:
        """Return everything in the form of distroinfo's `get_info`: plain dicts and lists.

        `apply_tag` applies the overrides of that tag; `as_dicts` gives packages by project and
        releases by name. Raises MetadataError with every fault that no reader could work around.
        """
        tree = self.tree
        if as_dicts and isinstance(tree, LocatedMapping):
            tree = as_lists(by_identity(tree))  # duplicate entries of one file are merged
        if faults := _essential_faults(Checker(tree, self.files), apply_tag):
            if self.located is not self:
                return self.located.dump(apply_tag, as_dicts=as_dicts)
            raise MetadataError(sorted(faults, key=lambda fault: fault.where))
        packages = [attributes(raw, tree, apply_tag) for raw in tree["packages"]]
        releases = [_with_branches(release) for release in tree["releases"]]
        whole = {
            **tree,
            "packages": {p["project"]: p for p in packages} if as_dicts and packages else packages,
            "releases": {r["name"]: r for r in releases} if as_dicts and releases else releases,
        }
        for key in ("package-default", "package-configs") if packages else ():
            whole.setdefault(key, {})
        return whole

    def entries(self, apply_tag: str | None = None) -> list[dict[str, Any]]:
        """Return the packages as in `dump`, without those that cannot be resolved."""
        return [package for _, package in self._resolved(apply_tag)]

    def raw(self, name: str) -> Tree:
        """Return a package's own entry, found by name, else by project; may raise NotFoundError."""
        resolved = list(self._resolved())
        for key in ("name", "project"):
            for raw, package in resolved:
                if package.get(key) == name:
                    return raw
        known = (str(package.get(key)) for _, package in resolved for key in ("name", "project"))
        raise NotFoundError(f"the metadata has no package {name}{did_you_mean(name, known)}")

    def _resolved(self, apply_tag: str | None = None) -> Iterator[tuple[Tree, dict[str, Any]]]:
        for raw in self.tree.get("packages") or ():
            with contextlib.suppress(SubstitutionError):  # it is a fault of that package only
                package = attributes(raw, self.tree, apply_tag)
                if isinstance(package.get("name"), str):
                    yield raw, package

    def target(
        self,
        release: str,
        base_os: str = "",
        *,
        upstream_branch: str = "",
        distgit_branch: str = "",
        distgit_key: str = "",
        source_git_key: str = "",
    ) -> ReleasePackages:
        """Return the packages of a release, on a base OS if one is named, resolved and checked.

        `release` can also be `<release>-uc`, DLRN's tag for a release that follows upper
        constraints. The branches given here replace the release's own; a package's override still
        wins. `distgit_key` names the attribute to read the distgit from, and packages without it
        are left out; the same goes for `source_git_key`. A package whose own metadata is wrong
        has a `fault`. Raises MetadataError with every fault of what decides which packages the
        release has, or if no package is left (`verify` finds faults elsewhere), and NotFoundError
        for an unknown release or base OS.
        """
        faults, of_packages = self._target_faults(release)
        if (faults or of_packages) and self.located is not self:
            return self.located.target(
                release,
                base_os,
                upstream_branch=upstream_branch,
                distgit_branch=distgit_branch,
                distgit_key=distgit_key,
                source_git_key=source_git_key,
            )
        members = self._members(release)
        if faults or (of_packages and len(of_packages) == len(members)):
            raise MetadataError((*faults, *chain.from_iterable(of_packages.values())))
        found = _release(self._release_entry(release))
        repo = _repo_for(found, base_os) if base_os else None
        upstream_branch = upstream_branch or _upstream_branch(found)
        distgit_branch = distgit_branch or (repo.branch if repo else _branch(found))
        packages = []
        for raw in members:
            if id(raw) in of_packages:
                values = usable_attributes(raw, self.tree, release)
                package = _faulty_package(values, upstream_branch, distgit_branch)
                packages.append(replace(package, fault=_in_one_line(of_packages[id(raw)])))
                continue
            values = attributes(raw, self.tree, release)
            if _has_keys(values, distgit_key, source_git_key):
                packages.append(
                    _package(values, upstream_branch, distgit_branch, distgit_key, source_git_key)
                )
        return ReleasePackages(found, release, repo, tuple(packages))

    def repo_of(
        self, branch: str, release: str = "", dist: str = ""
    ) -> tuple[Release, ReleaseRepo]:
        """Return the first release whose distgits are on a branch, and that base OS of it.

        `release` and `dist` choose other ones. Raises NotFoundError if there is none.
        """
        for one in self.releases:
            has_branch = any(repo.branch == branch for repo in one.repos)
            if one.name == release or (has_branch and not release):
                for repo in sorted(one.repos, key=lambda repo: repo.branch != branch):
                    if dist in ("", repo.name):
                        return one, repo
        what = " ".join(filter(None, (release or f"with the branch {branch}", dist)))
        raise NotFoundError(
            f"the metadata has no release {what}", hint="rdo pkg release lists them"
        )

    def has_base_os(self, release: str, base_os: str) -> bool:
        """Whether a release has a repo for a base OS."""
        repos = self._release_entry(release).get("repos") or ()
        return any(repo.get("name") == base_os for repo in repos)

    def _target_faults(self, release: str) -> tuple[list[Fault], dict[int, list[Fault]]]:
        """Return the faults that stop a target, and those of single packages by their entry."""
        checker = Checker(self.tree, self.files)
        faults = [fault for fault in checker.top() if fault.level is Level.ERROR]
        of_packages: dict[int, list[Fault]] = {}
        if faults:
            return faults, of_packages
        faults += checker.release(self._release_entry(release))
        faults += checker.release_rules(self._release_entry(release))
        members = self._members(release)
        member_ids = {id(raw) for raw in members}
        for raw in self.tree["packages"]:
            if id(raw) in member_ids:
                found = list(dict.fromkeys(_errors(checker.package(raw, release))))
                if found and checker.is_member_for_sure(raw, release):
                    of_packages[id(raw)] = found
                else:
                    faults += found
            else:  # it may be left out only because of a typo
                tags = checker.undeclared_tags(raw)
                faults += checker.membership(raw)
                faults += (fault for meant, fault in tags if meant == release)
        faults += checker.doubled_projects()
        faults += checker.doubled_names(members, release)
        return list(dict.fromkeys(_errors(faults))), of_packages

    def _release_entry(self, tag: str) -> Tree:
        entries = {entry["name"]: entry for entry in self.tree.get("releases") or ()}
        found: Tree | None = entries.get(tag) or entries.get(tag.removesuffix("-uc"))
        if found is None:
            near = did_you_mean(tag, entries)
            raise NotFoundError(f"the metadata has no release {tag}{near}")
        return found

    def _members(self, tag: str) -> list[Tree]:
        found = []
        for raw in self.tree.get("packages") or ():
            tags = tags_of(raw, self.tree)
            if isinstance(tags, Mapping) and tag in tags:
                found.append(raw)
        return found


def _errors(faults: Iterable[Fault]) -> Iterator[Fault]:
    return (fault for fault in faults if fault.level is Level.ERROR)


def _in_one_line(faults: Iterable[Fault]) -> str:
    return "; ".join(map(str, faults))


def _essential_faults(checker: Checker, tag: str | None) -> list[Fault]:
    """Return the faults, in the whole tree, of what every reader of the format needs."""
    if faults := list(checker.sections()):
        return faults
    for release in checker.info["releases"]:
        faults += checker.release_essentials(release)
    for raw in checker.info["packages"]:
        faults += checker.essentials(raw, tag)
    return [*faults, *checker.doubled_projects()]


def _has_keys(values: Tree, *keys: str) -> bool:
    for key in filter(None, keys):
        if not values.get(key):
            log.warning("package %s has no %s and is left out", values["project"], key)
            return False
    return True


def _package(
    values: Tree,
    upstream_branch: str,
    distgit_branch: str,
    distgit_key: str = "",
    source_git_key: str = "",
) -> Package:
    upstream = values["upstream"]
    usual = values.get("master-distgit") or values["distgit"]
    return Package(
        name=values["name"],
        project=values["project"],
        upstreams=tuple(upstream) if isinstance(upstream, list) else (upstream,),
        distgit=values[distgit_key] if distgit_key else usual,
        upstream_branch=values.get("source-branch") or upstream_branch,
        distgit_branch=values.get("distro-branch") or distgit_branch,
        distgit_path=(values.get("distgit-path") or "").strip("/"),  # rdoinfo's begins with one
        component=values.get("component"),
        maintainers=tuple(dict.fromkeys(values["maintainers"])),
        tags=frozenset(values.get("tags") or ()),
        version_from=values.get("version-from"),
        skip_tests=values.get("skip-tests") or "",
        shares_noarch=bool(values.get("share-noarch")),
        distgit_there=usual if distgit_key else "",
        source_git=values[source_git_key] if source_git_key else "",
    )


def _faulty_package(values: Tree, upstream_branch: str, distgit_branch: str) -> Package:
    """Return the usable parts of a package with a fault; its remotes keep their mirrors."""

    def text(key: str, otherwise: str = "") -> str:
        value = values.get(key)
        return value if isinstance(value, str) else otherwise

    def texts(key: str) -> tuple[str, ...]:
        value = values.get(key)
        listed = value if isinstance(value, list) else [value]
        return tuple(dict.fromkeys(x for x in listed if isinstance(x, str) and x))

    return Package(
        name=values["name"],
        project=str(values.get("project")),
        upstreams=texts("upstream"),
        distgit=text("master-distgit") or text("distgit"),
        upstream_branch=text("source-branch", upstream_branch),
        distgit_branch=text("distro-branch", distgit_branch),
        component=text("component") or None,
        maintainers=tuple(one for one in texts("maintainers") if "@" in one),
        tags=frozenset(values.get("tags") or ()),
    )


def _branch(release: Release) -> str:
    """Return the distgit branch of a release; if it has none, that of its first repo."""
    return release.branch or (release.repos[0].branch if release.repos else "")


def _upstream_branch(release: Release) -> str:
    """Return the upstream branch as written; by default master in development, else stable/NAME."""
    usual = "master" if release.is_developed else f"stable/{release.name}"
    return release.upstream_branch or usual


def _release(entry: Tree) -> Release:
    return Release(
        name=entry["name"],
        branch=entry.get("branch"),
        upstream_branch=entry.get("upstream_branch"),
        status=entry.get("status"),
        identifier=entry.get("identifier"),
        tags_map=entry.get("tags_map"),
        repos=tuple(_repo(repo, entry.get("branch")) for repo in entry["repos"]),
    )


def _with_branches(release: Tree) -> dict[str, Any]:
    """Return a release in distroinfo's form, in which each repo has a branch."""
    branch = {"branch": release["branch"]} if release.get("branch") else {}
    return {**release, "repos": [repo | (branch | repo) for repo in release["repos"]]}


def _repo(entry: Tree, branch: str | None) -> ReleaseRepo:
    distrepos = (repo for repo in entry.get("distrepos") or () if isinstance(repo, Mapping))
    return ReleaseRepo(
        name=entry["name"],
        branch=entry.get("branch") or branch or "",
        buildsys=entry.get("buildsys"),
        buildsys_tags=tuple(entry.get("buildsys-tags") or ()),
        distrepos=tuple(DistRepo(str(repo.get("name")), repo.get("url")) for repo in distrepos),
        special=entry.get("special"),
    )


def _repo_for(release: Release, base_os: str) -> ReleaseRepo:
    for repo in release.repos:
        if repo.name == base_os:
            return repo
    known = [repo.name for repo in release.repos]
    near = did_you_mean(base_os, known) or f"; it has {', '.join(known) or 'none'}"
    raise NotFoundError(f"release {release.name} has no base OS {base_os}{near}")
