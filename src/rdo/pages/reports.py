"""The pages of a target under DLRN's names, and one for each package."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rdo.markup import Content, Html, element, joined, link
from rdo.pages.layout import page, relative, table, when
from rdo.pages.values import (
    FailingPackage,
    PageHead,
    QueuedBuild,
    ShownBuild,
    ShownPackage,
    TargetPage,
)


def report(head: PageHead, builds: Sequence[ShownBuild]) -> str:
    """Make report.html: the newest builds, newest first."""
    columns = (
        "Build Date Time",
        "Commit Date Time",
        "Project Name",
        "Commit Hash",
        "Component",
        "Status",
        "Repository",
        "Build Log",
        "Minutes",
        "Why",
    )
    rows = [
        (
            when(one.when),
            when(one.committed),
            relative(one.package, one.page),
            link(one.commit, one.commit_url),
            one.component,
            one.status,
            relative("repo", one.place) if one.place else "",
            relative("build log", one.log) if one.log else "",
            _minutes(one),
            one.cause or one.note,
        )
        for one in builds
    ]
    classes = ("when", "when", "", "hash", "", "status", "", "", "", "long")
    failures = [one.status == "FAILED" for one in builds]
    shown = table(columns, rows, classes=classes, id_="dlrn", failures=failures)
    return page(
        head, "Builds", element("p", f"The newest {len(builds)} builds. Times are UTC."), shown
    )


def queue(head: PageHead, builds: Sequence[QueuedBuild]) -> str:
    """Make queue.html: the builds that were open when the last round ended."""
    columns = ("Commit Date Time", "Project Name", "Commit Hash", "Queued", "State", "Why")
    rows = [
        (
            when(one.committed),
            relative(one.package, f"packages/{one.package}.html"),
            link(one.commit, one.commit_url),
            when(one.queued),
            one.state,
            one.sentence,
        )
        for one in builds
    ]
    classes = ("when", "", "hash", "when", "", "long")
    count = f"{len(rows)} builds" if len(rows) != 1 else "One build"
    text = f"{count} queued or running. Times are UTC." if rows else "Nothing is queued."
    return page(
        head, "Queue", element("p", text), table(columns, rows, classes=classes, id_="dlrn")
    )


def status_report(head: PageHead, state: TargetPage) -> str:
    """Make status_report.html: the state of the target on one page."""
    return page(head, "Status", *_status(state))


def _status(state: TargetPage) -> Iterator[Content]:
    count = len(state.failing)
    verb = "fails" if count == 1 else "fail"
    bad = f"{count} of {len(state.packages)} packages {verb} to build."
    good = f"All {len(state.packages)} packages build."
    yield element("p", element("strong", bad if count else good, class_="bad" if count else "good"))
    yield element("h2", "Names")
    yield table(
        ("Name", "Since", "Age", "Repository", "Moved by"),
        [
            (
                one.name,
                when(one.since),
                age(one.since, state.now),
                relative(one.place, one.place),
                one.why,
            )
            for one in state.names
        ],
        classes=("", "when", "when", "hash", ""),
    )
    if state.blocked:
        yield element("h2", "Blocking consistent")
        yield table(
            ("Package", "Since", "Why"),
            [(_package(one.package), when(one.since), one.reason) for one in state.blocked],
            classes=("", "when", "long"),
        )
    if state.failing:
        yield element("h2", "Failing")
        yield table(
            ("Package", "Since", "Cause", "Changed", "Build", "Waiting for it", "Maintainers"),
            [_failing(one) for one in state.failing],
            classes=("bad", "when", "long", "long", "", "", ""),
        )
    if state.queue:
        yield element("h2", "Queue")
        yield table(
            ("Package", "Since", "State", "Why"),
            [
                (_package(one.package), when(one.queued), one.state, one.sentence)
                for one in state.queue
            ],
            classes=("", "when", "", "long"),
        )
    yield element("h2", "All packages")
    yield _packages(state)


def _failing(one: FailingPackage) -> Sequence[Content]:
    is_news = one.line and one.line not in one.sentence
    cause: Content = (
        one.sentence,
        *((element("br"), element("code", one.line)) if is_news else ()),
    )
    return (
        _package(one.package),
        when(one.since),
        cause,
        link(one.change, one.change_url) if one.change_url else one.change,
        relative(f"log of {one.build}", one.log),
        ", ".join(one.waiting),
        ", ".join(one.maintainers),
    )


def _packages(state: TargetPage) -> Html:
    columns = (
        "Project Name",
        "NVR",
        "Tarball SHA",
        "Status",
        "First failure after success",
        "Number of days since last success",
    )
    rows = [
        (
            _package(one.package),
            one.nvr,
            one.commit,
            joined((relative(one.status, one.log), f" ({one.remark})" if one.remark else "")),
            _first_failure(one),
            _days(one, state.now),
        )
        for one in state.packages
    ]
    classes = ("", "hash", "hash", "status", "hash", "")
    failures = [one.status == "FAILED" for one in state.packages]
    return table(columns, rows, classes=classes, id_="dlrn", failures=failures)


def _first_failure(one: ShownPackage) -> Content:
    first = one.first_failure
    if first is None:
        return ""
    return (link(first.commit, first.commit_url), " (", relative("build log", first.log), ")")


def _days(one: ShownPackage, now: datetime) -> str:
    if one.status != "FAILED":
        return ""
    return f"{(now - one.last_success).days} days" if one.last_success else "Never"


def package(
    head: PageHead, name: str, builds: Sequence[ShownBuild], links: Sequence[tuple[str, str]]
) -> str:
    """Make packages/NAME.html: the history of a package, newest first."""
    columns = ("Build", "When", "Commit", "Status", "Minutes", "Repository", "Log", "Why")
    up = "../"
    rows = [
        (
            str(one.id),
            when(one.when),
            link(one.commit, one.commit_url),
            one.status,
            _minutes(one),
            relative("repo", one.place, up) if one.place else "",
            relative("log", one.log, up) if one.log else "",
            one.cause or one.note,
        )
        for one in builds
    ]
    shown = table(
        columns,
        rows,
        classes=("", "when", "hash", "status", "", "", "", "long"),
        failures=[one.status == "FAILED" for one in builds],
    )
    places = element(
        "p", *(joined((text, ": ", link(url, url), element("br"))) for text, url in links)
    )
    return page(head, name, places, shown, up=up)


def status_csv(rows: Sequence[tuple[str, ...]]) -> str:
    """Make status_report.csv, with DLRN's header and HTML escapes."""
    header = "Project,Source Sha,Dist Sha,Extended Sha,Component,Status,Timestamp,Packages\n"
    return header + "".join(",".join(map(_cell, row)) + "\n" for row in rows)


_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", ",": "%2C"}
)


def _cell(text: str) -> str:
    kept = "".join(sign for sign in text if sign.isprintable())
    return kept.translate(_ESCAPES)


def age(since: datetime, now: datetime) -> str:
    """Say how long ago, in days, because pages are written only when something changes.

    >>> from datetime import UTC
    >>> age(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 3, 12, tzinfo=UTC))
    '2 days'
    """
    days = (now - since).days
    return "less than a day" if days < 1 else f"{days} day{'s' if days > 1 else ''}"


def _package(name: str) -> Html:
    return relative(name, f"packages/{name}.html")


def _minutes(one: ShownBuild) -> str:
    return "" if one.minutes is None else f"{one.minutes:.1f}"
