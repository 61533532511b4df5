from pathlib import Path

import pytest

from rdo import metadata
from rdo.errors import ConfigError
from rdo.metadata import MetadataError

from .conftest import MINIMAL, Folder


def faults(folder: Folder, file: str = "main.yml") -> list[str]:
    with pytest.raises(MetadataError) as caught:
        metadata.load(folder.path, file)
    return [str(fault) for fault in caught.value.faults]


def projects(folder: Folder, file: str = "main.yml") -> list[str]:
    return [package["project"] for package in metadata.load(folder.path, file).dump()["packages"]]


def test_imports_are_read_depth_first_and_a_file_may_come_in_twice(folder: Folder) -> None:
    folder.write(
        main=f"{MINIMAL}import: [one.yml, tags__two.yml, one.yml]\npackages: [{{project: a}}]",
        one="import: [three.yml]\npackages: [{project: b}]",
        three="packages: [{project: c}]",
    )
    (folder.path / "tags__two.yml").write_text("packages: [{project: d}, {project: b}]")

    assert projects(folder) == ["a", "b", "c", "d"]


def test_a_cycle_of_imports_is_shown(folder: Folder) -> None:
    folder.write(main="import: [one.yml]", one="import:\n- two.yml", two="a: 1\nimport: [one.yml]")

    assert faults(folder) == ["two.yml:2: a file imports itself: one.yml > two.yml > one.yml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "import:\n- tags.yml\n- tag.yml",
            'main.yml:3: there is no file tag.yml; did you mean "tags',
        ),
        ("import: [../main.yml]", "main.yml:1: ../main.yml leads out of the metadata's folder"),
        ("import: [/etc/hostname]", "main.yml:1: /etc/hostname leads out of the metadata's folder"),
        ("import: [1]", "main.yml:1: an import must be a file or {remote: file}"),
        ("import: tags.yml", 'main.yml:1: "import" must be a list'),
        (
            "remote-info: {shared: {}}\nimport:\n- shard: x.yml",
            'main.yml:3: "shard" is not declared',
        ),
        ("packages: {a: b}", 'main.yml:1: "packages" must be a list'),
        ("packages:\n- a", "main.yml:2: a package must be a mapping"),
        ("packages:\n- name: a", 'main.yml:2: a package needs the text "project"'),
        ("releases:\n- repos: []", 'main.yml:2: a release needs the text "name"'),
        ("components: [a]", "main.yml:1: a component must be a mapping"),
        ("package-configs:\n  a: b", 'main.yml:2: package config "a" must be a mapping'),
        ("package-default: []", 'main.yml:1: "package-default" must be a mapping'),
    ],
)
def test_what_cannot_be_read_is_reported_with_its_line(
    folder: Folder, text: str, said: str
) -> None:
    folder.write(main=text, tags="packages: []")

    assert faults(folder)[0].startswith(said)


def test_a_link_to_itself_is_reported_with_its_line(folder: Folder) -> None:
    folder.write(main="import: [loop.yml]")
    (folder.path / "loop.yml").symlink_to("loop.yml")

    assert faults(folder)[0].startswith("main.yml:1: there is no file loop.yml")


def test_a_link_that_leads_out_is_refused(folder: Folder) -> None:
    folder.write(main="import: [out.yml]")
    (folder.path / "out.yml").symlink_to("/etc/hostname")

    assert faults(folder) == ["main.yml:1: out.yml leads out of the metadata's folder"]


def test_the_faults_of_all_files_are_reported_at_once(folder: Folder) -> None:
    folder.write(
        main="import: [one.yml, two.yml, none.yml]\npackages: 1", one="a: [", two="x: !!a b"
    )

    assert [fault.split(": ")[0] for fault in faults(folder)] == [
        "main.yml:2",
        "one.yml:1",
        "two.yml:1",
        "main.yml:1",
    ]


def test_a_missing_main_file_names_the_nearest(folder: Folder) -> None:
    folder.write(rdo="packages: []")

    assert faults(folder, "rod.yml") == [
        'rod.yml: there is no file rod.yml; did you mean "rdo.yml"?'
    ]


def test_files_are_named_from_the_current_folder(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(main="packages: 1")
    monkeypatch.chdir(folder.path.parent)

    assert faults(folder) == ['info/main.yml:1: "packages" must be a list']


def test_a_remote_folder_has_its_own_imports(folder: Folder) -> None:
    folder.write(
        main=f"{MINIMAL}remote-info: {{shared: {{local_info: sub}}}}\nimport: [{{shared: x.yml}}]",
        sub__x="import: [y.yml]\npackages: [{project: a}]",
        sub__y="packages: [{project: b}]",
    )

    assert projects(folder) == ["a", "b"]


@pytest.mark.parametrize("place", ["..", "/etc"])
def test_a_remote_folder_must_be_inside(folder: Folder, place: str) -> None:
    folder.write(main=f"remote-info: {{r: {{local_info: {place}}}}}\nimport: [{{r: x.yml}}]")

    with pytest.raises(ConfigError, match="leads out"):
        metadata.load(folder.path, "main.yml")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        metadata.load(tmp_path / "none")
