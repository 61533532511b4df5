"""Query Gerrit over ssh, as its own command line tool does."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rdo.errors import CommandError, OutsideError, RefusedError
from rdo.log_tail import last_line
from rdo.run import Runner, run

TIMEOUT_SECONDS = 120.0
# A ref for `git fetch`: a server must not be able to insert a refspec of its own.
_REF = re.compile(r"refs/changes/\d+/\d+/\d+")


@dataclass(frozen=True, slots=True)
class Review:
    """A change on Gerrit: the ref of its newest patch set, and who has verified it."""

    number: int
    ref: str
    verified_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GerritServer:
    """The server in a remote's URL, `ssh://USER@HOST:PORT/PROJECT`."""

    url: str
    runner: Runner = run

    def review(self, number: str) -> Review:
        """Return a review by its number.

        Raises RefusedError for anything but a number, NotFoundError if Gerrit has no such review,
        and OutsideError if Gerrit does not answer.
        """
        if not re.fullmatch(r"\d+", number):
            raise RefusedError(f"Invalid usage: a review has a number, not {number!r}")
        found = self._query("--current-patch-set", f"change:{number}")
        if found is None:
            raise RefusedError(f"Gerrit has no review {number} at {self.url}")
        try:
            patch_set = found["currentPatchSet"]
            verified = tuple(
                vote["by"].get("username", "")
                for vote in patch_set.get("approvals", ())
                if vote["type"] == "Verified" and int(vote["value"]) > 0
            )
            change = Review(int(found["number"]), patch_set["ref"], verified)
        except (KeyError, TypeError, ValueError) as error:
            raise _not_understood(number) from error
        if not _REF.fullmatch(change.ref):
            raise _not_understood(number)
        return change

    def _query(self, *args: str) -> Mapping[str, Any] | None:
        place = urlsplit(self.url)
        if place.scheme != "ssh" or not place.hostname or place.hostname.startswith("-"):
            raise RefusedError(
                f"{self.url} is not the URL of a Gerrit project; use ssh://USER@HOST:PORT/PROJECT"
            )
        who = f"{place.username}@{place.hostname}" if place.username else place.hostname
        command = ("ssh", "-o", "BatchMode=yes", "-p", str(place.port or 29418), "--", who)
        query = ("gerrit", "query", "--format=JSON", *args)
        try:
            done = self.runner(*command, *query, timeout=TIMEOUT_SECONDS)
        except CommandError as error:
            reason = last_line(str(error))
            raise OutsideError(f"Gerrit on {place.hostname} does not answer: {reason}") from error
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        try:
            rows = [json.loads(line) for line in lines]
        except ValueError as error:
            raise OutsideError(f"cannot parse the answer of {place.hostname}") from error
        return next((row for row in rows if row.get("type") not in {"stats", "error"}), None)


def _not_understood(number: str) -> OutsideError:
    return OutsideError(f"cannot parse Gerrit's answer about review {number}")
