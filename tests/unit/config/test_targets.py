"""Which target a command means."""

from pathlib import Path

import pytest

from rdo.config.settings import Settings, Target
from rdo.errors import ConfigError, NotFoundError


def settings(*names: str) -> Settings:
    target = Target(release="master", platform="deb12-x86_64")
    folder = Path("/srv/rdo")
    return Settings(data=folder, platforms=folder, targets=dict.fromkeys(names, target))


def test_without_a_name_all_targets_are_meant() -> None:
    assert settings("b-deb12", "a-deb12").chosen_targets(None) == ["b-deb12", "a-deb12"]


def test_a_name_means_one_target() -> None:
    assert settings("a-deb12", "b-deb12").chosen_targets("b-deb12") == ["b-deb12"]
    assert settings("a-deb12", "b-deb12").only_target("b-deb12") == "b-deb12"


def test_the_only_target_needs_no_name() -> None:
    assert settings("a-deb12").only_target(None) == "a-deb12"


def test_one_of_several_targets_must_be_named() -> None:
    with pytest.raises(ConfigError, match="several targets: a-deb12, b-deb12"):
        settings("a-deb12", "b-deb12").only_target(None)


def test_a_target_that_is_not_configured_is_an_error() -> None:
    with pytest.raises(NotFoundError, match="there is no target c-deb12"):
        settings("a-deb12").chosen_targets("c-deb12")
    with pytest.raises(ConfigError, match=r"no \[targets.NAME\] is configured"):
        settings().only_target(None)
