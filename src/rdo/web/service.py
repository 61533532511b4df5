"""What every request may use: the app, the targets that are served, and the logins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rdo.access.logins import Logins
from rdo.app import App
from rdo.app.targets import open_tree
from rdo.errors import ConfigError
from rdo.publish.tree import Tree

if TYPE_CHECKING:
    from rdo.config import Settings
    from rdo.store import Store

OWN_PLACES = frozenset({"api", "maintainer", "metrics", "search", "static"})
"""The first parts of paths that are no targets."""


@dataclass(frozen=True, slots=True)
class WebServer:
    """A running server: `targets` are those it answers for.

    Configuration is read when the server starts. The store is opened once and used by every
    thread; the metadata, which changes meanwhile, is read by an app of the request's own.
    """

    app: App
    targets: Sequence[str]
    logins: Logins = field(init=False)

    def __post_init__(self) -> None:
        for name in self.targets:
            if name in OWN_PLACES:
                raise ConfigError(
                    f"a target named {name} cannot be served: /{name} is a place of the server",
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

    def tree(self, target: str) -> Tree:
        """Return the published tree of a target, without its metadata."""
        return open_tree(self.settings, target, self.store, self.app.now)
