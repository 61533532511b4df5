"""The pages that only a server has; `reports` makes those that a tree has too."""

from collections.abc import Sequence

from rdo.model.review import ReviewBuild, ReviewRun, ReviewVote
from rdo.pages.charts import Chart
from rdo.pages.layout import page
from rdo.pages.live_values import (
    BuildPage,
    Grid,
    Hit,
    LivePackage,
    NamesPage,
    Overview,
    OwnPackage,
    RepositoryPage,
)
from rdo.pages.values import Live, PageHead, QueuedBuild, ShownBuild
from rdo.templates import render


def overview(head: PageHead, shown: Overview) -> str:
    """Make the first page of a target."""
    return page(head, "overview.html", head.target, it=shown)


def package(head: PageHead, shown: LivePackage) -> str:
    """Make the page of a package, with its graph and its changes."""
    title = shown.page.package
    return page(
        head,
        "package.html",
        title,
        up="../",
        it=shown.page,
        builds=shown.builds,
        graph=shown.graph,
        changes=shown.changes,
        patches=shown.patches,
    )


def build(head: PageHead, shown: BuildPage) -> str:
    """Make the page of a build."""
    return page(head, "build.html", f"Build {shown.id} of {shown.package}", up="../", it=shown)


def builds(head: PageHead, shown: Sequence[ShownBuild], older: int | None) -> str:
    """Make a page of builds, newest first; the next page begins at `older`."""
    return page(head, "report.html", "Builds", builds=shown, older=older)


def queue(head: PageHead, shown: Sequence[QueuedBuild]) -> str:
    """Make the page of the queue, with expected times."""
    return page(head, "queue.html", "Queue", builds=shown)


def repository(head: PageHead, shown: RepositoryPage) -> str:
    """Make the page of a repository."""
    return page(head, "repository.html", f"Repository {shown.path}", up="../", it=shown)


def names(head: PageHead, shown: NamesPage) -> str:
    """Make the page of all moves of names."""
    return page(head, "names.html", "Names", it=shown)


def reviews(head: PageHead, shown: Sequence[ReviewRun], older: int | None) -> str:
    """Make a page of reviews, newest first; the next page begins at `older`."""
    return page(head, "reviews.html", "Reviews", reviews=shown, older=older)


def review(
    head: PageHead, shown: ReviewRun, built: Sequence[ReviewBuild], votes: Sequence[ReviewVote]
) -> str:
    """Make the page of a review."""
    title = f"Review {shown.id} of {shown.change}"
    return page(head, "review.html", title, up="../", it=shown, builds=built, votes=votes)


def charts(head: PageHead, shown: Sequence[Chart], days: int, choices: Sequence[int]) -> str:
    """Make the page of charts."""
    return page(head, "charts.html", "Charts", charts=shown, days=days, choices=choices)


def grid(live: Live, shown: Grid) -> str:
    """Make the first page of a server, with all its targets."""
    return _site(live, "grid.html", "Targets", it=shown)


def search(live: Live, query: str, hits: Sequence[Hit], *, is_cut: bool) -> str:
    """Make the results of a search; `is_cut` means that there are more."""
    return _site(live, "search.html", "Search", query=query, hits=hits, is_cut=is_cut)


def own_packages(live: Live, maintainer: str, rows: Sequence[OwnPackage]) -> str:
    """Make the page of a maintainer's packages in all targets."""
    return _site(live, "maintainer.html", "My packages", maintainer=maintainer, rows=rows)


def error(live: Live, up: str, title: str, message: str, hint: str = "") -> str:
    """Make the page for an error; `up` is the path to the top of the server."""
    return _site(live, "error.html", title, up=up, message=message, hint=hint)


def _site(live: Live, template: str, title: str, *, up: str = "./", **values: object) -> str:
    """Make a page above all targets; `up` is the path to the top of the server."""
    made = render("rdo.pages", template, live=live, title=title, top=up, up=up, **values)
    return made.lstrip()
