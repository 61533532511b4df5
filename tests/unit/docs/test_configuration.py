"""docs/configuration.md has every key of rdo.toml with its default."""

from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from rdo.config.builders import BuilderSection, PackageBuilder
from rdo.config.depending import DependencySection
from rdo.config.distgit_server import DistgitServerSection
from rdo.config.forges import HookSection, ReviewSection
from rdo.config.pushing import PushSection
from rdo.config.settings import (
    BridgeSection,
    CheckSection,
    FollowSection,
    GerritSection,
    MailSection,
    MetadataSection,
    PromotionSection,
    RetentionSection,
    ServeSection,
    Settings,
    SigningSection,
    Target,
    WebhookSection,
)
from tests.unit.docs.pages import DOCS, table

TEXT = (DOCS / "configuration.md").read_text()
SECTIONS: dict[str, type[BaseModel]] = {
    "Top": Settings,
    "metadata": MetadataSection,
    "bridge": BridgeSection,
    "retention": RetentionSection,
    "serve": ServeSection,
    "builders.NAME": BuilderSection,
    "targets.NAME": Target,
    "targets.NAME.package-builders.PACKAGE": PackageBuilder,
    "targets.NAME.checks.JOB": CheckSection,
    "targets.NAME.dependencies.SIDE": DependencySection,
    "targets.NAME.follow": FollowSection,
    "targets.NAME.promotions.NAME": PromotionSection,
    "signing, targets.NAME.signing": SigningSection,
    "targets.NAME.push.PLACE": PushSection,
    "mail": MailSection,
    "gerrit": GerritSection,
    "webhooks.NAME": WebhookSection,
    "hooks.NAME": HookSection,
    "reviews.NAME": ReviewSection,
    "distgit-server": DistgitServerSection,
}


def default(value: Any) -> str:
    """A default as the page writes it; empty where it is told in words."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case str() | int():
            return f"`{value}`"
        case list() if value:
            return ", ".join(f"`{one}`" for one in value)
    return ""


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_there_with_its_default(heading: str) -> None:
    section = SECTIONS[heading]
    told = {row[0].strip("`"): row[1] for row in table(TEXT, heading)}

    fields = {str(field.alias): field for field in section.model_fields.values()}
    sections = {
        "metadata",
        "bridge",
        "retention",
        "targets",
        "mail",
        "serve",
        "follow",
        "signing",
        "allow",
        "checks",
        "promotions",
        "push",
        "dependencies",
        "builders",
        "package-builders",
        "gerrit",
        "webhooks",
        "hooks",
        "reviews",
        "distgit-server",
    }
    # where `checks` or `targets` is a list
    has_lists = {PromotionSection, WebhookSection, HookSection, ReviewSection}
    below = set() if section in has_lists else sections
    assert set(told) == set(fields) - below
    for key, shown in told.items():
        field = fields[key]
        if field.default is PydanticUndefined and field.default_factory is None:
            assert shown == "required" or (heading, key) in {("Top", "data"), ("Top", "platforms")}
        elif wanted := default(field.default):
            assert shown.replace("`", "") == wanted.replace("`", "")
