import re
from pathlib import Path

import pytest

from rdo import metadata
from rdo.errors import NotFoundError
from rdo.metadata import DistRepo, MetadataError, ReleasePackages
from rdo.model.package import Package

from .conftest import DATA, MINIMAL, Folder


def packages(found: ReleasePackages) -> dict[str, Package]:
    return {package.project: package for package in found.packages}


def faults(folder: Folder, release: str = "oak") -> list[str]:
    with pytest.raises(MetadataError) as caught:
        metadata.load(folder.path, "main.yml").target(release)
    return [str(fault) for fault in caught.value.faults]


def test_a_release_has_the_packages_that_carry_its_tag() -> None:
    distribution = metadata.load(DATA, "all.yml")

    assert list(packages(distribution.target("oak"))) == [
        "alpha",
        "gamma",
        "delta",
        "unfinished",
        "epsilon",
    ]
    assert list(packages(distribution.target("oak-uc"))) == ["alpha", "beta", "delta"]
    assert list(packages(distribution.target("maple"))) == ["alpha", "beta"]
    assert distribution.target("elm").packages == ()


def test_a_package_is_resolved_with_its_config_and_the_releases_branches() -> None:
    found = packages(metadata.load(DATA, "all.yml").target("maple", "el9s"))["alpha"]

    assert found == Package(
        name="openstack-alpha",
        project="alpha",
        upstreams=("https://git.example.test/openstack/alpha",),
        distgit="https://distgit.example.test/alpha-distgit.git",
        upstream_branch="1.2.3",
        distgit_branch="maple-rdo",
        component="common",
        maintainers=("first@example.test", "second@example.test"),
        tags=frozenset({"maple", "oak", "oak-uc"}),
    )


def test_overrides_of_the_tag_count() -> None:
    distribution = metadata.load(DATA, "all.yml")

    alpha = packages(distribution.target("oak-uc"))["alpha"]
    assert (alpha.upstream_branch, alpha.component) == ("3.0.0", "network")
    delta = packages(distribution.target("oak"))["delta"]
    assert (delta.upstream_branch, delta.distgit_branch) == ("master", "oak-rdo")
    assert delta.distgit_path == "openstack/delta"
    assert delta.builds_tags_only
    unfinished = packages(distribution.target("oak"))["unfinished"]
    assert unfinished.is_under_review
    assert unfinished.component == "network"


def test_the_base_os_may_have_a_branch_of_its_own() -> None:
    distribution = metadata.load(DATA, "all.yml")

    on_el9s = distribution.target("oak", "el9s")
    assert packages(on_el9s)["alpha"].distgit_branch == "rpm-el9s"
    on_el10s = distribution.target("oak", "el10s")
    assert packages(on_el10s)["alpha"].distgit_branch == "rpm-master"
    assert on_el10s.repo is not None
    assert on_el10s.repo.buildsys_tags == ("oak-el10s-build", "oak-el10s-testing")
    assert on_el10s.repo.distrepos == (
        DistRepo("oak el10s", "http://mirror.example.test/oak/"),
        DistRepo("CRB", None),
    )


@pytest.mark.parametrize(
    ("release", "base_os", "said"),
    [
        ("aok", "", 'the metadata has no release aok; did you mean "oak"?'),
        ("oak", "el1os", 'release oak has no base OS el1os; did you mean "el10s"?'),
        ("oak", "x", "release oak has no base OS x; it has el10s, el9s"),
    ],
)
def test_an_unknown_release_or_base_os_is_not_found(release: str, base_os: str, said: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        metadata.load(DATA, "all.yml").target(release, base_os)
    assert str(caught.value) == said


def test_pypi_releases_may_be_an_upstream(folder: Folder) -> None:
    folder.write(
        main=MINIMAL + "packages:\n- project: a\n  upstream: pypi:Oslo.Utils\n"
        '  tags: {oak: {source-branch: ">=10,<11"}}\n'
        "- project: b\n  upstream: [https://x.test/b, https://y.test/b]\n  tags: {oak: ~}\n"
    )

    found = packages(metadata.load(folder.path, "main.yml").target("oak"))

    assert found["a"].upstreams == ("pypi:Oslo.Utils",)
    assert found["a"].upstream_branch == ">=10,<11"
    assert found["b"].upstreams == ("https://x.test/b", "https://y.test/b")


PACKAGE = "packages:\n- project: a\n  tags: {oak: ~}\n"
LINE = len(MINIMAL.splitlines()) + 4  # of what is written after PACKAGE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "  upstraem: x",
            f'main.yml:{LINE}: package a: unknown key "upstraem"; did you mean "upst',
        ),
        ("  conf: core", f'main.yml:{LINE}: package a: package config "core" is not declared'),
        ("  component: x", f'main.yml:{LINE}: package a: component "x" is not declared'),
        ("  name: a/b", f"main.yml:{LINE}: package a: the name 'a/b' must be letters"),
        ("  name: ..", f"main.yml:{LINE}: package a: the name '..' must be letters"),
        ("  name: ''", f'main.yml:{LINE - 2}: package a lacks "name"'),
        (
            "  name: '%(none)s'",
            f"main.yml:{LINE}: package a: name '%(none)s' uses none, which the package",
        ),
        (
            "  name: '%(project)999999d'",
            f"main.yml:{LINE}: package a: name '%(project)999999d': write",
        ),
        ("  maintainers: []", f'main.yml:{LINE}: package a lacks "maintainers"'),
        ("  maintainers: a@b", f"main.yml:{LINE}: package a: maintainers must be a list"),
        ("  maintainers: [ab]", f"main.yml:{LINE}: package a: maintainer 'ab' is not an address"),
        ("  upstream: ext::sh", f"main.yml:{LINE}: package a: upstream: not a git URL: 'ext::sh'"),
        ("  distgit: --x", f"main.yml:{LINE}: package a: distgit: not a git URL: '--x'"),
        (
            "  upstream: pypi:-x",
            f"main.yml:{LINE}: package a: upstream: '-x' is not the name of a PyPI",
        ),
        ("  upstream: ~", f'main.yml:{LINE}: package a lacks "upstream"'),
        ("  source-branch: 2.10", f"main.yml:{LINE}: package a: source-branch 2.1 must be a text"),
        (
            "  source-branch: --x",
            f"main.yml:{LINE}: package a: source-branch '--x' is not a branch name",
        ),
        (
            "  distro-branch: a b",
            f"main.yml:{LINE}: package a: distro-branch 'a b' is not a branch name",
        ),
        (  # a range of versions is for releases alone
            '  upstream: ["pypi:a", "https://x.test/a"]\n  source-branch: "~=1.0"',
            f"main.yml:{LINE + 1}: package a: source-branch '~=1.0' is not a branch name",
        ),
        ("  distgit-path: a/../..", f"main.yml:{LINE}: package a: distgit-path leads out of"),
        ("- project: a", f"main.yml:{LINE}: project a is listed twice"),
        (
            "- project: b\n  name: python-a\n  tags: {oak: }",
            f"main.yml:{LINE}: package b has the same name python-a as project a",
        ),
        ("- project: b\n  tags: {oka: }", f'main.yml:{LINE + 1}: package b: tag "oka" is not decl'),
        ("- project: b\n  tgas: {oak: }", f'main.yml:{LINE + 1}: package b: unknown key "tgas"'),
        ("- project: b\n  tags: [oak]", f"main.yml:{LINE + 1}: package b: tags must be a mapping"),
        ("- project: b\n  conf: x", f'main.yml:{LINE + 1}: package b: package config "x" is not'),
        ("pacakges: []", f'main.yml:{LINE}: the file: unknown key "pacakges"; did you mean "pack'),
    ],
)
def test_a_fault_in_a_package_is_reported_with_its_line(
    folder: Folder, text: str, said: str
) -> None:
    folder.write(main=f"{MINIMAL}{PACKAGE}{text}\n")

    assert faults(folder)[0].startswith(said)


def test_a_fault_in_an_override_is_reported_with_its_line(folder: Folder) -> None:
    folder.write(
        main=f"{MINIMAL}packages:\n- project: a\nimport: [tags.yml]",
        tags="packages:\n- project: a\n  tags:\n    oak:\n      source_branch: x\n",
    )

    assert faults(folder) == [
        'tags.yml:5: package a: unknown key "source_branch"; did you mean "source-branch"?'
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("statsu: x", 'main.yml:3: release elm: unknown key "statsu"; did you mean "status"?'),
        ("branch: -x", "main.yml:3: release elm: branch '-x' is not a branch name"),
        (
            "upstream_branch: 1.10",
            "main.yml:3: release elm: upstream_branch 1.1 is not a branch name",
        ),
        ("branch: ~", "main.yml:4: neither release elm nor its repo el9s has a branch"),
        ("repos: x", 'main.yml:3: release elm needs a list "repos"'),
        ("repos: [{branch: x}]", 'main.yml:3: a repo of release elm lacks "name"'),
    ],
)
def test_a_fault_in_a_release_is_reported_with_its_line(
    folder: Folder, text: str, said: str
) -> None:
    repos = "" if "repos" in text else "  repos: [{name: el9s}]\n"
    folder.write(main=f"releases:\n- name: elm\n  {text}\n{repos}packages: []\n")

    assert said in faults(folder, "elm")


def test_a_fault_elsewhere_does_not_stop_a_target(folder: Folder) -> None:
    folder.write(
        main=f"{MINIMAL}{PACKAGE}"
        "- project: b\n  upstraem: x\n  name: a/b\n  tags: {elm: ~}\n"
        "- project: c\n  name: python-a\n  tags: {dependency: ~}\n"
    )

    assert list(packages(metadata.load(folder.path, "main.yml").target("oak"))) == ["a"]


@pytest.mark.parametrize(
    "wrong",
    [
        *("upstream: ~", "distgit: 5", "maintainers: x", "upstraem: x", "skip-tests: true"),
        *("source-branch: -x", "distgit-path: ../x", 'upstream: "%(nosuch)s"', "component: x"),
        "tpyes: ~",
    ],
)
def test_a_fault_of_a_package_is_that_packages_alone(folder: Folder, wrong: str) -> None:
    folder.write(main=f"{MINIMAL}{PACKAGE}- project: b\n  {wrong}\n  tags: {{oak: }}\n")

    found = packages(metadata.load(folder.path, "main.yml").target("oak"))

    assert list(found) == ["a", "b"]
    assert found["a"].fault == ""
    assert (found["b"].name, set(found["b"].tags)) == ("python-b", {"oak"})
    assert found["b"].fault.startswith(f"main.yml:{LINE}: package b") or (
        found["b"].fault.startswith(f"main.yml:{LINE + 1}: package b")
    )


def test_a_cached_package_with_a_fault_has_its_line_too(folder: Folder, tmp_path: Path) -> None:
    folder.write(main=f"{MINIMAL}{PACKAGE}- project: b\n  upstream: ~\n  tags: {{oak: }}\n")

    found = [
        packages(metadata.load(folder.path, "main.yml", cache=tmp_path / "cache").target("oak"))
        for _ in range(2)
    ]

    assert found[0] == found[1]
    assert found[1]["b"].fault == f'main.yml:{LINE + 1}: package b lacks "upstream"'


def test_a_key_that_is_near_to_none_is_somebodys_own(folder: Folder) -> None:
    folder.write(main=f"{MINIMAL}{PACKAGE}  zuul: x\n")

    assert list(packages(metadata.load(folder.path, "main.yml").target("oak"))) == ["a"]


def test_all_faults_of_a_target_are_reported_at_once(folder: Folder) -> None:
    folder.write(main=f"{MINIMAL}{PACKAGE}  name: a/b\n  upstream: ~\n  component: x\n")

    assert len(faults(folder)) == 3


def test_a_target_may_have_branches_of_its_own() -> None:
    distribution = metadata.load(DATA, "all.yml")

    found = packages(distribution.target("oak", upstream_branch="next", distgit_branch="rpm-next"))

    assert (found["alpha"].upstream_branch, found["alpha"].distgit_branch) == ("next", "rpm-next")
    assert found["delta"].distgit_branch == "oak-rdo"


@pytest.mark.parametrize(
    ("written", "branch"),
    [
        ("development", "master"),
        ("eol", "stable/oak"),
        ("eol\n  upstream_branch: unmaintained/oak", "unmaintained/oak"),
    ],
)
def test_a_release_without_an_upstream_branch_has_that_of_its_status(
    folder: Folder, written: str, branch: str
) -> None:
    text = MINIMAL.replace("  upstream_branch: master\n", "").replace("development", written)
    folder.write(main=f"{text}packages:\n- project: a\n  tags: {{oak: }}\n")

    (package,) = metadata.load(folder.path, "main.yml").target("oak").packages

    assert package.upstream_branch == branch


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("  status: developement\n  repos: []\n", "developement is not one of"),
        ("  repos: []\n", "main.yml:2: release oak has no status; it is one of development, mai"),
        ("  status:\n  repos: []\n", "main.yml:3: release oak has no status; it is one of"),
        (
            "  status: maintained\n  repos: [{name: el9}, {name: el9}]\n",
            "has the base OS el9 twice",
        ),
        ("  repos: [{name: el9, distrepos: [x]}]\n", "a distrepo must be a mapping with a name"),
    ],
)
def test_a_fault_of_the_release_stops_its_targets_and_no_others(
    folder: Folder, release: str, said: str
) -> None:
    elm = "- name: elm\n  status: eol\n  repos: []\n"
    text = "releases:\n- name: oak\n" + release + elm + "packages: []\n"
    folder.write(main=text)

    assert re.search(said, "\n".join(faults(folder)))
    assert metadata.load(folder.path, "main.yml").target("elm").packages == ()
