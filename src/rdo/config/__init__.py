"""rdo.toml: the settings, where the file is found, and the origin of each value."""

from rdo.config.loading import Configuration, Effective, OriginKind, ValueOrigin, find, load
from rdo.config.settings import (
    BridgeSection,
    FollowSection,
    MailSection,
    MetadataSection,
    Settings,
    Target,
)

__all__ = [
    "BridgeSection",
    "Configuration",
    "Effective",
    "MailSection",
    "FollowSection",
    "MetadataSection",
    "ValueOrigin",
    "OriginKind",
    "Settings",
    "Target",
    "find",
    "load",
]
