"""The pages of a target at DLRN's names, and one with the history of each package."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rdo.markup import Content, Html, element, joined, link
from rdo.pages.layout import page, relative, table, when
from rdo.pages.values import Broken, Built, Head, Stands, State, Waits


def report(head: Head, builds: Sequence[Built]) -> str:
    """report.html: the newest builds, newest first."""
    columns = (
        "Build Date Time", "Commit Date Time", "Project Name", "Commit Hash", "Component",
        "Status", "Repository", "Build Log", "Minutes", "Why",
    )  # fmt: skip
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


def queue(head: Head, waiting: Sequence[Waits]) -> str:
    """queue.html: what was left when the last round ended."""
    columns = ("Commit Date Time", "Project Name", "Commit Hash", "Queued", "Waits For")
    rows = [
        (
            when(one.committed),
            relative(one.package, f"packages/{one.package}.html"),
            link(one.commit, one.commit_url),
            when(one.queued),
            one.waits_for,
        )
        for one in waiting
    ]
    classes = ("when", "", "hash", "when", "long")
    count = f"{len(rows)} builds wait" if len(rows) != 1 else "One build waits"
    text = f"{count}. Times are UTC." if rows else "Nothing waits."
    return page(
        head, "Queue", element("p", text), table(columns, rows, classes=classes, id_="dlrn")
    )


def status_report(head: Head, state: State) -> str:
    """status_report.html: where the target stands, on one page."""
    return page(head, "State", *_state(state))


def _state(state: State) -> Iterator[Content]:
    count = len(state.broken)
    verb = "does" if count == 1 else "do"
    bad = f"{count} of {len(state.packages)} packages {verb} not build."
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
        yield element("h2", "What keeps consistent where it is")
        yield table(
            ("Package", "Since", "Why"),
            [(_package(one.package), when(one.since), one.reason) for one in state.blocked],
            classes=("", "when", "long"),
        )
    if state.broken:
        yield element("h2", "Broken")
        yield table(
            ("Package", "Since", "Cause", "Changed", "Build", "Waiting for it", "Maintainers"),
            [_broken(one) for one in state.broken],
            classes=("bad", "when", "long", "long", "", "", ""),
        )
    if state.waiting:
        yield element("h2", "Waiting")
        yield table(
            ("Package", "Since", "For"),
            [(_package(one.package), when(one.queued), one.waits_for) for one in state.waiting],
            classes=("", "when", "long"),
        )
    yield element("h2", "All packages")
    yield _packages(state)


def _broken(one: Broken) -> Sequence[Content]:
    is_news = one.line and one.line not in one.cause
    cause: Content = (one.cause, *((element("br"), element("code", one.line)) if is_news else ()))
    return (
        _package(one.package),
        when(one.since),
        cause,
        link(one.change, one.change_url) if one.change_url else one.change,
        relative(f"log of {one.build}", one.log),
        ", ".join(one.waiting),
        ", ".join(one.maintainers),
    )


def _packages(state: State) -> Html:
    columns = (
        "Project Name", "NVR", "Tarball SHA", "Status", "First failure after success",
        "Number of days since last success",
    )  # fmt: skip
    rows = [
        (
            _package(one.package),
            one.nvr,
            one.commit,
            joined((relative(one.status, one.log), _remark(one))),
            _first_failure(one),
            _days(one, state.now),
        )
        for one in state.packages
    ]
    classes = ("", "hash", "hash", "status", "hash", "")
    failures = [one.status == "FAILED" for one in state.packages]
    return table(columns, rows, classes=classes, id_="dlrn", failures=failures)


def _remark(one: Stands) -> str:
    words = [one.condition, f"stale: {one.stale}" if one.stale else ""]
    shown = "; ".join(word for word in words if word)
    return f" ({shown})" if shown else ""


def _first_failure(one: Stands) -> Content:
    first = one.first_failure
    if first is None:
        return ""
    return (link(first.commit, first.commit_url), " (", relative("build log", first.log), ")")


def _days(one: Stands, now: datetime) -> str:
    if one.status != "FAILED":
        return ""
    return f"{(now - one.last_success).days} days" if one.last_success else "Never"


def package(
    head: Head, name: str, builds: Sequence[Built], links: Sequence[tuple[str, str]]
) -> str:
    """packages/NAME.html: the history of a package, newest first."""
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
    """status_report.csv, with DLRN's header and its escapes of HTML."""
    header = "Project,Source Sha,Dist Sha,Extended Sha,Component,Status,Timestamp,Packages\n"
    return header + "".join(",".join(map(_cell, row)) + "\n" for row in rows)


_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", ",": "%2C"}
)


def _cell(text: str) -> str:
    kept = "".join(sign for sign in text if sign.isprintable())
    return kept.translate(_ESCAPES)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in days; pages are written only when something changes.

    >>> from datetime import UTC
    >>> age(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 3, 12, tzinfo=UTC))
    '2 days'
    """
    days = (now - since).days
    return "less than a day" if days < 1 else f"{days} day{'s' if days > 1 else ''}"


def _package(name: str) -> Html:
    return relative(name, f"packages/{name}.html")


def _minutes(one: Built) -> str:
    return "" if one.minutes is None else f"{one.minutes:.1f}"
