"""Webhooks: events as JSON, for chats, dashboards and other programs."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rdo import __version__
from rdo.errors import ConfigError
from rdo.http_retry import status_may_pass
from rdo.notify import words
from rdo.notify.promotions import PromotionStory
from rdo.notify.story import Story
from rdo.notify.way import AwayError, Refused
from rdo.store.messages.deliveries import Delivery

TIMEOUT_SECONDS = 20.0
TEST = "test"
"""The kind of an event that only tests the webhook."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """The URL of one webhook; see `rdo.notify.way.Way`. Redirects are not followed."""

    name: str
    url: str
    secret_file: Path | None = None

    def send(self, story: Story, deliveries: Sequence[Delivery]) -> dict[int, Refused]:
        """Post the event as JSON, signed if there is a secret.

        Raises AwayError if the URL cannot be reached, ConfigError if the secret cannot be read.
        """
        [delivery] = deliveries
        return self._post_event(message(story, delivery), delivery)

    def send_promotion(
        self, story: PromotionStory, deliveries: Sequence[Delivery]
    ) -> dict[int, Refused]:
        """Post an event about a promotion name. Raises the same errors as `send`."""
        [delivery] = deliveries
        content = {"key": key_of(delivery), "title": story.title, **story.to_json()}
        return self._post_event(content, delivery)

    def _post_event(self, content: Mapping[str, object], delivery: Delivery) -> dict[int, Refused]:
        refused = self.post(content, delivery.event.kind, key_of(delivery))
        return {delivery.id: refused} if refused else {}

    def test(self, when: datetime) -> Refused | None:
        """Post a signed event of the kind `test`; return the reason if it was refused.

        Raises the same errors as `send`.
        """
        key = f"{TEST}:{int(when.timestamp())}"
        return self.post({"key": key, "kind": TEST, "title": "a test from rdo"}, TEST, key)

    def post(self, content: Mapping[str, object], kind: str, key: str) -> Refused | None:
        """Post signed JSON, and return the refusal, if any.

        Raises AwayError if no server answers.
        """
        import httpx  # only needed if a webhook is configured

        body = json.dumps(content).encode()
        try:
            answer = httpx.post(
                self.url,
                content=body,
                headers=self._headers(kind, key, body),
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
            )
        except (httpx.HTTPError, OSError) as error:
            raise AwayError(f"webhook {self.name}: {error or type(error).__name__}") from error
        if answer.is_success:
            return None
        return Refused(
            f"webhook {self.name} answers {answer.status_code}",
            for_good=answer.is_client_error and not status_may_pass(answer.status_code),
        )

    def _headers(self, kind: str, key: str, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"rdo/{__version__}",
            "X-RDO-Event": kind,
            "X-RDO-Delivery": key,
        }
        if self.secret_file:
            signature = hmac.new(self._secret(), body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature-256"] = f"sha256={signature}"
        return headers

    def _secret(self) -> bytes:
        assert self.secret_file
        try:
            return self.secret_file.read_bytes().strip()
        except OSError as error:
            raise ConfigError(
                f"[webhooks.{self.name}] secret-file {self.secret_file}: {error.strerror}"
            ) from error


def key_of(delivery: Delivery) -> str:
    """Return a key for an event, the same however often it is posted."""
    return f"{delivery.event.target}:{delivery.event.key}"


def message(story: Story, delivery: Delivery) -> dict[str, object]:
    """Return the content to send: the story, and a key that repeated deliveries share."""
    told = story.to_json()
    told.pop("factory", None)  # a path on our machine is useless to others
    return {
        "key": key_of(delivery),
        "title": words.subject(story),
        "cause_in_words": words.cause(story),
        **told,
    }
