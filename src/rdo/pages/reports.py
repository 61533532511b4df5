"""The pages of a target under DLRN's names, its front page, and one page per package."""

from collections.abc import Sequence
from datetime import datetime

from rdo.pages.layout import STYLE, page
from rdo.pages.live_values import Cell
from rdo.pages.values import (
    PackagePage,
    PageHead,
    QueuedBuild,
    ShownBuild,
    ShownTarget,
    TargetPage,
)
from rdo.templates import render


def index(head: PageHead, state: TargetPage) -> str:
    """Make index.html: the state in one line, and how to install from the target."""
    return page(head, "index.html", head.target, state=state)


def targets(
    shown: Sequence[ShownTarget],
    unwell: Sequence[tuple[str, Sequence[Cell | None]]],
    packages: int,
) -> str:
    """Make the page of all targets, which is above their trees.

    `unwell` are the rows of packages with a problem on any target, out of `packages` in total.
    """
    made = render(
        "rdo.pages",
        "targets.html",
        title="Targets",
        targets=shown,
        rows=unwell if len(shown) > 1 else (),
        well=packages - len(unwell),
        style=STYLE.read_text(),
    )
    return made.lstrip()


def report(head: PageHead, builds: Sequence[ShownBuild]) -> str:
    """Make report.html: the newest builds, newest first."""
    return page(head, "report.html", "Builds", builds=builds)


def queue(head: PageHead, builds: Sequence[QueuedBuild]) -> str:
    """Make queue.html: the builds that were open when the last round ended."""
    return page(head, "queue.html", "Queue", builds=builds)


def status_report(head: PageHead, state: TargetPage) -> str:
    """Make status_report.html: the state of the target on one page."""
    return page(head, "status_report.html", "Status", state=state)


def package(head: PageHead, shown: PackagePage, builds: Sequence[ShownBuild]) -> str:
    """Make packages/NAME.html: the state of a package, and its history, newest first."""
    return page(head, "package.html", shown.package, up="../", it=shown, builds=builds)


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
    """Return how long ago it was, in days, because pages are only written when something changes.

    >>> from datetime import UTC
    >>> age(datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 3, 12, tzinfo=UTC))
    '2 days'
    """
    days = (now - since).days
    return "less than a day" if days < 1 else f"{days} day{'s' if days > 1 else ''}"
