"""Report a failure as a review of the package's distgit, as DLRN does.

The review only marks the spec: whoever fixes the package removes the mark in the same change.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rdo.errors import CommandError, NotFoundError, RefusedError
from rdo.logs.reader import clean
from rdo.model.package import Package
from rdo.model.text.spec_text import in_spec
from rdo.notify.mail import is_address
from rdo.notify.story import Story
from rdo.notify.way import AwayError, Refused
from rdo.store.messages.deliveries import Delivery
from rdo.tools.git.mirror import Mirror
from rdo.tools.git.review import Proposal, ReviewPlace, propose
from rdo.tools.git.review import change_id as named

_AWAY = re.compile(r"[Cc]ould not resolve|[Cc]onnection |unable to access|timed out")


@dataclass(frozen=True, slots=True)
class Distgit:
    """A package with the mirror of its distgit."""

    package: Package
    mirror: Mirror


@dataclass(frozen=True, slots=True)
class GerritReviews:
    """Reviews of distgits; see `rdo.notify.way.Way`.

    `find` returns the distgit of a target's package, or None if the package has left the metadata.
    """

    find: Callable[[str, str], Distgit | None]
    email: str
    topic: str
    user: str = ""
    server: str = ""

    def send(self, story: Story, deliveries: Sequence[Delivery]) -> dict[int, Refused]:
        """Propose a review; if there is none, a `Refused` has the reason and whether to retry.

        Raises AwayError if Gerrit cannot be reached.
        """
        delivery = deliveries[0]
        distgit = self.find(story.target, story.package)
        if distgit is None:
            return {delivery.id: Refused("the package has left the release", for_good=True)}
        mirror = distgit.mirror
        try:
            place = ReviewPlace.read(mirror, story.distgit_commit)
            proposal = _proposal(story, delivery, distgit, self.email, self.topic)
            propose(mirror, place.url(self.user, self.server), proposal)
        except (NotFoundError, RefusedError) as error:
            return {delivery.id: Refused(str(error), for_good=True)}
        except CommandError as error:
            if _AWAY.search(str(error)):
                raise AwayError(f"Gerrit: {error}") from error
            return {delivery.id: Refused(f"Gerrit: {error}", for_good=False)}
        return {}


def _proposal(
    story: Story, delivery: Delivery, distgit: Distgit, email: str, topic: str
) -> Proposal:
    package = distgit.package
    url = story.commit_url or story.commit
    short = story.commit[:7]
    message = (
        f"{clean(story.package)}: failed to build {short}\n\n"
        f"Need to fix build error caused by {url}\n"
        f"See log at {clean(story.log_url)}\n\n"
        f"Change-Id: {change_id(delivery)}\n"
    )
    return Proposal(
        branch=package.distgit_branch,
        base=story.distgit_commit,
        file=_spec(distgit, story.distgit_commit),
        added=f"# REMOVEME: error caused by commit {in_spec(url)}\n",
        message=message,
        author="rdo",
        email=email,
        when=story.when,
        topic=topic,
        reviewers=tuple(name for name in story.maintainers if is_address(name)),
    )


def change_id(delivery: Delivery) -> str:
    """Return the Change-Id of the review: one per failure, however often it is pushed."""
    event = delivery.event
    created = str(int(event.created.timestamp()))
    return named(event.target, event.package, event.key, created)


def _spec(distgit: Distgit, commit: str) -> str:
    folder = distgit.package.distgit_path
    depth = folder.count("/") + 1 if folder else 0
    files = distgit.mirror.list_files(commit, folder)
    specs = [name for name in files if name.endswith(".spec") and name.count("/") == depth]
    if len(specs) != 1:
        raise NotFoundError(
            f"{distgit.mirror.path.name} does not have exactly one .spec at {commit[:7]}"
        )
    return specs[0]
