"""Branch a new release from an old one, and remove a release."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Self

from rdo.errors import ConfigError, RefusedError
from rdo.metadata.editing.document import Block, Document, Node, found, pair_of, text_of, value_of
from rdo.metadata.editing.draft import Attributes, Draft
from rdo.metadata.editing.edits import drop_tag

_SOURCE = "source-branch"


@dataclass(frozen=True, slots=True)
class BranchRule:
    """A rule `REGEX=REPLACEMENT` that rewrites a `source-branch` for a new release.

    >>> BranchRule.parse(r"stable/(.*)\\.1=stable/\\1.2").apply("stable/2026.1")
    'stable/2026.2'
    """

    pattern: re.Pattern[str]
    replacement: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a rule; raises ConfigError if the text is not one."""
        regex, equals, replacement = text.rpartition("=")
        if not equals or not regex:
            raise ConfigError(f"{text!r} is not REGEX=REPLACEMENT")
        try:
            pattern = re.compile(regex)
            re.sub(pattern, replacement, "")  # the replacement may refer to a missing group
        except re.error as error:
            raise ConfigError(f"{text!r} is not REGEX=REPLACEMENT: {error}") from error
        return cls(pattern, replacement)

    def apply(self, branch: str) -> str | None:
        """Return the new branch, or None if the rule does not match this one."""
        found = self.pattern.fullmatch(branch)
        return found.expand(self.replacement) if found else None


def new_release(
    draft: Draft,
    name: str,
    old: str,
    values: Mapping[str, str | None],
    rules: Sequence[BranchRule] = (),
) -> None:
    """Branch a new release from an old one.

    Copy the old entry, replace its name, and set `values` (None removes a key). Every package
    tagged `old` or `old-uc` gets the matching tag of the new release. Overrides are copied; a
    `source-branch` is rewritten by the first rule that matches it, and dropped if none does.
    Raises RefusedError if the release exists.
    """
    if any(entry["name"] == name for entry in draft.tree["releases"]):
        raise RefusedError(f"the metadata already has a release {name}")
    _copy_entry(draft, name, old, values)
    tags = {old: name, f"{old}-uc": f"{name}-uc"}
    wanted = [_with_new_tags(package, tags, rules) for package in draft.attributes()]
    for before, after in tags.items():
        for file in draft.tag_places(before):
            if _is_tag_file(draft.document(file), before):
                _copy_file(draft, file, before, after, rules)
            else:
                _copy_tags(draft.document(file), before, after, rules)
        _copy_inherited(draft, before, after, rules)
    entry = draft.release(old)
    new = [release for release in draft.peek()["releases"] if release["name"] == name]
    releases = list(draft.tree["releases"])
    position = releases.index(entry)
    releases[position:position] = new
    draft.check(f"release {name}", packages=wanted, releases=releases)


def remove_release(draft: Draft, name: str) -> None:
    """Remove a release, and its tags from all packages."""
    entry = draft.release(name)
    document = draft.document(draft.file_of(entry, "name"))
    document.remove_entry("releases", document.entry("releases", "name", name))
    tags = (name, f"{name}-uc")
    wanted = [_without_tags(package, tags) for package in draft.attributes()]
    for tag in tags:
        for file, projects in draft.tag_places(tag).items():
            if _is_tag_file(draft.document(file), tag):
                draft.remove_file(file)
            else:
                for project in projects:
                    drop_tag(draft, project, tag, only=file)
        for config_document, config in _configs_with(draft, tag):
            config_document.remove_key(value_of(config, "tags"), tag)
    releases = [other for other in draft.tree["releases"] if other is not entry]
    draft.check(f"release {name}", packages=wanted, releases=releases)


def _copy_entry(draft: Draft, name: str, old: str, values: Mapping[str, str | None]) -> None:
    document = draft.document(draft.file_of(draft.release(old), "name"))
    renamed = {old: name, old.capitalize(): name.capitalize()}
    document.copy_entry(document.entry("releases", "name", old), renamed)
    for key, value in values.items():
        node = document.entry("releases", "name", name)
        if value is not None:
            document.set_key(node, key, value)
        elif pair_of(node, key):
            document.remove_key(node, key)


def _is_tag_file(document: Document, tag: str) -> bool:
    """Whether a file has only packages with this one tag."""
    if [pair[0].value for pair in document.root.value] != ["packages"]:
        return False
    for entry in document.entries("packages"):
        if {pair[0].value for pair in entry.value} != {"project", "tags"}:
            return False
        own = found(value_of(entry, "tags"))
        if len(own.value) != 1 or not pair_of(own, tag):
            return False
    return True


def _copy_file(
    draft: Draft, file: str, before: str, after: str, rules: Sequence[BranchRule]
) -> None:
    """Copy the file of a tag for the new tag, and import the copy on the next line."""
    path = PurePosixPath(file)
    stem = path.stem.replace(before, after) if before in path.stem else after
    name = str(path.with_name(f"{stem}{path.suffix}"))
    document = draft.new_file(name, draft.document(file).text)
    # from the end, so that the positions of earlier entries stay valid
    for entry in reversed(document.entries("packages")):
        own = found(value_of(entry, "tags"))
        _rewrite_branch(document, own, before, rules)
        document.rename_key(own.value[0][0], after)
    for other in map(draft.document, draft.names):
        imports = other.entries("import") if file in other.text else []
        if any(text_of(node) == file for node in imports):
            other.add_text_item("import", name, after=file)


def _rewrite_branch(document: Document, tags: Node, tag: str, rules: Sequence[BranchRule]) -> None:
    overrides = value_of(tags, tag)
    branch = value_of(overrides, _SOURCE)
    if branch is None:
        return
    new = _new_branch(branch.value, rules)
    if new is not None:
        document.set_key(overrides, _SOURCE, new)
    elif len(found(overrides).value) == 1:
        document.set_key(tags, tag, None)
    else:
        document.remove_key(overrides, _SOURCE)


def _copy_tags(document: Document, before: str, after: str, rules: Sequence[BranchRule]) -> None:
    """Add the new tag beside the old one in each package of a file with many tags."""
    for position in range(len(document.entries("packages"))):
        own = value_of(document.entries("packages")[position], "tags")
        if pair_of(own, before):
            document.set_key(own, after, _copied(_plain(value_of(own, before)), rules))


def _copy_inherited(draft: Draft, before: str, after: str, rules: Sequence[BranchRule]) -> None:
    for document, config in _configs_with(draft, before):
        own = value_of(config, "tags")
        document.set_key(own, after, _copied(_plain(value_of(own, before)), rules))


def _configs_with(draft: Draft, tag: str) -> list[tuple[Document, Node]]:
    """Return the defaults and configs that set a tag."""
    found = []
    for name in draft.names:
        document = draft.document(name)
        if tag not in document.text:
            continue
        configs = value_of(document.root, "package-configs")
        nodes = [value_of(document.root, "package-default")]
        nodes += [pair[1] for pair in configs.value] if isinstance(configs, Block) else []
        found += [(document, node) for node in nodes if pair_of(value_of(node, "tags"), tag)]
    return found


def _plain(node: Node) -> dict[str, str]:
    """Return the overrides of a tag as plain values; those that a release copies are all texts."""
    pairs = node.value if isinstance(node.value, list) else []
    return {key.value: value.value for key, value in pairs}


def _copied(overrides: Mapping[str, Any] | None, rules: Sequence[BranchRule]) -> Any:
    copy = dict(overrides or {})
    if _SOURCE in copy:
        new = _new_branch(copy.pop(_SOURCE), rules)
        copy |= {_SOURCE: new} if new is not None else {}
    return copy or None


def _new_branch(branch: str, rules: Sequence[BranchRule]) -> str | None:
    return next((new for rule in rules if (new := rule.apply(branch)) is not None), None)


def _with_new_tags(
    package: Attributes, tags: Mapping[str, str], rules: Sequence[BranchRule]
) -> Attributes:
    own = package.get("tags") or {}
    new = {after: _copied(own[before], rules) for before, after in tags.items() if before in own}
    return {**package, "tags": {**own, **new}}


def _without_tags(package: Attributes, tags: Sequence[str]) -> Attributes:
    own = package.get("tags") or {}
    return {**package, "tags": {key: value for key, value in own.items() if key not in tags}}
