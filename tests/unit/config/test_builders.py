"""The sections [builders.NAME], and how targets and packages refer to them."""

from pathlib import Path

import pytest

from rdo.config import Configuration, load
from rdo.config.builders import WITHOUT_SECTION
from rdo.errors import ConfigError, NotFoundError
from rdo.model.build import BuilderKind

TARGET = """\
[targets.t]
release = "master"
platform = "deb12-x86_64"
"""
KINDS = " or ".join(f"'{kind}'" for kind in BuilderKind)
FARM = """\
[builders.farm]
kind = "command"
command = ["/srv/farm"]
"""


def loaded(folder: Path, text: str) -> Configuration:
    (folder / "rdo.toml").write_text(text)
    return load(folder / "rdo.toml", {})


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    lines = str(caught.value).replace(f"{folder}/", "").splitlines()
    return lines if len(lines) == 1 else lines[1:]


@pytest.mark.parametrize("kind", WITHOUT_SECTION)
def test_some_kinds_need_no_section(tmp_path: Path, kind: BuilderKind) -> None:
    settings = loaded(tmp_path, f'{TARGET}builder = "{kind}"').settings

    assert settings.builder(settings.target("t").builder).kind is kind


def test_a_target_and_a_package_name_builders(tmp_path: Path) -> None:
    text = f"""\
{FARM}{TARGET}builder = "farm"
[targets.t.package-builders.python-a]
builder = "root"
reason = "it needs the loop devices of this machine"
"""
    settings = loaded(tmp_path, text).settings

    assert settings.builder("farm").kind is BuilderKind.COMMAND
    assert settings.builders_of("t") == ["farm", "root"]


def test_a_platform_has_a_default_builder_which_a_target_may_replace(tmp_path: Path) -> None:
    farm = f'{FARM}default-for = ["deb*"]\n'
    other = '[targets.u]\nrelease = "master"\nplatform = "deb12-x86_64"\nbuilder = "root"\n'
    configuration = loaded(tmp_path, f"{farm}{TARGET}{other}")
    told = {one.key: str(one.origin).rpartition("/")[2] for one in configuration.effective()}

    assert configuration.settings.target("t").builder == "farm"
    assert configuration.settings.target("u").builder == "root"
    assert told["targets.t.builder"] == "rdo.toml:4"


def test_a_platform_has_one_default_builder(tmp_path: Path) -> None:
    farms = "".join(f'[builders.{one}]\nkind = "root"\ndefault-for = ["deb12-*"]\n' for one in "ab")

    assert faults(tmp_path, farms + TARGET) == [
        "rdo.toml:9: several builders are the default for deb12-x86_64: a, b"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'{FARM}{TARGET}builder = "fram"',
            'rdo.toml:7: targets.t.builder: there is no builder fram; did you mean "farm"?',
        ),
        (
            f'{TARGET}builder = "zzz"',
            "rdo.toml:4: targets.t.builder: there is no builder zzz; there are root, command, mock",
        ),
        (
            f'{TARGET}[targets.t.package-builders.a]\nbuilder = "rooot"\nreason = "why"',
            (
                "rdo.toml:5: targets.t.package-builders.a.builder: there is no builder rooot;"
                ' did you mean "root"?'
            ),
        ),
        (
            f'{TARGET}[targets.t.package-builders.a]\nbuilder = "root"',
            'rdo.toml:4: [targets.t.package-builders.a] lacks "reason"',
        ),
        (
            "[builders.farm]\nworkers = 3",
            f'rdo.toml:1: [builders.farm] lacks "kind": {KINDS}',
        ),
        (
            '[builders.farm]\nkind = "root"\ncommand = ["x"]',
            'rdo.toml:3: builders.farm.command is not a key of kind = "root"',
        ),
        (
            '[builders.mock]\nmock-config = "x"\nbootstrap-image = "y"',
            (
                "rdo.toml:3: builders.mock.bootstrap-image is of no use beside mock-config, which"
                " names a configuration with its own image"
            ),
        ),
        (
            '[builders.root]\nkind = "command"\ncommand = ["x"]',
            (
                'rdo.toml:2: builders.root.kind = "command": the builder is called root, which is'
                " another kind; choose another name"
            ),
        ),
        ('[builders.k]\nkind = "koji"', 'rdo.toml:1: [builders.k] lacks "server"'),
        (
            f'{TARGET}builder = "koji"',
            "rdo.toml:4: targets.t.builder: the builder koji needs a section [builders.koji]",
        ),
        (
            f"{TARGET}detached = true",
            'rdo.toml:4: targets.t.detached needs builder = "command"',
        ),
    ],
)
def test_a_fault_has_its_line_and_its_remedy(tmp_path: Path, text: str, said: str) -> None:
    assert faults(tmp_path, text) == [said]


def test_the_command_of_a_target_can_be_detached(tmp_path: Path) -> None:
    text = f'{TARGET}detached = true\nbuilder = "command"'

    assert loaded(tmp_path, text).settings.target("t").detached


def test_an_unknown_builder_is_not_found(tmp_path: Path) -> None:
    settings = loaded(tmp_path, TARGET).settings

    with pytest.raises(NotFoundError, match='no builder rot; did you mean "root"'):
        settings.builder("rot")
