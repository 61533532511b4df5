import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from rdo.cli import main

DATA = Path(__file__).parents[2] / "data/info"
ASKED = ("--info", str(DATA), "--file", "all.yml")

Ask = Callable[..., str]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Run `rdo info …` and return what it printed; it must end with `code`."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, code: int = 0) -> str:
        assert main.run(["info", *args]) == code
        said = capsys.readouterr()
        return said.out or said.err

    return run


def test_the_summary_needs_no_verb(ask: Ask) -> None:
    assert ask(*ASKED).startswith("3 releases, 8 packages, 3 components\n")
    assert json.loads(ask(*ASKED, "--json"))["kinds"]["lib"] == 3


@pytest.mark.parametrize("order", ["before", "after"])
def test_filters_need_no_verb_and_options_may_stand_anywhere(ask: Ask, order: str) -> None:
    filters = ("tags:maple", "component:~network", "--names")

    args = (*ASKED, *filters) if order == "before" else (*filters, *ASKED)

    assert ask(*args) == "openstack-alpha\npython-beta\n"


def test_options_may_stand_before_a_verb(ask: Ask) -> None:
    before = ask("--json", *ASKED, "package", "--apply-tag", "oak-uc", "alpha")

    assert before == ask("package", "alpha", "-t", "oak-uc", "--json", *ASKED)
    assert ask(*ASKED, "-t", "oak-uc", "--names", "component:network").split() == [
        "openstack-alpha",
        "gamma-lib",
    ]
    usage = ask("--help", "package").splitlines()[0]
    assert ("rdo info" in usage, "rdo info package" in usage) == (True, False)


def test_a_word_alone_is_a_filter_of_names_unless_it_is_nearly_a_verb(ask: Ask) -> None:
    assert ask("gamma", "conf:lib", "--names", *ASKED) == "gamma-lib\n"
    assert ask("nothing-like-it", *ASKED) == "no package matches\n"
    assert 'did you mean "verify"?' in ask("verfy", *ASKED, code=2)


def test_an_attribute_that_no_package_has_is_reported(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    ask("tagz:maple", *ASKED)
    assert 'no package has an attribute tagz; did you mean "tags"?' in caplog.text

    people = json.loads(ask("maintainers", "--json", *ASKED))
    address = people[0]["address"]
    said = ask("maintainers", address.partition("@")[0], *ASKED, code=4)
    assert f'did you mean "{address}"?' in said


def test_errors_stand_above_warnings(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "rdo.yml").write_text(
        "package-configs: {idle: {}}\nreleases: [{name: oak, branch: b, repos: [], status: odd}]\n"
        "packages: [{project: a, name: a, maintainers: [a@b.test], tags: {oak: }}]\n"
    )

    said = ask("verify", "--info", str(tmp_path), code=2)

    found = [line.split()[:2] for line in said.splitlines()[1:]]
    assert found[0] == ["error", "rdo.yml:2"]
    assert found[-1] == ["warning", "rdo.yml:1"]


@pytest.mark.parametrize(
    "question", [["package", "a"], ["findpkg", "a"], ["name:a"], ["maintainers"], ["components"]]
)
def test_no_question_is_answered_from_metadata_that_distroinfo_refuses(
    ask: Ask, tmp_path: Path, question: list[str]
) -> None:
    good = "{project: a, name: a, maintainers: [a@example.test]}"
    write(tmp_path, f"packages:\n- {good}\n- {good}\n- {{project: b, name: '%(x)s'}}")

    said = ask(*question, "--info", str(tmp_path), code=2)

    assert said.splitlines() == [
        "rdo: error: 2 faults",
        "rdo.yml:4: project a is listed twice",
        "rdo.yml:5: package b: name '%(x)s' uses x, which the package does not have",
    ]


def test_a_filter_applies_to_the_overrides_of_a_tag(ask: Ask) -> None:
    args = ("component:network", "--names", *ASKED)

    assert ask(*args) == "gamma-lib\n"
    assert ask(*args, "--apply-tag", "oak-uc") == "openstack-alpha\ngamma-lib\n"


def test_packages_are_shown_as_table_json_and_yaml(ask: Ask) -> None:
    table = ask("name:alpha", *ASKED)
    as_json = json.loads(ask("name:alpha", "--json", *ASKED))
    as_yaml = yaml.safe_load(ask("name:alpha", "--yaml", *ASKED))

    assert table.splitlines()[1].split() == [
        "openstack-alpha",
        "alpha",
        "common",
        "maple,",
        "oak,",
        "oak-uc",
    ]
    assert as_json == as_yaml
    assert as_json[0]["tags"] == {"maple": {"source-branch": "1.2.3"}, "oak": None} | {
        "oak-uc": {"source-branch": "3.0.0", "component": "network"}
    }


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ([], "oak maple elm"),
        (["releases"], "oak maple elm"),
        (["release", "-R", "el9s"], "oak maple"),
        (["components"], "common network storage"),
        (["maintainers", "fourth@example.test"], "gamma-lib"),
        (["maintainers", "--gone", "nobody@example.test"], ""),
        (["distrepos", "oak"], "oak el10s\nCRB"),
        (["findpkg", "alpha"], "openstack-alpha"),
    ],
)
def test_every_question_is_answered_in_yaml_and_by_names_too(
    ask: Ask, question: list[str], names: str
) -> None:
    as_yaml = yaml.safe_load(ask(*question, "--yaml", *ASKED))

    assert as_yaml == json.loads(ask(*question, "--json", *ASKED))
    assert ask(*question, "--names", *ASKED).replace("\n", " ").strip() == names.replace("\n", " ")


def test_one_package_is_shown_whole(ask: Ask) -> None:
    shown = yaml.safe_load(ask("package", "alpha", *ASKED))

    assert shown == json.loads(ask("package", "openstack-alpha", "--json", *ASKED))
    assert shown["upstream"] == "https://git.example.test/openstack/alpha"


def test_an_unknown_package_is_not_found(ask: Ask) -> None:
    assert 'did you mean "alpha"?' in ask("package", "alhpa", *ASKED, code=4)


def test_findpkg_guesses_unless_it_is_strict(ask: Ask) -> None:
    assert ask("findpkg", "git@x:openstack/beta", "--names", *ASKED) == "python-beta\n"
    assert "no package matches" in ask("findpkg", "bet", "--strict", *ASKED, code=4)


def test_releases_map_base_os_to_branches(ask: Ask) -> None:
    rows = [line.split() for line in ask("releases", *ASKED).splitlines()[1:]]
    assert rows[1] == [
        "oak",
        "2026.1",
        "development",
        "el9s",
        "rpm-el9s",
        "master",
        "cbs/oak-el9s",
    ]
    eol = json.loads(ask("releases", "--status", "eol", "--json", *ASKED))
    assert [release["name"] for release in eol] == ["elm"]


def test_a_release_is_printed_as_rdopkg_does(ask: Ask) -> None:
    assert ask("release", "-r", "elm", *ASKED).splitlines() == [
        "name: elm",
        "status: eol",
        "branch: rpm-master",
        "upstream_branch: stable/elm",
        "source_branch: stable/elm",
        "repos: el7",
    ]
    assert ask("release", "-s", "maintained", *ASKED) == "maple\n"
    on_el9s = json.loads(ask("release", "-R", "el9s", "--json", *ASKED))
    assert [(x["name"], x["source_branch"]) for x in on_el9s] == [
        ("oak", "stable/2026.1"),
        ("maple", "stable/2025.2"),
    ]
    assert ask("release", "-s", "maintaind", *ASKED) == "no release matches\n"
    assert 'did you mean "maple"?' in ask("release", "-r", "mapel", *ASKED, code=4)
    ask("release", "-r", "oak", "-R", "el9s", *ASKED, code=2)


def test_components_are_counted_per_release(ask: Ask) -> None:
    assert json.loads(ask("components", "--json", *ASKED)) == {
        "common": 3,
        "network": 1,
        "storage": 1,
    }
    assert json.loads(ask("components", "--release", "oak-uc", "--json", *ASKED))["network"] == 1


def test_maintainers_and_what_they_leave_behind(ask: Ask) -> None:
    assert ask("maintainers", *ASKED).splitlines()[1].split() == ["first@example.test", "5"]
    assert ask("maintainers", "fourth@example.test", *ASKED) == "gamma-lib\n"
    assert "no package has the maintainer x@" in ask(
        "maintainers", "x@example.test", *ASKED, code=4
    )
    assert ask("maintainers", "--gone", "fourth@example.test", *ASKED) == "gamma-lib\n"


def test_distrepos_have_distroinfos_shape(ask: Ask) -> None:
    answer = json.loads(ask("distrepos", "oak/el10s", "--json", *ASKED))

    assert answer == json.loads(ask("distrepos", "oak", "el10s", "--json", *ASKED))
    assert answer == [
        [
            "oak",
            "el10s",
            [{"name": "oak el10s", "url": "http://mirror.example.test/oak/"}, {"name": "CRB"}],
        ]
    ]


def test_why_names_rule_file_and_line(ask: Ask) -> None:
    reasons = json.loads(ask("why", "alpha", "--apply-tag", "oak-uc", "--json", *ASKED))

    told = {
        reason["key"]: (reason["value"], reason["layer"], reason["where"]) for reason in reasons
    }
    assert told["name"] == (
        "openstack-alpha",
        "package-configs.core",
        f"{DATA}/main.yml:53",
    )
    assert told["distgit"][1:] == ("package-default", f"{DATA}/main.yml:45")
    assert told["source-branch"] == ("3.0.0", "tags.oak-uc", f"{DATA}/tags/oak.yml:6")
    assert told["tags.maple"][1:] == ("package", f"{DATA}/all.yml:14")
    assert told["maintainers[1]"][2] == f"{DATA}/main.yml:60"


def test_dump_has_two_shapes(ask: Ask) -> None:
    as_lists = json.loads(ask("dump", *ASKED, "--json"))
    as_dicts = json.loads(ask("dump", "--as", "dicts", *ASKED))

    assert {package["project"]: package for package in as_lists["packages"]} == as_dicts["packages"]
    assert list(as_dicts["releases"]) == ["oak", "maple", "elm"]


def write(folder: Path, text: str) -> None:
    (folder / "rdo.yml").write_text(f"releases: [{{name: oak, branch: b, repos: []}}]\n{text}\n")


def test_verify_ends_with_2_for_an_error_and_0_for_a_warning(ask: Ask, tmp_path: Path) -> None:
    assert "distrepo-url" in ask("verify", *ASKED)
    assert "distrepo-url" in ask("verify", "--strict", *ASKED, code=2)

    write(tmp_path, "packages: [{project: a}]")
    found = json.loads(ask("verify", "--json", "--info", str(tmp_path), code=2))
    assert {fault["rule"] for fault in found} == {"required", "status", "unused"}


def test_verify_tells_what_cannot_be_read_like_any_fault(ask: Ask, tmp_path: Path) -> None:
    write(tmp_path, "packages: [")

    said = ask("verify", "--format", "github", "--info", str(tmp_path), code=2)

    assert said.startswith("::error file=rdo.yml,line=2,title=syntax::")


def test_verify_starts_clean_from_a_baseline(ask: Ask, tmp_path: Path) -> None:
    write(tmp_path, "packages: [{project: a}]")
    file = str(tmp_path / "known")
    ask("verify", "--info", str(tmp_path), "--write-baseline", file)

    assert ask("verify", "--info", str(tmp_path), "--baseline", file) == "no faults found\n"
    write(tmp_path, "\npackages: [{project: a}, {project: b, name: b}]")
    said = ask("verify", "--info", str(tmp_path), "--baseline", file, code=2)
    assert said.splitlines()[1].split()[:3] == ["error", "rdo.yml:3", "required"]


def test_verify_writes_sarif(ask: Ask) -> None:
    assert json.loads(ask("verify", "--format", "sarif", *ASKED))["version"] == "2.1.0"


def test_the_metadata_of_rdo_toml_is_asked_by_default(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rdo.toml").write_text(f"[metadata]\nsource = '{DATA}'\nfile = 'main.yml'\n")

    assert main.run(["-C", str(tmp_path), "info", "releases", "--json"]) == 0

    names = [release["name"] for release in json.loads(capsys.readouterr().out)]
    assert names == ["oak", "maple", "elm"]
