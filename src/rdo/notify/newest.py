"""Find the newest message about a package, as it is or was sent by mail."""

from collections.abc import Iterable

from rdo.errors import NotFoundError
from rdo.notify import mail, words
from rdo.notify.story import Audience, Story
from rdo.store import Store


def newest_story(store: Store, targets: Iterable[str], package: str) -> Story:
    """Return the newest story of a package, in the first of the targets that has one.

    Raises NotFoundError if there is none.
    """
    for target in targets:
        with store.read() as at:
            event = at.events.newest_of(target, package)
        if event:
            return Story.from_json(event.payload)
    raise NotFoundError(f"there is no message about {package} yet")


def as_text(story: Story) -> str:
    """Return a message as text: subject, recipients and the text part."""
    is_for_operator = story.audience is Audience.OPERATOR
    to = "the operator" if is_for_operator else ", ".join(story.maintainers)
    return f"Subject: {words.subject(story)}\nTo: {to}\n\n{mail.text_of(story)}".rstrip()


def as_html(story: Story) -> str:
    """Return the HTML part of a message."""
    return mail.html_of(story)
