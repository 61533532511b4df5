"""Sentences that mails, reviews and pages share."""

import re
import shlex
from collections.abc import Iterator, Sequence
from datetime import datetime

from rdo.logs.reader import clean, one_line
from rdo.model.build import FailureReason
from rdo.model.text.dates import minute, minute_utc
from rdo.model.text.short_list import short_list
from rdo.notify.story import Changes, EventKind, OnIt, RootChange, Story, UnmetRequirement

CAUSES = {
    FailureReason.SOURCE: "no source archive could be made of the upstream commit",
    FailureReason.SPEC: "the spec cannot be used",
    FailureReason.PREP: "%prep fails",
    FailureReason.PATCH: "a patch does not apply",
    FailureReason.ARCHITECTURE: "it is not built on this architecture",
    FailureReason.MISSING_DEPENDENCY: "a build requirement cannot be satisfied",
    FailureReason.CYCLE: "dependency cycle with no way to bootstrap it",
    FailureReason.COMPILE: "%build fails",
    FailureReason.TEST: "its tests fail",
    FailureReason.INSTALL: "%install or the lists of files fail",
    FailureReason.TIME_LIMIT: "it exceeded the time limit",
    FailureReason.OUTPUT_LIMIT: "it exceeded the limit for its log or its files",
    FailureReason.NETWORK: "the network failed",
    FailureReason.NO_SPACE: "the disk is full",
    FailureReason.INTERRUPTED: "it was interrupted",
    FailureReason.REFUSED: "its packages are refused",
    FailureReason.BUILDER: "the builder cannot be reached or is broken",
    FailureReason.UNKNOWN: "rpmbuild fails without a known cause",
}
_SECTION = re.compile(r"%(?:prep|build|check|install): ")


def reproduce_command(factory: str, build: int) -> str:
    """Return the command that repeats a build; `factory` is the folder of its rdo.toml, or empty.

    >>> reproduce_command("/srv/my distro", 14)
    "rdo -C '/srv/my distro' reproduce 14"
    """
    where = f" -C {shlex.quote(clean(factory))}" if factory else ""
    return f"rdo{where} reproduce {build}"


def failure(reason: FailureReason, detail: str) -> str:
    """Return why a build failed: the cause in words, and its detail in one line.

    >>> failure(FailureReason.TEST, "%check: ImportError: no such module")
    'its tests fail: ImportError: no such module'
    """
    said = one_line(detail)
    if named := _SECTION.match(said):
        said = said[named.end() :]
    return f"{CAUSES[reason]}: {said}" if said else CAUSES[reason]


def subject(story: Story) -> str:
    """Return one line with target, release and package.

    It contains no text from a commit or a log, so no outsider chooses its words.
    """
    start = f"[{clean(story.target)}] {clean(story.package)}"
    release = clean(story.release)
    match story.kind:
        case EventKind.BROKEN:
            return f"{start} of {release} does not build: {story.reason or 'unknown'}"
        case EventKind.MENDED:
            return f"{start} of {release} builds again"
        case EventKind.WAITED_FOR:
            return f"{start} of {release} does not build: {_waiting(story)}"
        case EventKind.WAITS:
            return f"{start} of {release} waits for {_awaited(story)}"
        case EventKind.STALE:
            count = len(story.problems)
            what = f"{count} packages" if count != 1 else clean(story.problems[0].package)
            return f"[{clean(story.target)}] {what} of {release} cannot be followed"


def subject_together(stories: Sequence[Story]) -> str:
    """Return one line about a commit that fails, or builds again, on several targets."""
    targets = ", ".join(clean(story.target) for story in stories)
    first = stories[0]
    what = f"{clean(first.package)} of {clean(first.release)}"
    if first.kind is EventKind.MENDED:
        return f"[{targets}] {what} builds again"
    reasons = dict.fromkeys(str(story.reason or "unknown") for story in stories)
    return f"[{targets}] {what} does not build: {', '.join(reasons)}"


def on_target(story: Story) -> str:
    """Return one line about a target, for a message about several targets."""
    is_well = story.kind is EventKind.MENDED
    said = "builds again" if is_well else cause(story) or "does not build"
    return f"{clean(story.target)} ({clean(story.platform)}): {clean(said)}"


def _awaited(story: Story) -> str:
    return short_list([clean(one.package) for one in story.problems])


def _waiting(story: Story) -> str:
    count = len(story.waiting)
    return f"{count} packages wait for it" if count != 1 else "another package waits for it"


def digest_subject(stories: Sequence[Story], due: datetime) -> str:
    """Return the subject of a mail with several events: their targets, counts and releases."""
    targets = ", ".join(sorted({clean(story.target) for story in stories}))
    counts = [
        f"{sum(story.kind is kind for story in stories)} {name}"
        for kind, name in ((EventKind.BROKEN, "broken"), (EventKind.MENDED, "fixed"))
        if any(story.kind is kind for story in stories)
    ]
    releases = ", ".join(sorted({clean(story.release) for story in stories}))
    return f"[{targets}] {', '.join(counts) or 'news'} in {releases}, {due:%F}"


def opening(story: Story) -> str:
    """Return the first sentence of a message."""
    where = f"release {clean(story.release)}, target {story.target} ({story.platform})"
    package = clean(story.package)
    match story.kind:
        case EventKind.BROKEN if story.good:
            return f"{package} no longer builds: {where}."
        case EventKind.BROKEN:
            return f"{package} does not build, and never has: {where}."
        case EventKind.MENDED:
            return f"{package} builds again: {where}."
        case EventKind.WAITED_FOR:
            return f"{package} still does not build, and other packages wait for it: {where}."
        case EventKind.WAITS:
            return f"{package} is not built, because it waits for packages that fail: {where}."
        case EventKind.STALE:
            return f"Some upstreams or distgits could not be followed for at least a day: {where}."


def cause(story: Story) -> str:
    """Return why a build fails, in the same words everywhere: the reason, and a line of its log."""
    return failure(story.reason, story.detail or story.says) if story.reason else ""


def facts(story: Story) -> Iterator[tuple[str, str]]:
    """Yield the facts that take one line each: a title and its value."""
    if words := cause(story):
        yield "Cause", words
    if story.kind is EventKind.MENDED:
        yield "Built", f"{story.nvr or story.commit[:7]}, build {story.build_id}"
    elif story.build_id:
        yield "Build", f"{story.build_id} of commit {story.commit[:7]}"
    if story.broken:
        yield (
            ("Was broken since" if story.kind is EventKind.MENDED else "Broken since"),
            _when(story),
        )
    if story.ack:
        is_over = story.kind is EventKind.MENDED
        yield "Was on it" if is_over else "On it", on_it(story.ack)
    if story.good and story.kind is not EventKind.MENDED:
        yield (
            "Last good",
            f"{story.good.nvr}, build {story.good.build_id}, {minute(story.good.when)}",
        )


def on_it(ack: OnIt) -> str:
    """Return who is working on a package, since when, why, and a link to the work."""
    link = f" ({ack.link})" if ack.link else ""
    return f"{ack.by}, since {minute_utc(ack.since)}: {ack.why}{link}"


def _when(story: Story) -> str:
    assert story.broken
    if story.kind is not EventKind.MENDED:
        return f"{minute_utc(story.broken)}"
    hours = (story.when - story.broken).total_seconds() / 3600
    length = f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours"
    return f"{minute_utc(story.broken)}" + (f", {length}" if hours >= 1 else "")


def need_line(need: UnmetRequirement) -> str:
    return f"{clean(need.name)}: {clean(need.found)}"


def root_line(change: RootChange) -> str:
    """Return the line about one package of the root that changed.

    >>> root_line(RootChange("python3-pbr", "6.1-1", "7.0-1"))
    'python3-pbr: 6.1-1 -> 7.0-1'
    """
    before, after = clean(change.before) or "not there", clean(change.after) or "gone"
    return f"{clean(change.name)}: {before} -> {after}"


def changes_title(side: str, changes: Changes, *, has_good: bool) -> str:
    since = "since the last good build" if has_good else "in what it was built from"
    if not changes.count:
        return f"{side}: no change {since}"
    plural = "s" if changes.count != 1 else ""
    return f"{side}: {changes.count} commit{plural} {since}"


def more(changes: Changes) -> str:
    """Return the line that counts the commits that are not listed, if there are any."""
    left = changes.count - len(changes.newest)
    return f"and {left} more" if left > 0 else ""
