"""Change sources whose names contain the old version or commit to those of the new version."""

import logging
import re
from collections.abc import Callable, Iterator
from itertools import zip_longest

from rdo.distgit.patches.patches_branch import base_ref
from rdo.distgit.update.sources import source_values
from rdo.distgit.verb.desk import Desk
from rdo.distgit.verb.state import Arguments
from rdo.errors import RefusedError
from rdo.model.text.spec_text import top_folder
from rdo.spec.definitions import Definition, definitions, macro_names, with_definition
from rdo.spec.tags import Tag, tags
from rdo.spec.text import Line, SpecText
from rdo.upstream_versions import numbers_like

log = logging.getLogger(__name__)

# A version followed by this is another version.
_STAGE = r"[._-]?(?:a|b|c|rc|alpha|beta|pre|preview|dev|post|rev)[._-]?\d"
_SETUP = re.compile(r"\s*%\{?(?:auto)?setup\b")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHORT_COMMIT = re.compile(r"(?=\d*[a-f])[0-9a-f]{7,39}")
_SPELT_COMMIT = re.compile(r"(?<![0-9a-f])[0-9a-f]{7,40}(?![0-9a-f])")
_NAME_OF_COMMIT = re.compile(r"commit|sha|hash|rev|git", re.IGNORECASE)


def with_new_sources(desk: Desk, args: Arguments, text: SpecText) -> SpecText:
    """Return the spec of a new version with a first source of that version.

    If Source0 contains a version or commit of upstream, directly or through a macro, it becomes the
    new one. Raises RefusedError if the source would still be the old one.
    """
    if not args.new_version or args.new_version == args.version:
        return text
    before = _first(desk, desk.spec.text())
    if not before:
        return text
    text = _with_version(text, args) if _is_stale(desk, args, text, before) else text
    if _is_clear(args.version):
        text = _with_conditional_sources(text, args)
        text = _with_signature(desk, args, text, before)
    text = _with_series(desk, args, text)
    text = _with_commit(desk, args, text)
    if _is_clear(args.version):
        text = _with_folder(desk, args, text)
    if why := _why_stale(desk, args, text, before):
        _refuse_unless_forced(desk, args, f"Source0 would {why}", f"Source0 would {why}")
    return text


def _refuse_unless_forced(desk: Desk, args: Arguments, fault: str, forced: str) -> None:
    """Raise RefusedError for a fault; if the user forces it, or runs rdopkg, warn of `forced`."""
    if not (args.force or desk.is_rdopkg):
        hint = "change it in the .spec file and commit; if it is right, use --force"
        raise RefusedError(fault, hint=hint)
    log.warning("%s; change it by hand", forced)


def _is_clear(version: str) -> bool:
    """Whether a version in a name is surely meant: a single number may stand there by chance."""
    return "." in version


def _with_conditional_sources(text: SpecText, args: Arguments) -> SpecText:
    """Change the old version in a first source that only some platforms have."""
    return _with_sources(
        text,
        lambda tag: not tag.number.strip("0") and not tag.line.is_plain,
        lambda value: newer(value, args.version, args.new_version),
    )


def _with_signature(desk: Desk, args: Arguments, text: SpecText, before: str) -> SpecText:
    """Change the old version in the signature of the first source, whose name begins like it."""
    return _with_sources(
        text,
        lambda tag: desk.spec.expand(tag.value).startswith(f"{before}."),
        lambda value: newer(value, args.version, args.new_version),
    )


def _with_folder(desk: Desk, args: Arguments, text: SpecText) -> SpecText:
    """Return the spec with the new version in the folder that %setup enters, if it has the old one.

    Raises RefusedError if it would still be the old folder.
    """
    setups = _setups(text)
    text = text.with_lines(
        {line.number: newer(line.text, args.version, args.new_version) for line in setups}
    )
    if not _is_old_folder(desk, args, desk.spec.text()) or not _is_old_folder(desk, args, text):
        return text
    changed = text
    for line in setups:
        changed = with_newer_macros(changed, line.text, args.version, args.new_version)
    if not _is_old_folder(desk, args, changed):
        return changed
    folder = top_folder(desk.spec.parsed(text))
    fault = f"%prep would still enter the folder {folder}"
    _refuse_unless_forced(desk, args, fault, f"%prep still enters the folder {folder}")
    return text


def _is_old_folder(desk: Desk, args: Arguments, text: SpecText) -> bool:
    """Whether the folder that %setup enters names the old version, and not the new one."""
    folder = _mention(args.new_version).sub("", top_folder(desk.spec.parsed(text)) or "")
    return _mention(args.version).search(folder) is not None


def tell_of_others(desk: Desk, args: Arguments, text: SpecText) -> None:
    """Warn of further sources that still name the old version, such as a file beside its tag."""
    if desk.is_rdopkg or not _is_clear(args.version) or args.version == args.new_version:
        return
    old = _mention(args.version)
    before = dict(source_values(desk.spec.parsed(desk.spec.text())))
    for number, value in list(source_values(desk.spec.parsed(text)))[1:]:
        if value == before.get(number) and old.search(value):
            log.warning("Source%d still names the version %s: %s", number, args.version, value)


def _first(desk: Desk, text: SpecText) -> str:
    return next((value for _, value in source_values(desk.spec.parsed(text))), "")


def _is_stale(desk: Desk, args: Arguments, text: SpecText, before: str) -> bool:
    """Whether the first source still names the old version, as it did before."""
    if not re.match(r"\d+(?:\.|$)", args.version):  # a branch or a commit below the patches
        return False
    now, old = _first(desk, text), _mention(args.version)
    now = _mention(args.new_version).sub("", now)
    if not _is_clear(args.version):
        return old.search(now.rpartition("/")[2]) is not None and now == before
    return old.search(before) is not None and old.search(now) is not None


def _why_stale(desk: Desk, args: Arguments, text: SpecText, before: str) -> str:
    now = _first(desk, text)
    if _is_stale(desk, args, text, before) or _dated(args.version).search(now):
        return f"still name the version {args.version}: {now}"
    was_day, day = _dated(args.version).search(before), _dated(args.new_version).search(now)
    if was_day and day and was_day["day"] == day["day"]:
        return f"still name the day of the version {args.version}: {now}"
    for old, _ in _series(args):
        if _folder(old).search(before) and _folder(old).search(now):
            return f"still be in the folder of the series {old}: {now}"
    commits = [one for one in _commits(text) if one.value in now or one.value[:7] in now]
    commit = desk.clone.resolve(args.new_patches_base)
    if commits and not (commit and commit.startswith(commits[0].value)):
        return f"still name a commit of the old version, {commits[0].shown}"
    spelt = [word for word in _spelt_commits(desk, args, now) if word in before]
    if spelt and not (commit and commit.startswith(spelt[0])):
        return f"still name a commit of the old version: {now}"
    numbers = numbers_like(args.new_version, desk.spec.reading().version)
    name = now.rpartition("/")[2]
    is_named = numbers.order in name or _mention(numbers.upstream).search(now) is not None
    if numbers.order and not is_named and _mention(numbers.version).search(name):
        return f"be the archive of the final version, {name}"
    was, will_be = (list(source_values(desk.spec.parsed(x))) for x in (desk.spec.text(), text))
    if "://" in now and was == will_be:
        return f"be downloaded from the same URL as for {args.version}: {now}"
    return ""


def _mention(version: str) -> re.Pattern[str]:
    """Return a pattern that finds a version in a name, with any separators between its numbers.

    Names have no epoch.
    """
    form = re.escape(version.rpartition("!")[2]).replace(r"\.", "[._-]")
    return re.compile(rf"(?<!\d)(?<!\d[._-]){form}(?!\d|[._-]\d|{_STAGE})", re.IGNORECASE)


def _dated(version: str) -> re.Pattern[str]:
    """Return a pattern that finds a version followed by the date on which its archive was made."""
    form = re.escape(version).replace(r"\.", "[._-]")
    return re.compile(rf"(?<!\d)(?<!\d[._-]){form}[._-](?P<day>(?:19|20)\d{{6}})(?!\d)")


def _series(args: Arguments) -> Iterator[tuple[str, str]]:
    """Yield the leading parts of both versions that name folders of releases, if they differ.

    The first pair has two numbers, as on GNOME's and Launchpad's servers, the second has one.
    """
    both = [re.match(r"\d+(?:\.\d+)*", version) for version in (args.version, args.new_version)]
    old, new = (found[0].split(".") if found else [] for found in both)
    for count in (2, 1):
        if len(old) > count and len(new) > count and old[:count] != new[:count]:
            yield ".".join(old[:count]), ".".join(new[:count])


def _folder(series: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=[^/]/){re.escape(series)}(?=/)")


def _with_series(desk: Desk, args: Arguments, text: SpecText) -> SpecText:
    """Change the folder in the first source that is named after the old version's series."""
    source = _source(text)
    old, new = next(_series(args), ("", ""))
    if source is None or "." not in old or not _folder(old).search(_first(desk, text)):
        return text
    if _folder(old).search(source.value):
        return _with_source(text, source, lambda value: _folder(old).sub(new, value))
    for one in list(_definitions(text, source.value)):
        if one.value == old:
            text = with_definition(text, one, new)
    return with_newer_macros(text, source.value, args.version, args.new_version)


def _with_version(text: SpecText, args: Arguments) -> SpecText:
    """Change the old version in the value of the first source, and in the macros it names."""
    source = _source(text)
    if source is None:
        return text
    if newer(source.value, args.version, args.new_version) != source.value:
        return _with_source(
            text, source, lambda value: newer(value, args.version, args.new_version)
        )
    return with_newer_macros(text, source.value, args.version, args.new_version)


def _with_source(text: SpecText, source: Tag, change: Callable[[str], str]) -> SpecText:
    """Change the value of a source, and of its signature, whose value is the same with a suffix."""
    return _with_sources(text, lambda tag: tag.value.startswith(source.value), change)


def _with_sources(
    text: SpecText, is_meant: Callable[[Tag], bool], change: Callable[[str], str]
) -> SpecText:
    """Change the values of the sources that `is_meant` accepts; it may have to ask rpm."""
    for tag in tags(text, "Source"):
        value = change(tag.value)
        if value != tag.value and is_meant(tag):
            text = text.with_line(tag.line.number, f"{tag.head}{value}{tag.tail}")
    return text


def with_newer_macros(text: SpecText, value: str, old: str, new: str) -> SpecText:
    """Change a version in the definitions that a value depends on, such as `%global tag v1.0`."""
    for one in list(_definitions(text, value)):
        text = with_definition(text, one, newer(one.value, old, new))
    return text


def newer(value: str, old: str, new: str) -> str:
    """Return a value with the new version instead of the old one, with the same separators.

    >>> newer("demo-1.2-0.10-src.tar.gz", "1.2.0.10", "1.2.0.11")
    'demo-1.2-0.11-src.tar.gz'
    """

    def replaced(match: re.Match[str]) -> str:
        joints, numbers = re.findall(r"[._-]", match[0]), new.rpartition("!")[2].split(".")
        if len(set(joints)) > 1 and len(joints) != len(numbers) - 1:
            return match[0]  # which joint is where, only a person knows
        if len(set(joints)) <= 1:
            joint: str = (joints or ["."])[0]
            return joint.join(numbers)
        return "".join(map("".join, zip_longest(numbers, joints, fillvalue="")))

    return _mention(old).sub(replaced, value)


def _with_commit(desk: Desk, args: Arguments, text: SpecText) -> SpecText:
    """Replace the commit that the first source names by that of the new version's tag."""
    commit = desk.clone.resolve(args.new_patches_base)
    now = _first(desk, text)
    if not commit:
        return text
    for one in _commits(text):
        if one.value in now or one.value[:7] in now:
            text = with_definition(text, one, commit[: len(one.value)])
    for old in _spelt_commits(desk, args, now):
        text = _with_spelt_commit(text, old, commit[: len(old)])
    return text


def _spelt_commits(desk: Desk, args: Arguments, value: str) -> list[str]:
    """Return the commits in a value: 40 digits, or the first ones of the old version's commit."""
    old = desk.clone.resolve(base_ref(args)) or ""
    words = _SPELT_COMMIT.findall(value)
    return [word for word in words if _COMMIT.fullmatch(word) or old.startswith(word)]


def _with_spelt_commit(text: SpecText, old: str, new: str) -> SpecText:
    """Change a commit where the first source and the folder that %setup enters spell it out."""
    source = _source(text)
    if source is None or old not in source.value:
        return text
    text = _with_source(text, source, lambda value: value.replace(old, new))
    return text.with_lines({line.number: line.text.replace(old, new) for line in _setups(text)})


def _setups(text: SpecText) -> list[Line]:
    return [line for line in text.read() if line.section == "prep" and _SETUP.match(line.text)]


def _commits(text: SpecText) -> list[Definition]:
    source = _source(text)
    found = _definitions(text, source.value) if source else ()
    return [
        one
        for one in found
        if _COMMIT.fullmatch(one.value)
        or (_SHORT_COMMIT.fullmatch(one.value) and _NAME_OF_COMMIT.search(one.name))
    ]


def _source(text: SpecText) -> Tag | None:
    plain = [tag for tag in tags(text, "Source") if tag.line.is_plain]
    return next(iter(plain), None)


def _definitions(text: SpecText, value: str) -> Iterator[Definition]:
    """Yield the plain definitions of the macros in a value, and of the macros in those."""
    lines, todo, seen = text.read(), [value], set[str]()
    while todo:
        for name in macro_names(todo.pop()):
            if name in seen:
                continue
            seen.add(name)
            for one in definitions(text, name):
                todo.append(one.value)
                if lines[one.number].is_plain and len(definitions(text, name)) == 1:
                    yield one
