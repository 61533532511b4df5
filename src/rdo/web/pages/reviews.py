"""The pages of open reviews: the list, single reviews, and the logs of their builds."""

from dataclasses import dataclass

from starlette.responses import Response

from rdo.errors import NotFoundError
from rdo.pages import live
from rdo.trunk.reviews import listing
from rdo.web.pages.answering import Handler, PageRequest, html
from rdo.web.pages.target_pages import PLAIN, TargetPages

_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class ReviewPages:
    """The pages of one target's reviews; `pages` are its other pages."""

    pages: TargetPages

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each page by its path below the target's name."""
        return {
            "reviews.html": self.all,
            "reviews/{number}.html": self.one,
            "reviews/{number}/{package}/log.txt": self.log,
        }

    def all(self, asked: PageRequest) -> Response:
        """Show the reviews, newest first; the page begins at `before`."""
        service = self.pages.guard.service
        with service.store.read() as at:
            found = at.reviews.listed(
                self.pages.watched.name, before=asked.asked_number("before"), limit=_PER_PAGE
            )
        older = found[-1].id if len(found) == _PER_PAGE else None
        return html(live.reviews(self.pages.head(asked), found, older))

    def one(self, asked: PageRequest) -> Response:
        """Show a review."""
        shown = self._view(asked)
        return html(live.review(self.pages.head(asked), shown.review, shown.builds, shown.votes))

    def log(self, asked: PageRequest) -> Response:
        """Return the end of the log of a package as plain text."""
        folder = self.pages.guard.service.settings.target_folder(self.pages.watched.name)
        content = listing.log_of(folder, self._view(asked), asked.path["package"])
        return Response(content, headers=PLAIN, media_type="text/plain; charset=utf-8")

    def _view(self, asked: PageRequest) -> listing.ReviewView:
        """Return the requested review. Raises NotFoundError if the target does not have it."""
        shown = listing.view(self.pages.guard.service.app, asked.number("number"))
        if shown.review.target != self.pages.watched.name:
            raise NotFoundError(f"there is no review {shown.review.id}")
        return shown
