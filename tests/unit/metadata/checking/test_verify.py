import json
from pathlib import Path

import pytest

from rdo import metadata
from rdo.errors import CommandError
from rdo.metadata import Fault, Level, Where
from rdo.metadata.checking import reports
from rdo.metadata.checking.online import unreachable
from rdo.metadata.checking.reports import together
from rdo.metadata.checking.verify import verify
from tests.unit.metadata.conftest import DATA, MINIMAL, Folder

CLEAN = """\
releases:
- name: oak
  status: development
  branch: rpm-master
  upstream_branch: master
  repos:
  - name: el10s
    buildsys-tags: [oak-testing]
    distrepos: [{name: oak, url: "http://mirror.example.test/oak"}]
- name: elm
  status: eol
  branch: elm-rdo
  upstream_branch: stable/elm
  repos: [{name: el9s}]
components:
- name: common
package-default:
  upstream: https://git.example.test/%(project)s
  distgit: https://distgit.example.test/%(project)s
  component: common
  maintainers: [a@example.test]
package-configs:
  lib: {name: "python-%(project)s"}
packages:
- project: a
  conf: lib
  tags: {oak: , elm: {source-branch: 1.0.0}}
  buildsys-tags: {oak-testing: python-a-1.0-1.el10s}
"""


def told(folder: Folder, file: str = "main.yml") -> list[tuple[str, str]]:
    found = verify(metadata.load(folder.path, file))
    return [(str(fault.level), str(fault)) for fault in found]


def test_what_is_clean_has_no_fault(folder: Folder) -> None:
    folder.write(main=CLEAN)

    assert told(folder) == []


@pytest.mark.parametrize(
    ("old", "new", "level", "said"),
    [
        ("conf: lib\n", "conf: lib\n  zuul: x\n", "warning", '27: package a: unknown key "zuul"'),
        (
            "conf: lib\n",
            "conf: lib\n  upsteam: x\n",
            "error",
            '27: package a: unknown key "upsteam"',
        ),
        ("status: eol", "status: old", "error", "11: release elm: the status old is not one of"),
        ("  status: eol\n", "", "error", "10: release elm has no status; it is one of"),
        (
            "status: eol",
            "status: development",
            "error",
            "11: releases oak and elm are both in development",
        ),
        ("[{name: el9s}]", "[{name: x}, {name: x}]", "error", "14: release elm has the base OS x"),
        (
            ', url: "http://mirror.example.test/oak"',
            "",
            "warning",
            "9: release oak on el10s: the re",
        ),
        (
            "http://mirror.example.test",
            "mirror",
            "warning",
            "9: release oak on el10s: 'mirror/oak'",
        ),
        (
            "{name: oak, ",
            "{",
            "error",
            "9: release oak on el10s: a distrepo must be a mapping with a",
        ),
        ("oak, url", "oak, ulr: x, url", "warning", '9: release oak on el10s: unknown key "ulr"'),
        ("- name: common", "- name: common\n- name: common", "warning", "17: component common is"),
        (
            "- name: common",
            "- name: common\n- name: idle",
            "warning",
            "17: component idle has no pa",
        ),
        (
            "  component: common",
            "  component: comon",
            "error",
            '20: package a: component "comon" is',
        ),
        ("elm: {", "elm: {component: x, ", "error", '27: package a: component "x" is not declared'),
        (
            "elm: {",
            "elm: {source_branch: x, ",
            "error",
            '27: package a: unknown key "source_branch"',
        ),
        (
            "elm: {",
            "elm: {oak: , ",
            "warning",
            "27: package a: the tag oak has no effect inside the tag elm",
        ),
        (
            "elm: {",
            "emm: {",
            "error",
            '27: package a: tag "emm" is not declared; did you mean "elm"',
        ),
        ("1.0.0", "master", None, ""),
        (
            "{oak: ,",
            "{oak: {source-branch: stable/elm},",
            "warning",
            "27: package a: source-branch st",
        ),
        (
            "{oak: ,",
            "{oak: {distro-branch: elm-rdo},",
            "warning",
            "27: package a: distro-branch elm-",
        ),
        (
            "[a@example.test]",
            "[a@example.test, A@example.test]",
            "warning",
            "21: package a: the main",
        ),
        (
            "[a@example.test]",
            "[a at example.test]",
            "error",
            "21: package a: maintainer 'a at example.test' is",
        ),
        ("[a@example.test]", "[a@b]", "warning", "21: package a: 'a@b' is not a valid address"),
        (
            "[a@example.test]",
            "[<a@example.test>]",
            "warning",
            "21: package a: '<a@example.test>' is",
        ),
        (
            "oak-testing: p",
            "oak-tasting: p",
            "error",
            "28: package a: buildsys-tag oak-tasting is no",
        ),
        ("python-a-1.0-1.el10s", "~", "error", "28: package a: buildsys-tag oak-testing names no"),
        (
            "python-a-1.0-1.el10s",
            "python-a",
            "error",
            "28: package a: python-a in oak-testing is no",
        ),
        (
            "python-a-1.0",
            "python-b-1.0",
            "warning",
            "28: package a: python-b-1.0-1.el10s in oak-test",
        ),
        (
            "[oak-testing]",
            "[oak-testing, x]",
            "warning",
            "8: buildsys-tag x of release oak has no b",
        ),
        ("{oak: , elm", "{elm", "warning", "2: release oak has no package"),
        (
            "  lib: {",
            "  idle: {}\n  lib: {",
            "warning",
            '23: no package uses the config "idle"',
        ),
        (
            "packages:\n",
            "packages:\n- {project: b, name: python-a}\n",
            "warning",
            "26: package a has",
        ),
        (
            "packages:\n",
            "packages:\n- {project: b, name: python-a, tags: {elm: }}\n",
            "error",
            "26: package a has the same name python-a as project b",
        ),
        (
            "- project: a\n",
            "- project: a\n  project: a\n",
            "warning",
            '26: "project" is written twice',
        ),
        ("components:", "compnents:", "error", '15: the file: unknown key "compnents"'),
    ],
)
def test_each_fault_is_reported_with_level_and_line(
    folder: Folder, old: str, new: str, level: str | None, said: str
) -> None:
    text = CLEAN.replace(old, new, 1)
    assert text != CLEAN
    folder.write(main=text)

    found = told(folder)

    if level is None:
        assert found == []
    else:
        assert [kind for kind, fault in found if fault.startswith(f"main.yml:{said}")] == [level]


def test_the_corpus_has_only_these_faults() -> None:
    found = verify(metadata.load(DATA, "all.yml"))

    assert [(str(x.level), x.rule, x.message) for x in found] == [
        ("warning", "distrepo-url", 'release oak on el10s: the repository "CRB" has no url'),
        ("warning", "unused", "release elm has no package"),
        *(
            ("warning", "maintainer-twice", f"package beta: the maintainer {who} is listed twice")
            for who in ("second@example.test", "third@example.test")  # tags.yml comes in twice
        ),
    ]


FAULTS = [
    Fault(Level.ERROR, "key", Where("tags/a.yml", 3), 'package x: unknown key "y", 100%'),
    Fault(Level.WARNING, "unused", Where("a.yml"), "no, none"),
]


def test_github_reads_annotations() -> None:
    assert reports.github(FAULTS) == (
        '::error file=tags/a.yml,line=3,title=key::package x: unknown key "y", 100%25\n'
        "::warning file=a.yml,line=1,title=unused::no, none"
    )


def test_sarif_has_rules_places_and_levels() -> None:
    log = json.loads(json.dumps(reports.sarif(FAULTS)))

    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == ["key", "unused"]
    first = log["runs"][0]["results"][0]
    assert (first["ruleId"], first["level"]) == ("key", "error")
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "tags/a.yml"}, "region": {"startLine": 3}}


def test_a_baseline_hides_what_was_there_even_on_another_line() -> None:
    text = reports.baseline(FAULTS[:1])
    moved = Fault(Level.ERROR, "key", Where("tags/a.yml", 9), FAULTS[0].message)

    assert reports.new_since([moved, FAULTS[1]], text) == [FAULTS[1]]


def test_faults_are_counted_in_words() -> None:
    assert reports.count(FAULTS) == "1 error and 1 warning"
    assert reports.count([FAULTS[1]] * 2) == "2 warnings"
    assert reports.count([]) == ""


def test_remotes_are_asked_once_for_what_living_releases_want(folder: Folder) -> None:
    folder.write(
        main=CLEAN + "- {project: b, conf: lib, tags: {oak: {source-branch: 2.0}, elm: }}\n"
    )
    folder.write(main=(folder.path / "main.yml").read_text().replace("2.0}", '"2.0"}'))
    asked = []

    def ask(url: str) -> dict[str, str]:
        asked.append(url)
        if url.startswith("https://distgit"):
            return {"refs/heads/rpm-master": "1"}
        if url.endswith("/a"):
            raise CommandError("git ls-remote: exit status 128\nfatal: not found")
        return {"refs/heads/master": "1", "refs/tags/1.0": "2"}

    found = unreachable(metadata.load(folder.path, "main.yml"), ask=ask)

    assert sorted(asked) == sorted(set(asked))
    assert [str(fault) for fault in found] == [
        "main.yml:18: package a: https://git.example.test/a cannot be reached: fatal: not found",
        (
            "main.yml:29: package b: https://git.example.test/b has no branch or tag 2.0, "
            "which oak needs"
        ),
    ]


def test_a_branch_that_only_the_release_asks_for_is_reported_where_the_repository_is(
    folder: Folder,
) -> None:
    folder.write(main=f"{MINIMAL}packages:\n- project: a\n  tags: {{oak: }}\n")

    found = unreachable(metadata.load(folder.path, "main.yml"), ask=lambda _: {})

    assert [str(fault).partition(": package a: https://")[::2] for fault in found] == [
        ("main.yml:10", "git.example.test/a has no branch or tag master, which oak needs"),
        (
            "main.yml:11",
            "distgit.example.test/a has no branch or tag rpm-master, which oak needs",
        ),
    ]


def test_each_of_several_upstreams_is_asked(folder: Folder) -> None:
    several = "- project: a\n  upstream:\n  - https://git.example.test/a\n  - https://git.example.test/gone\n"
    folder.write(main=CLEAN.replace("- project: a\n", several))
    there = {"refs/heads/master": "", "refs/heads/rpm-master": ""}

    found = unreachable(
        metadata.load(folder.path, "main.yml"),
        ask=lambda url: {} if url.endswith("gone") else there,
    )

    (fault,) = (str(fault) for fault in found)
    assert fault.startswith("main.yml:28: package a: https://git.example.test/gone has no branch")


@pytest.mark.parametrize("ref", ["refs/heads/unmaintained/elm", "refs/tags/elm-eol"])
def test_a_branch_that_was_retired_the_usual_way_is_there(folder: Folder, ref: str) -> None:
    folder.write(main=CLEAN.replace("{source-branch: 1.0.0}", ""))
    refs = {ref: "1", "refs/heads/elm-rdo": "2"}

    assert unreachable(metadata.load(folder.path, "main.yml"), ["elm"], lambda _: refs) == []


def test_a_fault_of_a_default_is_one_line(folder: Folder) -> None:
    wrong = MINIMAL.replace("%(project)s\n  maintainers", "%(projct)s\n  maintainers")
    packages = "".join(f"- project: {name}\n  tags: {{oak: }}\n" for name in "abc")
    folder.write(main=f"{wrong}packages:\n{packages}- project: d\n  nmae: x\n")

    rows = list(together(verify(metadata.load(folder.path, "main.yml"))))

    told = [message for _, _, rule, message in rows if rule == "substitution"]
    assert len(told) == 1
    assert told[0].endswith("uses projct, which the package does not have (4 packages)")
    assert ('package d: unknown key "nmae"; did you mean "name"?') in [row[3] for row in rows]


def test_a_minimal_set_can_be_verified_from_the_cache(folder: Folder, tmp_path: Path) -> None:
    folder.write(main=MINIMAL + "packages: []")
    for _ in range(2):
        found = verify(metadata.load(folder.path, "main.yml", cache=tmp_path / "cache"))
        assert [str(fault) for fault in found] == ["main.yml:2: release oak has no package"]
