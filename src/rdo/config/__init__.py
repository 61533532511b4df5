"""rdo.toml: what can be set, where it is found, and where each value came from."""

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
