"""What cli and web put together, each part opened on first use."""

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rdo.config import Configuration, Settings
    from rdo.metadata import Distribution, ReleasePackages
    from rdo.store import Store


class App:
    """The configuration that counts and what belongs to it.

    `folder` is -C, `options` are `--set`. Nothing is read or opened before it is asked for,
    so that `rdo doctor` works where everything else is broken. A round sets
    `metadata_max_age_seconds` to 0, to see the metadata as it is now.
    """

    def __init__(
        self, folder: Path | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.metadata_max_age_seconds = 600.0
        self._folder = folder
        self._options = options or {}

    @cached_property
    def configuration(self) -> "Configuration":
        from rdo import config  # with pydantic: only where it is used

        return config.load(config.find(self._folder), options=self._options)

    @property
    def settings(self) -> "Settings":
        return self.configuration.settings

    @cached_property
    def store(self) -> "Store":
        """The database, made on first use and brought up to date."""
        from rdo.store import Store

        self.settings.data.mkdir(parents=True, exist_ok=True)
        return Store(self.settings.database_url)

    @cached_property
    def distribution(self) -> "Distribution":
        """The metadata; a git URL is asked again when that was too long ago."""
        from rdo import metadata

        section = self.settings.needed_metadata
        cache = self.settings.cache / "metadata"
        max_age = self.metadata_max_age_seconds
        return metadata.load(section.source, section.file, cache=cache, max_age=max_age)

    def packages(self, target: str) -> "ReleasePackages":
        """The packages of a target, resolved for its release and, if it is named there, base OS."""
        settings = self.settings.target(target)
        base_os = settings.platform.rpartition("-")[0] or settings.platform
        has_base_os = self.distribution.has_base_os(settings.release, base_os)
        return self.distribution.target(settings.release, base_os if has_base_os else "")

    def close(self) -> None:
        """Close what was opened."""
        if "store" in self.__dict__:
            self.store.close()

    @cached_property
    def user(self) -> str:
        """Who acts, for what is recorded."""
        return getpass.getuser()

    def now(self) -> datetime:
        """The clock that services are given."""
        return datetime.now(UTC)
