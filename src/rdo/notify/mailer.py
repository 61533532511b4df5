"""Send mail: one message per event, or per commit, to all immediate recipients; or digests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from rdo.notify.mail import compose, compose_digest, compose_together
from rdo.notify.smtp import MailServer
from rdo.notify.story import Story
from rdo.notify.way import Refused
from rdo.store.messages.deliveries import Delivery
from rdo.store.messages.events import Event


@dataclass(frozen=True, slots=True)
class Mailer:
    """Sends stories from one sender; see `rdo.notify.way.Way`.

    All immediate recipients get the same mail, with all of them in To.
    """

    server: MailServer
    sender: str

    def send(self, story: Story, deliveries: Sequence[Delivery]) -> dict[int, Refused]:
        event = deliveries[0].event
        told = tuple(one.recipient for one in deliveries)
        mail = compose(story, event.break_id or 0, self.sender, told)
        return self._send(mail, deliveries)

    def send_together(
        self, events: Sequence[Event], deliveries: Sequence[Delivery]
    ) -> dict[int, Refused]:
        """Send one mail about the same commit on several targets."""
        stories = [(Story.from_json(one.payload), one.break_id or 0) for one in events]
        told = tuple(dict.fromkeys(one.recipient for one in deliveries))
        return self._send(compose_together(stories, self.sender, told), deliveries)

    def send_digest(
        self, stories: Sequence[Story], deliveries: Sequence[Delivery], due: datetime
    ) -> dict[int, Refused]:
        """Send one mail with several events; all deliveries have the same recipient."""
        recipient = deliveries[0].recipient
        mail = compose_digest(stories, self.sender, recipient, due)
        answers = self.server.send(mail, [recipient])
        return {one.id: answers[recipient] for one in deliveries if recipient in answers}

    def _send(self, mail: EmailMessage, deliveries: Sequence[Delivery]) -> dict[int, Refused]:
        recipients = list(dict.fromkeys(one.recipient for one in deliveries))
        answers = self.server.send(mail, recipients)
        return {one.id: answers[one.recipient] for one in deliveries if one.recipient in answers}
