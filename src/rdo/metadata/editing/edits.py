"""Edits of packages and releases, one function each; the draft checks every edit.

Each raises NotFoundError for an unknown package, release or tag, ConfigError for a key or value
that cannot be set, and RefusedError for an edit that would also change something else.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rdo.errors import ConfigError, NotFoundError, RefusedError, did_you_mean
from rdo.metadata.checking.rules import OVERRIDE_KEYS, PACKAGE_KEYS, RELEASE_KEYS
from rdo.metadata.distribution import Tree
from rdo.metadata.editing.document import Document, Node, Scalar, found, pair_of, text_of, value_of
from rdo.metadata.editing.draft import Attributes, Draft
from rdo.metadata.resolve import attributes, tags_of

LIST_KEYS = ("maintainers",)
_NOT_SET_BY_KEY = ("buildsys-tags", "project", "tags")


def add_package(
    draft: Draft, project: str, values: Mapping[str, Any], tags: Sequence[str], into: str = ""
) -> None:
    """Add a package after others of its kind, and its tags to the files that hold such tags.

    Raises RefusedError if the metadata has the project already.
    """
    if any(raw["project"] == project for raw in draft.tree["packages"]):
        raise RefusedError(f"the metadata already has a project {project}")
    for key in values:
        if key not in PACKAGE_KEYS:
            raise ConfigError(f"unknown key {key}{did_you_mean(key, PACKAGE_KEYS)}")
    entry = {"project": project, **values}
    draft.document(into or _file_for(draft, values.get("conf"))).add_entry("packages", entry)
    for tag in tags:
        _put_tag(draft, project, tag, None)
    if tags:
        entry["tags"] = dict.fromkeys(tags)
    wanted = [*draft.attributes(), attributes(entry, draft.tree)]
    draft.check(f"package {project}", packages=wanted)


def remove_package(draft: Draft, name: str) -> None:
    """Remove a package from all files."""
    project = draft.raw(name)["project"]
    wanted = [package for package in draft.attributes() if package["project"] != project]
    for document, entry in draft.package_places(project):
        document.remove_entry("packages", entry)
    draft.check(f"package {name}", packages=wanted)


def set_value(draft: Draft, name: str, key: str, values: Sequence[str] | None) -> None:
    """Set an attribute of a package; None removes it, so that the package's config applies."""
    known = [known for known in PACKAGE_KEYS if known not in _NOT_SET_BY_KEY]
    value = _value(key, values, known)
    raw = draft.raw(name)
    document = draft.document(draft.file_of(raw, key) or draft.file_of(raw, "project"))
    entry = _entry(document, raw["project"])
    if values is not None:
        document.set_key(entry, key, value)
    elif key in raw:
        document.remove_key(entry, key)
    else:
        raise NotFoundError(f"package {name} has no {key} of its own")
    changed = {k: v for k, v in raw.items() if k != key} | ({key: value} if values else {})
    draft.check(f"{key} of package {name}", packages=_with(draft, raw, changed))


def set_override(draft: Draft, name: str, tag: str, key: str, values: Sequence[str] | None) -> None:
    """Set an override of a package's tag; None removes it."""
    value = _value(key, values, OVERRIDE_KEYS)
    raw = draft.raw(name)
    tags = _mapping(raw.get("tags"), f"the tags of package {name}")
    if tag not in tags:
        raise NotFoundError(f"package {name} has no tag {tag} of its own{did_you_mean(tag, tags)}")
    before = _mapping(tags[tag], f"tag {tag} of package {name}")
    if values is None and key not in before:
        raise NotFoundError(f"tag {tag} of package {name} has no {key}")
    document = draft.document(draft.file_of(before, key) or draft.file_of(tags, tag))
    own = found(value_of(_entry(document, raw["project"]), "tags"))
    overrides = found(value_of(own, tag))
    if isinstance(overrides, Scalar) or not overrides.value:
        document.set_key(own, tag, {key: value})
    elif values is not None:
        document.set_key(overrides, key, value)
    elif len(overrides.value) == 1:
        document.set_key(own, tag, None)
    else:
        document.remove_key(overrides, key)
    after = {k: v for k, v in before.items() if k != key} | ({key: value} if values else {})
    changed = {**raw, "tags": {**tags, tag: after}}
    draft.check(f"tag {tag} of package {name}", packages=_with(draft, raw, changed))


def tag(draft: Draft, name: str, tag: str, overrides: Mapping[str, str]) -> None:
    """Add a tag to a package, or replace the overrides of a tag it has."""
    for key in overrides:
        if key not in OVERRIDE_KEYS:
            raise ConfigError(f"{key} is not an override{did_you_mean(key, OVERRIDE_KEYS)}")
    raw = draft.raw(name)
    tags = _mapping(tags_of(raw, draft.tree), f"the tags of package {name}")
    if tag in tags and (tags[tag] or {}) == overrides:
        return
    wanted = {**tags, tag: dict(overrides) or None}
    if "tags" not in raw and tags:  # replaces the config's tags, so write all
        _set_tags(draft, raw, wanted)
    else:
        _put_tag(draft, raw["project"], tag, dict(overrides) or None)
    changed = _with(draft, raw, {**raw, "tags": wanted})
    draft.check(f"tag {tag} of package {name}", packages=changed)


def untag(draft: Draft, name: str, tag: str) -> None:
    """Remove a tag from a package."""
    raw = draft.raw(name)
    tags = _mapping(tags_of(raw, draft.tree), f"the tags of package {name}")
    if tag not in tags:
        raise NotFoundError(f"package {name} has no tag {tag}{did_you_mean(tag, tags)}")
    wanted = {key: value for key, value in tags.items() if key != tag}
    inherited = tags_of({k: v for k, v in raw.items() if k != "tags"}, draft.tree)
    places = [x for x in draft.package_places(raw["project"], tag) if pair_of(x[1], "tags")]
    if "tags" not in raw:
        _set_tags(draft, raw, wanted)
    elif wanted and wanted == inherited and len(places) == 1:  # as before the tag was added
        _drop_tags(draft, *places[0])
    else:
        drop_tag(draft, raw["project"], tag)
        after = draft.peek()
        now = next(x for x in after["packages"] if x["project"] == raw["project"])
        if not wanted and tags_of(now, after):  # no tags of its own would mean those of the config
            _set_tags(draft, raw, {})
    changed = _with(draft, raw, {**raw, "tags": wanted})
    draft.check(f"tag {tag} of package {name}", packages=changed)


def set_release(draft: Draft, name: str, key: str, value: str | None) -> None:
    """Set an attribute of a release, such as branch or status; None removes it."""
    known = [known for known in RELEASE_KEYS if known not in ("name", "repos")]
    if key not in known:
        raise ConfigError(f"{key} cannot be set{did_you_mean(key, known)}")
    entry = draft.release(name)
    document = draft.document(draft.file_of(entry, "name"))
    node = found(document.entry("releases", "name", name))
    if value is not None:
        document.set_key(node, key, value)
    elif pair_of(node, key):
        document.remove_key(node, key)
    changed = {k: v for k, v in entry.items() if k != key}
    changed |= {key: value} if value is not None else {}
    releases = [changed if other is entry else other for other in draft.tree["releases"]]
    draft.check(f"{key} of release {name}", releases=releases)


def drop_tag(draft: Draft, project: str, tag: str, only: str = "") -> None:
    """Remove a tag from a package's entries in all files, or only in the file `only`.

    Empty `tags`, and entries that had nothing else, are removed too.
    """
    for document, entry in draft.package_places(project, tag):
        own = value_of(entry, "tags")
        if only not in ("", document.name) or not pair_of(own, tag):
            continue
        if len(found(own).value) > 1:
            document.remove_key(own, tag)
        else:
            _drop_tags(draft, document, entry)


def _drop_tags(draft: Draft, document: Document, entry: Node) -> None:
    """Remove all tags from an entry, or the entry itself if it has nothing else."""
    project = text_of(value_of(entry, "project"))
    if len(entry.value) > 2 or not _is_elsewhere(draft, project, document.name):
        document.remove_key(entry, "tags")
    else:
        document.remove_entry("packages", entry)


def _is_elsewhere(draft: Draft, project: str, file: str) -> bool:
    """Whether another file contains more about a package than its tags."""
    raw = next(raw for raw in draft.tree["packages"] if raw["project"] == project)
    return any(draft.file_of(raw, key) != file for key in raw if key not in ("project", "tags"))


def _value(key: str, values: Sequence[str] | None, known: Sequence[str]) -> Any:
    if key not in known:
        raise ConfigError(f"{key} cannot be set{did_you_mean(key, known)}")
    if values is None:
        return None
    if key in LIST_KEYS or (key == "upstream" and len(values) > 1):
        return list(values)
    if len(values) != 1:
        raise ConfigError(f"{key} takes one value")
    return values[0]


def _mapping(value: Any, what: str) -> Tree:
    """Return a mapping; None becomes an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RefusedError(f"{what} must be a mapping; `rdo info verify` shows where")
    return value


def _with(draft: Draft, raw: Tree, changed: Tree) -> list[Attributes]:
    """Return all packages with their effective values, one of them changed."""
    packages = draft.tree["packages"]
    return [attributes(changed if other is raw else other, draft.tree) for other in packages]


def _set_tags(draft: Draft, raw: Tree, tags: Mapping[str, Any]) -> None:
    document = draft.document(draft.file_of(raw, "project"))
    document.set_key(_entry(document, raw["project"]), "tags", dict(tags))


def _put_tag(draft: Draft, project: str, tag: str, overrides: Any) -> None:
    """Write a tag where the package already has it, else where most packages have theirs."""
    raw: Tree = next((x for x in draft.tree["packages"] if x["project"] == project), {})
    has = draft.file_of(raw.get("tags"), tag)
    home = draft.file_of(raw, "project") or draft.package_places(project)[0][0].name
    document = draft.document(has or draft.usual_file(tag) or home)
    entry = document.entry("packages", "project", project)
    if entry is None:
        new = {"project": project, "tags": {tag: overrides}}
        document.add_entry("packages", new, before=_follower(document, project))
        return
    own = value_of(entry, "tags")
    if own is None or isinstance(own, Scalar) or not own.value:
        document.set_key(entry, "tags", {tag: overrides})
    else:
        document.set_key(own, tag, overrides)


def _follower(document: Document, project: str) -> Node | None:
    """Return the entry before which to insert a new one, in a file with sorted entries."""
    entries = document.entries("packages")
    names = [text_of(value_of(entry, "project")) for entry in entries]
    if names != sorted(names):
        return None
    after = (entry for entry, name in zip(entries, names, strict=True) if name > project)
    return next(after, None)


def _file_for(draft: Draft, conf: Any) -> str:
    """Return the file that defines most packages of a config, or else most packages."""
    own = [x for x in draft.tree["packages"] if conf is not None and x.get("conf") == conf]
    if own:
        files = Counter(draft.file_of(raw, "conf") for raw in own)
    else:
        files = Counter(draft.file_of(raw, "project") for raw in draft.tree["packages"])
    return files.most_common(1)[0][0] if files else draft.file


def _entry(document: Document, project: str) -> Node:
    return found(document.entry("packages", "project", project))
