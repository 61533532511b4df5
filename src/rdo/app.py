"""What cli and web put together, each part opened on first use."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rdo.config import Configuration, Settings


class App:
    """The configuration that counts and what belongs to it.

    `folder` is -C, `options` are `--set`. Nothing is read or opened before it is asked for,
    so that `rdo doctor` works where everything else is broken.
    """

    def __init__(
        self, folder: Path | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self._folder = folder
        self._options = options or {}

    @cached_property
    def configuration(self) -> "Configuration":
        from rdo import config

        return config.load(config.find(self._folder), options=self._options)

    @property
    def settings(self) -> "Settings":
        return self.configuration.settings

    @cached_property
    def user(self) -> str:
        """Who acts, for what is recorded."""
        return getpass.getuser()

    def now(self) -> datetime:
        """The clock that services are given."""
        return datetime.now(UTC)
