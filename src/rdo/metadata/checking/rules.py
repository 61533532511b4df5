"""The rules of the format, for the parts that a target needs.

Each check yields the faults of one part; faults elsewhere do not stop a target. A tree from the
cache has no places, so its faults name no line.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from rdo.errors import RefusedError, did_you_mean, typo_of
from rdo.metadata.checking.faults import Fault, Level
from rdo.metadata.resolve import SubstitutionError, attributes, layers, tags_of, usable_attributes
from rdo.metadata.tree import Files
from rdo.metadata.values import ReleaseStatus
from rdo.model.text.url import is_on_pypi, pypi_name
from rdo.tools.git.mirror import check_url

TOP_KEYS = (
    "components",
    "import",
    "package-configs",
    "package-default",
    "packages",
    "releases",
    "remote-info",
)
RELEASE_KEYS = (
    "branch",
    "identifier",
    "name",
    "repos",
    "status",
    "tags_map",
    "upstream_branch",
)
REPO_KEYS = ("branch", "buildsys", "buildsys-tags", "distrepos", "name", "special")
PACKAGE_KEYS = (
    "buildsys-tags",
    "centos-distgit",
    "component",
    "conf",
    "distgit",
    "distgit-path",
    "distro-branch",
    "maintainers",
    "master-distgit",
    "name",
    "patches",
    "project",
    "review-origin",
    "review-patches",
    "share-noarch",
    "skip-tests",
    "source-branch",
    "tags",
    "types",
    "upstream",
    "version-from",
)
OVERRIDE_KEYS = ("component", "distro-branch", "share-noarch", "skip-tests", "source-branch")
SPECIAL_TAGS = ("build-tags-only", "dependency", "under-review", "version-locked")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_BRANCH = re.compile(r"(?!-)[^\x00-\x20\x7f~^:?*\[\\]+")
_MEMBERSHIP_KEYS = ("conf", "tags")


@dataclass(frozen=True, slots=True)
class Checker:
    """The checks of one merged tree; `files` maps its places to lines."""

    info: Mapping[str, Any]
    files: Files | None = None

    def top(self) -> Iterator[Fault]:
        """Check the sections of the file."""
        yield from self._unknown_keys(self.info, TOP_KEYS, "the file")
        yield from self.sections()

    def sections(self) -> Iterator[Fault]:
        """Check what every reader of the format needs."""
        for section in ("releases", "packages"):
            if not isinstance(self.info.get(section), list):
                place = self._place(self.info, section)
                yield self._fault("required", place, f'the list "{section}" is missing')

    def doubled_projects(self) -> Iterator[Fault]:
        """Find a project listed twice in one file; with imports the entries would be merged."""
        seen: set[Any] = set()
        for raw in self.info["packages"]:
            project = raw.get("project")
            if project in seen:
                message = f"project {project} is listed twice"
                yield self._fault("project-twice", self._place(raw, "project"), message)
            seen.add(project)

    def release(self, release: Mapping[str, Any]) -> Iterator[Fault]:
        """Check one release and its repo on each base OS."""
        subject = f"release {release.get('name')}"
        yield from self._unknown_keys(release, RELEASE_KEYS, subject)
        yield from self.release_essentials(release)
        yield from self._texts(release, ("identifier", "status", "tags_map"), subject)
        yield from self._branches(release, ("branch", "upstream_branch"), subject)
        repos = release.get("repos")
        for repo in repos if isinstance(repos, list) else ():
            if isinstance(repo, Mapping):
                yield from self._repo(repo, f"{subject} on {repo.get('name')}")

    def release_rules(self, release: Mapping[str, Any]) -> Iterator[Fault]:
        """Check what targets of a release depend on: its status, its repos, their distrepos."""
        name, status = release.get("name"), release.get("status")
        if status not in list(ReleaseStatus):
            known = ", ".join(ReleaseStatus)
            near = did_you_mean(str(status), ReleaseStatus) if status is not None else ""
            message = f"release {name}: the status {status} is not one of {known}{near}"
            if status is None:
                message = f"release {name} has no status; it is one of {known}"
            place = self._place(release, "status" if "status" in release else "name")
            yield self._fault("status", place, message)
        listed = release.get("repos")
        every = (
            [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
        )
        repos = [one for one in every if isinstance(one.get("name"), str)]  # others: `release`
        seen = Counter(repo["name"] for repo in repos)
        for repo in repos:
            base_os = repo["name"]
            if seen[base_os] > 1:
                message = f"release {name} has the base OS {base_os} twice"
                yield self._fault("repo-twice", self._place(repo, "name"), message)
            distrepos = repo.get("distrepos")
            for one in distrepos if isinstance(distrepos, list) else ():
                if not isinstance(one, Mapping) or not isinstance(one.get("name"), str):
                    message = (
                        f"release {name} on {base_os}: a distrepo must be a mapping with a name"
                    )
                    yield self._fault("distrepo", self._place(repo, "distrepos"), message)

    def release_essentials(self, release: Mapping[str, Any]) -> Iterator[Fault]:
        """Check what every reader of the format needs."""
        subject = f"release {release.get('name')}"
        repos = release.get("repos")
        if not isinstance(repos, list):
            place = self._place(release, "repos" if "repos" in release else "name")
            yield self._fault("required", place, f'{subject} needs a list "repos"')
            return
        for repo in repos:
            if not isinstance(repo, Mapping):
                place = self._place(release, "repos")
                yield self._fault("shape", place, f"a repo of {subject} must be a mapping")
            elif not isinstance(repo.get("name"), str):
                place = self._place(repo, "name")
                yield self._fault("required", place, f'a repo of {subject} lacks "name"')
            elif not repo.get("branch") and not release.get("branch"):
                message = f"neither {subject} nor its repo {repo['name']} has a branch"
                yield self._fault("branch", self._place(repo, "name"), message)

    def _repo(self, repo: Mapping[str, Any], subject: str) -> Iterator[Fault]:
        yield from self._unknown_keys(repo, REPO_KEYS, subject)
        yield from self._texts(repo, ("buildsys",), subject)
        yield from self._branches(repo, ("branch",), subject)
        for key in ("buildsys-tags", "distrepos"):
            if not isinstance(repo.get(key), list | None):
                yield self._fault(
                    "shape", self._place(repo, key), f"{subject}: {key} must be a list"
                )

    def package(self, raw: Mapping[str, Any], tag: str | None = None) -> Iterator[Fault]:
        """Check one package with its effective values, for a release's tag if given."""
        subject = f"package {raw.get('project')}"
        yield from self.membership(raw)
        for layer in layers(raw, self.info, tag):
            known = OVERRIDE_KEYS if layer.name.startswith("tags.") else PACKAGE_KEYS
            yield from self._unknown_keys(layer.values, known, subject, skip=_MEMBERSHIP_KEYS)
        essentials = list(self.essentials(raw, tag))
        yield from essentials
        if not any(fault.rule == "substitution" for fault in essentials):
            values = attributes(raw, self.info, tag)
            yield from self._name(raw, values, tag)
            yield from self._places_of_work(raw, values, tag)
            yield from self._component(raw, values, tag)
            yield from self._skip_tests(raw, values, tag)
            yield from self._share_noarch(raw, values, tag)

    def essentials(self, raw: Mapping[str, Any], tag: str | None = None) -> Iterator[Fault]:
        """Check what every reader of the format needs."""
        subject = f"package {raw.get('project')}"
        configs = self.info.get("package-configs") or {}
        if "conf" in raw and raw["conf"] not in configs:
            near = did_you_mean(str(raw["conf"]), map(str, configs))
            message = f'{subject}: package config "{raw["conf"]}" is not declared{near}'
            yield self._fault("conf", self._place(raw, "conf"), message)
        try:
            values = attributes(raw, self.info, tag)
        except SubstitutionError as error:
            place = self._given(raw, error.key, tag)
            yield self._fault("substitution", place, f"{subject}: {error.key} {error}")
            return
        if not values.get("name"):
            yield self._fault("required", self._place(raw, "project"), f'{subject} lacks "name"')
        yield from self._maintainers(raw, values, tag)

    def membership(self, raw: Mapping[str, Any]) -> Iterator[Fault]:
        """Check what decides a package's releases; a fault there affects all of them."""
        subject = f"package {raw.get('project')}"
        if "conf" in raw and raw["conf"] not in (self.info.get("package-configs") or {}):
            yield from (x for x in self.essentials(raw) if x.rule == "conf")
        for layer in layers(raw, self.info):
            for key in layer.values:
                if key not in PACKAGE_KEYS and typo_of(str(key), PACKAGE_KEYS) in _MEMBERSHIP_KEYS:
                    near = did_you_mean(str(key), PACKAGE_KEYS)
                    place = self._place(layer.values, key)
                    yield self._fault("key", place, f'{subject}: unknown key "{key}"{near}')
        tags = tags_of(raw, self.info) or {}
        if not isinstance(tags, Mapping):
            message = f"{subject}: tags must be a mapping"
            yield self._fault("shape", self._given(raw, "tags"), message)
            return
        for name, overrides in tags.items():
            if not isinstance(overrides, Mapping | None):
                message = f"{subject}: tag {name} must be a mapping or empty"
                yield self._fault("shape", self._place(tags, name), message)

    def is_member_for_sure(self, raw: Mapping[str, Any], tag: str) -> bool:
        """Whether an entry certainly belongs to one package of a release, despite other faults."""
        if any(fault.level is Level.ERROR for fault in self.membership(raw)):
            return False
        name = usable_attributes(raw, self.info, tag).get("name")
        return isinstance(name, str) and _NAME.fullmatch(name) is not None

    def undeclared_tags(self, raw: Mapping[str, Any]) -> Iterator[tuple[str, Fault]]:
        """Find undeclared tags; each fault has the tag that was probably meant."""
        tags = tags_of(raw, self.info)
        declared = self.declared_tags()
        for name in tags if isinstance(tags, Mapping) else ():
            if name not in declared:
                meant = typo_of(str(name), declared)
                near = did_you_mean(str(name), declared)
                message = f'package {raw.get("project")}: tag "{name}" is not declared{near}'
                yield meant, self._fault("tag", self._place(tags, name), message)

    def declared_tags(self) -> tuple[str, ...]:
        """Return the releases, each also as `<release>-uc`, and the format's own tags."""
        names = [r["name"] for r in self.info.get("releases") or ()]
        return (*names, *(f"{name}-uc" for name in names), *SPECIAL_TAGS)

    def doubled_names(
        self, members: Iterable[Mapping[str, Any]], tag: str | None = None
    ) -> Iterator[Fault]:
        """Find two projects with one package name among packages of the same release."""
        owners: dict[str, str] = {}
        for raw in members:
            try:
                name = str(attributes(raw, self.info, tag).get("name"))
            except SubstitutionError:
                continue  # `package` reports it
            project = str(raw.get("project"))
            if name in owners:
                other = owners[name]
                message = f"package {project} has the same name {name} as project {other}"
                yield self._fault("name-twice", self._place(raw, "project"), message)
            owners.setdefault(name, project)

    def _name(
        self, raw: Mapping[str, Any], values: Mapping[str, Any], tag: str | None
    ) -> Iterator[Fault]:
        name = values.get("name")
        if name and (not isinstance(name, str) or not _NAME.fullmatch(name)):
            allowed = "letters, digits and ._+-, beginning with a letter or digit"
            message = f"package {raw.get('project')}: the name {name!r} must be {allowed}"
            place = self._given(raw, "name", tag) or self._place(raw, "project")
            yield self._fault("name", place, message)

    def _places_of_work(
        self, raw: Mapping[str, Any], values: Mapping[str, Any], tag: str | None
    ) -> Iterator[Fault]:
        """Check repositories, branches and paths, which are passed to git and used on disk."""
        subject = f"package {raw.get('project')}"
        distgit = "master-distgit" if values.get("master-distgit") else "distgit"
        upstreams = values.get("upstream")
        for key, urls in (
            ("upstream", upstreams if isinstance(upstreams, list) else [upstreams]),
            (distgit, [values.get(distgit)]),
        ):
            place = self._given(raw, key, tag) or self._place(raw, "project")
            for url in urls or [None]:
                if not url:
                    yield self._fault("required", place, f'{subject} lacks "{key}"')
                elif said := _refused(url):
                    yield self._fault("url", place, f"{subject}: {key}: {said}")
        is_pypi = _is_pypi(upstreams)
        for key in ("source-branch", "distro-branch", "version-from", "distgit-path"):
            value = values.get(key)
            place = self._given(raw, key, tag)
            if value is None:
                continue
            if not isinstance(value, str):
                yield self._fault(
                    "shape", place, f'{subject}: {key} {value} must be a text: "{value}"'
                )
            elif key == "distgit-path":
                if ".." in PurePosixPath(value).parts:
                    yield self._fault("path", place, f"{subject}: {key} leads out of the distgit")
            elif not _BRANCH.fullmatch(value) and not (is_pypi and _is_specifier(value)):
                yield self._fault(
                    "branch", place, f"{subject}: {key} {value!r} is not a branch name"
                )

    def _maintainers(
        self, raw: Mapping[str, Any], values: Mapping[str, Any], tag: str | None
    ) -> Iterator[Fault]:
        subject = f"package {raw.get('project')}"
        maintainers = values.get("maintainers")
        place = self._given(raw, "maintainers", tag) or self._place(raw, "project")
        if not maintainers:
            yield self._fault("required", place, f'{subject} lacks "maintainers"')
        elif not isinstance(maintainers, list):
            yield self._fault("shape", place, f"{subject}: maintainers must be a list of addresses")
        else:
            for address in maintainers:
                if not isinstance(address, str) or "@" not in address:
                    message = f"{subject}: maintainer {address!r} is not an address"
                    yield self._fault("maintainer", place, message)

    def _component(
        self, raw: Mapping[str, Any], values: Mapping[str, Any], tag: str | None
    ) -> Iterator[Fault]:
        component = values.get("component")
        declared = [c["name"] for c in self.info.get("components") or ()]
        if component is None or component in declared:
            return
        near = did_you_mean(str(component), declared)
        message = f'package {raw.get("project")}: component "{component}" is not declared{near}'
        yield self._fault("component", self._given(raw, "component", tag), message)

    def _skip_tests(
        self, raw: Mapping[str, Any], values: Mapping[str, Any], tag: str | None
    ) -> Iterator[Fault]:
        """Check that tests are disabled only with a reason, which `status` shows."""
        reason = values.get("skip-tests")
        if reason is None or (isinstance(reason, str) and reason.strip()):
            return
        message = (
            f"package {raw.get('project')}: skip-tests must give the reason why the package's tests"
            f' do not run, not {reason!r}; to run them, leave it out or write "~"'
        )
        yield self._fault("skip-tests", self._given(raw, "skip-tests", tag), message)

    def _share_noarch(
        self, raw: Mapping[str, Any], values: Mapping[str, Any], tag: str | None
    ) -> Iterator[Fault]:
        value = values.get("share-noarch")
        if value is None or isinstance(value, bool):
            return
        message = f"package {raw.get('project')}: share-noarch must be true or false, not {value!r}"
        yield self._fault("share-noarch", self._given(raw, "share-noarch", tag), message)

    def _unknown_keys(
        self,
        mapping: Mapping[str, Any],
        known: tuple[str, ...],
        subject: str,
        skip: tuple[str, ...] = (),
    ) -> Iterator[Fault]:
        """Report a key similar to a known one as a typo, and warn of any other unknown key."""
        for key in mapping:
            if key in known or (key in PACKAGE_KEYS and known is OVERRIDE_KEYS):
                continue
            meant = typo_of(str(key), known)
            if meant in skip:
                continue
            level = Level.ERROR if meant else Level.WARNING
            message = f'{subject}: unknown key "{key}"{did_you_mean(str(key), known)}'
            yield self._fault("key", self._place(mapping, key), message, level)

    def _texts(
        self, mapping: Mapping[str, Any], keys: tuple[str, ...], subject: str
    ) -> Iterator[Fault]:
        for key in keys:
            if not isinstance(value := mapping.get(key), str | None):
                message = f'{subject}: {key} {value} must be a text; write "{value}"'
                yield self._fault("shape", self._place(mapping, key), message, Level.WARNING)

    def _branches(
        self, mapping: Mapping[str, Any], keys: tuple[str, ...], subject: str
    ) -> Iterator[Fault]:
        for key in keys:
            value = mapping.get(key)
            if value is not None and not (isinstance(value, str) and _BRANCH.fullmatch(value)):
                message = f"{subject}: {key} {value!r} is not a branch name"
                yield self._fault("branch", self._place(mapping, key), message)

    def _given(self, raw: Mapping[str, Any], key: str, tag: str | None = None) -> int:
        """Return the place that sets an attribute, or 0 if there is none."""
        for layer in reversed(layers(raw, self.info, tag)):
            if key in layer.values:
                return self._place(layer.values, key)
        return 0

    def _place(self, mapping: Mapping[str, Any], key: Any) -> int:
        places: dict[Any, int] = getattr(mapping, "places", {})
        return places.get(key, getattr(mapping, "place", 0))

    def _fault(self, rule: str, place: int, message: str, level: Level = Level.ERROR) -> Fault:
        return Fault(level, rule, (self.files or Files()).where(place), message)


def _is_pypi(upstream: Any) -> bool:
    """Whether all upstreams are projects on PyPI, whose releases are followed."""
    urls = upstream if isinstance(upstream, list) else [upstream]
    return all(isinstance(url, str) and is_on_pypi(url) for url in urls)


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def _refused(url: Any) -> str:
    """Return why a repository's URL cannot be used, or "" if it can."""
    if not isinstance(url, str):
        return f"{url!r} is not a text"
    if is_on_pypi(url):
        name = pypi_name(url)
        return "" if _NAME.fullmatch(name) else f"{name!r} is not the name of a PyPI project"
    try:
        check_url(url)
    except RefusedError as error:
        return str(error)
    return ""
