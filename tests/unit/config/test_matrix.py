"""Sections of rdo.toml that make one target for each of several platforms."""

from pathlib import Path

import pytest

from rdo.config import Configuration, load
from rdo.errors import ConfigError, NotFoundError

SECTION = """\
[targets.master]
release = "master"
platforms = ["deb12-x86_64", "deb13-x86_64", "deb13-aarch64"]
workers = 4
[targets.master.allow]
bash = ["provides sh"]
"""


def loaded(folder: Path, text: str, **environ: str) -> Configuration:
    (folder / "rdo.toml").write_text(text)
    return load(folder / "rdo.toml", environ)


def test_each_platform_is_a_target_with_all_other_keys(tmp_path: Path) -> None:
    targets = loaded(tmp_path, SECTION).settings.targets

    assert {name: one.platform for name, one in targets.items()} == {
        "master-deb12": "deb12-x86_64",
        "master-deb13-x86_64": "deb13-x86_64",
        "master-deb13-aarch64": "deb13-aarch64",
    }
    assert all(one.workers == 4 and one.allow for one in targets.values())


def test_a_key_of_one_target_is_known_by_its_line_and_can_be_set_alone(tmp_path: Path) -> None:
    found = loaded(tmp_path, SECTION, RDO_TARGETS__MASTER_DEB12__WORKERS="1")

    assert [one.workers for one in found.settings.targets.values()] == [1, 4, 4]
    origins = {one.key: str(one.origin) for one in found.effective()}
    assert origins["targets.master-deb13-x86_64.workers"].endswith("rdo.toml:4")
    assert origins["targets.master-deb13-x86_64.platform"].endswith("rdo.toml:3")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["deb12-x86_64", "deb13-x86_64", "deb13-aarch64"]', "[]", "must be a list of names"),
        ('["deb12-x86_64", "deb13-x86_64", "deb13-aarch64"]', '"x"', "must be a list of names"),
        ('"deb13-aarch64"', "1", "must be a list of names"),
        ('"deb13-aarch64"', '"deb12-x86_64"', "names deb12-x86_64 twice"),
        ("workers = 4", 'platform = "deb12-x86_64"', "cannot be combined with platform"),
        ("workers = 4", 'url = "http://x.example.test/"', "cannot be combined with url"),
        ("workers = 4", 'dist = ".deb12"', "cannot be combined with dist"),
    ],
)
def test_a_section_that_contradicts_itself_is_one_fault_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, SECTION.replace(old, new))

    assert f"rdo.toml:3: targets.master.platforms {said}" in str(error.value)


def test_a_matrix_does_not_replace_a_target_that_has_its_own_section(tmp_path: Path) -> None:
    own = '[targets.master-deb12]\nrelease = "master"\nplatform = "deb12-x86_64"\n'

    with pytest.raises(ConfigError, match="makes master-deb12, which is there already"):
        loaded(tmp_path, own + SECTION)


def test_a_pattern_names_the_targets_that_match_it(tmp_path: Path) -> None:
    settings = loaded(tmp_path, SECTION).settings

    assert settings.chosen_targets("*-deb13-*") == ["master-deb13-x86_64", "master-deb13-aarch64"]
    assert settings.only_target("*-deb12") == "master-deb12"
    with pytest.raises(NotFoundError, match=r"no target matches \*-el9"):
        settings.chosen_targets("*-el9")
    with pytest.raises(ConfigError, match="several targets"):
        settings.only_target("master-*")
