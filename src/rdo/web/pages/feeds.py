"""The Atom feeds of a target and of its packages."""

import hashlib
from dataclasses import dataclass

from starlette.responses import Response

from rdo.errors import NotFoundError
from rdo.pages.atom import MEDIA_TYPE, Feed, document
from rdo.trunk.views.dashboard.feed import package_feed, target_feed
from rdo.web.pages.answering import Handler, PageRequest
from rdo.web.pages.target_pages import TargetPages


@dataclass(frozen=True, slots=True)
class FeedPages:
    """The feeds of one target; `pages` are its pages."""

    pages: TargetPages

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of each feed by its path below the target's name."""
        return {
            "feed.atom": self.of_target,
            "packages/{name}.atom": self.of_package,
        }

    def of_target(self, asked: PageRequest) -> Response:
        """Return failures, fixes and promotions of the target."""
        service = self.pages.guard.service
        name, url = self.pages.watched.name, service.settings.base_url
        return _answer(target_feed(service.store, name, url), asked)

    def of_package(self, asked: PageRequest) -> Response:
        """Return failures and fixes of a package. Raises NotFoundError if it is unknown."""
        service, target, package = (
            self.pages.guard.service,
            self.pages.watched.name,
            asked.path["name"],
        )
        feed = package_feed(service.store, target, package, service.settings.base_url)
        if not feed.entries and package not in self.pages.watched.gathered.view.packages:
            raise NotFoundError(f"{target} has no package {package[:100]}")
        return _answer(feed, asked)


def _answer(feed: Feed, asked: PageRequest) -> Response:
    """Return a feed, or 304 if the reader has it already."""
    body = document(feed)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if tag in asked.caller.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=MEDIA_TYPE)
