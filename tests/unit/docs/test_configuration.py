"""docs/configuration.md has every key of rdo.toml with its default."""

from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

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
    "targets.NAME": Target,
    "targets.NAME.checks.JOB": CheckSection,
    "targets.NAME.follow": FollowSection,
    "targets.NAME.promotions.NAME": PromotionSection,
    "signing, targets.NAME.signing": SigningSection,
    "mail": MailSection,
    "gerrit": GerritSection,
    "webhooks.NAME": WebhookSection,
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
        "gerrit",
        "webhooks",
    }
    below = set() if section is PromotionSection else sections  # where `checks` is a list
    assert set(told) == set(fields) - below
    for key, shown in told.items():
        field = fields[key]
        if field.default is PydanticUndefined and field.default_factory is None:
            assert shown == "required" or (heading, key) in {("Top", "data"), ("Top", "platforms")}
        elif wanted := default(field.default):
            assert shown.replace("`", "") == wanted.replace("`", "")
