"""What every request may use: the app, the served targets, and the logins."""

import contextlib
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from rdo.access.logins import Logins
from rdo.app import App
from rdo.app.targets import open_tree
from rdo.errors import ConfigError, UserError
from rdo.publish.tree import Tree
from rdo.trunk.telling.ways import outbox
from rdo.trunk.views.following import has_ended
from rdo.web.followers import Followers, Growing

if TYPE_CHECKING:
    from rdo.config import Settings
    from rdo.store import Store
    from rdo.store.work.builds import Build
    from rdo.tools.supervised import Supervised

log = logging.getLogger(__name__)

OWN_PLACES = frozenset({"api", "hooks", "maintainer", "metrics", "repo", "search", "static"})
"""First parts of paths that are not targets."""


@dataclass(frozen=True, slots=True)
class WebServer:
    """A running server; `targets` are those it serves.

    Configuration is read when the server starts. The store is opened once and used by every thread;
    the metadata, which changes meanwhile, is read by an app of each request. `rounds` is the
    process beside the server that runs rounds, if there is one.
    """

    app: App
    targets: Sequence[str]
    rounds: "Supervised | None" = None
    logins: Logins = field(init=False)
    followers: Followers = field(default_factory=Followers)

    def __post_init__(self) -> None:
        for name in self.targets:
            if name in OWN_PLACES:
                raise ConfigError(
                    f"a target named {name} cannot be served: /{name} is the server's own",
                    hint="serve the others with --target",
                )
        object.__setattr__(self, "logins", Logins(self.app.now))

    @property
    def settings(self) -> "Settings":
        """The configuration of the server."""
        return self.app.settings

    @property
    def store(self) -> "Store":
        """The open store."""
        return self.app.store

    def end(self) -> None:
        """End everything that would continue: followed logs, and rounds."""
        self.followers.end()
        if self.rounds:
            self.rounds.stop()

    def tell(self) -> None:
        """Send queued messages in a thread; rounds send what this server cannot."""
        if self.settings.webhooks:
            threading.Thread(target=self._tell, name="telling", daemon=True).start()

    def _tell(self) -> None:
        try:
            with contextlib.closing(self.app.for_request()) as app:
                outbox(app).run()
        except UserError as error:
            log.warning("not notified now: %s", error)

    def growing_log(self, build: "Build") -> Growing:
        """Return the log of a build, which grows until the build or its round has ended."""
        folder = self.settings.target_folder(build.target) / "builds" / str(build.id)
        return Growing(folder, partial(has_ended, self.app, build))

    def tree(self, target: str) -> Tree:
        """Return the published tree of a target, without its metadata."""
        return open_tree(self.settings, target, self.store, self.app.now)
