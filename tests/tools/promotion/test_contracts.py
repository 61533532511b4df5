"""The Cloud SIG depends on the Virtualization SIG: breaks are reported before publication."""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rdo.cli.main import run
from rdo.promotion.checking import Subject, Surroundings
from rdo.promotion.compositions import find
from rdo.promotion.contracts.contract_check import (
    ContractAnswer,
    candidate_of_target,
    check_contracts,
)
from rdo.promotion.contracts.contract_file import parse_contract
from tests.publishing import RpmShelf, factory, open_target, package
from tests.rpms import make_package

SONAME = "libvirt.so.0()(64bit)"


@dataclass
class Sigs:
    """The repositories of two SIGs in folders, their contracts beside them.

    `shelf` keeps the RPMs that were made once.
    """

    folder: Path
    shelf: Path

    def publish(self, place: str, *packages: dict[str, Any]) -> Path:
        """A repository of packages, each the headers of one RPM."""
        folder = self.folder / place
        folder.mkdir(exist_ok=True)
        for one in packages:
            kept = self.shelf / hashlib.sha256(repr(one).encode()).hexdigest()[:16]
            [rpm] = kept.glob("*.rpm") if kept.exists() else [make_package(kept, **one)]
            (folder / rpm.name).unlink(missing_ok=True)
            os.link(rpm, folder / rpm.name)
        subprocess.run(["createrepo_c", "--quiet", folder], check=True)
        return folder

    def write(self, name: str, text: str) -> Path:
        file = self.folder / f"{name}.toml"
        file.write_text(f'name = "{name}"\ncontact = "{name}@example.test"\n{text}')
        return file


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture
def sigs(tmp_path: Path, shelf: Path) -> Sigs:
    """Cloud takes libvirt from Virtualization, whose contract promises the soname."""
    made = Sigs(tmp_path, shelf)
    made.publish(
        "cloud",
        {"name": "nova", "requires": ["python3-libvirt"]},
        {"name": "nova-api", "requires": ["nova", "glibc >= 2"]},
        {"name": "python3-libvirt", "requires": [SONAME]},
    )
    made.publish("virt", {"name": "libvirt-libs", "provides": [SONAME]})
    made.write(
        "cloud",
        'repositories = ["cloud"]\npriority = 50\n'
        f'[consumes.virtualization]\nrequires = ["{SONAME}"]\n',
    )
    made.write("virtualization", f'repositories = ["virt"]\npromises = ["{SONAME}"]\n')
    return made


@pytest.fixture
def check(sigs: Sigs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run `rdo promotion contract check` with all contracts; return exit code and answer."""
    monkeypatch.chdir(sigs.folder)

    def call(*args: str) -> tuple[int, Any]:
        capsys.readouterr()
        files = sorted(str(path) for path in sigs.folder.glob("*.toml"))
        code = run(["-q", "promotion", "contract", "check", *files, *args, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else json.loads(said.err)["error"]

    return call


def test_a_dropped_provide_is_reported_before_publication_with_the_chain(
    sigs: Sigs, check: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check()[0] == 0
    sigs.publish("next", {"name": "libvirt-libs", "version": "2"})

    code, answer = check("--candidate", "virtualization=next")

    assert code == 1
    assert [(one["kind"], one["fault"], one["harmed"]) for one in answer["breaches"]] == [
        ("promise", "virtualization", ["cloud"]),
        ("requirement", "virtualization", ["cloud"]),
        ("packages", "virtualization", ["cloud"]),
    ]
    broken = answer["breaches"][-1]
    assert broken["what"] == f"3 packages of cloud cannot be installed: nothing provides {SONAME}"
    assert broken["why"] == (
        f"virtualization promises {SONAME}, and libvirt-libs-1-1.noarch provided it"
    )
    assert broken["chain"] == [
        "cloud: nova-api-1-1.noarch requires nova, but none of its providers can be installed",
        (
            "cloud: nova-1-1.noarch requires python3-libvirt, "
            "but none of its providers can be installed"
        ),
        f"nothing provides {SONAME}, which cloud: python3-libvirt-1-1.noarch requires",
    ]
    files = ["cloud.toml", "virtualization.toml", "--candidate", "virtualization=next"]
    assert run(["promotion", "contract", "check", *files]) == 1
    said = capsys.readouterr().out
    assert "fault: virtualization (virtualization@example.test): " in said
    assert "failed: 3 breaks between cloud, virtualization; fault: virtualization" in said


def test_a_promised_soname_that_a_second_package_keeps_passes(sigs: Sigs, check: Any) -> None:
    sigs.publish(
        "next",
        {"name": "libvirt-libs", "version": "2"},
        {"name": "libvirt-compat", "provides": [SONAME]},
    )

    code, answer = check("--candidate", "virtualization=next")

    assert (code, answer["breaches"]) == (0, [])
    assert "glibc >= 2" in answer["assumed"]


def test_a_keeper_that_cannot_be_installed_keeps_nothing(sigs: Sigs, check: Any) -> None:
    sigs.publish(
        "next", {"name": "libvirt-compat", "provides": [SONAME], "requires": ["libvirt-libs"]}
    )

    code, answer = check("--candidate", "virtualization=next")

    assert code == 1
    assert "promise" in [one["kind"] for one in answer["breaches"]]


def test_who_uses_what_it_does_not_declare_is_at_fault_itself(sigs: Sigs, check: Any) -> None:
    sigs.write("cloud", 'repositories = ["cloud"]\n')
    sigs.write("virtualization", 'repositories = ["virt"]\n')
    sigs.publish("next", {"name": "libvirt-libs", "version": "2"})

    code, answer = check("--candidate", "virtualization=next")
    forgiven, _ = check("--candidate", "virtualization=next", "--only-own-faults")

    [broken] = answer["breaches"]
    assert (code, forgiven, broken["fault"]) == (1, 0, "cloud")
    assert broken["why"] == (
        f"cloud uses {SONAME} of libvirt-libs-1-1.noarch without declaring it in its contract"
    )


def test_what_is_declared_and_not_promised_is_not_to_be_taken_away(sigs: Sigs, check: Any) -> None:
    sigs.write("virtualization", 'repositories = ["virt"]\n')
    sigs.write(
        "cloud", 'repositories = ["cloud"]\n[consumes.virtualization]\nrequires = ["libvirt-libs"]'
    )
    sigs.publish("next", {"name": "libvirt-libs", "version": "2"})

    _, answer = check("--candidate", "virtualization=next")

    [broken] = answer["breaches"]
    assert broken["fault"] == "virtualization"
    assert broken["why"].startswith("cloud declares to take libvirt-libs from virtualization")


def test_a_consumer_that_asks_for_more_than_there_is_is_at_fault(sigs: Sigs, check: Any) -> None:
    sigs.write(
        "cloud",
        'repositories = ["cloud"]\n'
        '[consumes.virtualization]\nrequires = ["libvirt-libs >= 2"]\n'
        "[consumes.storage]\nrequires = ['ceph >= 2:18']\n",
    )
    sigs.publish("next", {"name": "nova", "version": "2", "requires": ["libvirt-libs >= 2"]})

    code, answer = check("--candidate", "cloud=next")

    assert code == 1
    assert [(one["kind"], one["fault"]) for one in answer["breaches"]] == [
        ("requirement", "cloud")
    ]  # and of storage nobody knows anything
    [unsure] = answer["undecided"]  # without `base` it may come from elsewhere
    assert unsure["need"] == "libvirt-libs >= 2"
    sigs.publish("base", {"name": "glibc", "version": "2"})
    sigs.write("virtualization", 'repositories = ["virt"]\nbase = ["base"]\n')
    _, whole = check("--candidate", "cloud=next")
    assert [(one["kind"], one["fault"]) for one in whole["breaches"]] == [
        ("requirement", "cloud"),
        ("packages", "cloud"),
    ]


@pytest.mark.parametrize(
    "rich",
    [
        "(python3dist(six) >= 1 with python3dist(six) < 2)",
        "(vim or emacs)",
        "(vim and emacs)",
        "(vim and libvirt-libs)",
        "(vim if libvirt-libs)",
        "((vim and emacs) or nano)",
    ],
)
def test_a_rich_requirement_that_others_meet_hides_no_break(
    sigs: Sigs, check: Any, rich: str
) -> None:
    sigs.publish("cloud", {"name": "python3-libvirt", "requires": [SONAME, rich]})
    sigs.publish("next", {"name": "libvirt-libs", "version": "2"})

    _, answer = check("--candidate", "virtualization=next")

    assert answer["earlier"] == []
    [packages] = [one for one in answer["breaches"] if one["kind"] == "packages"]
    assert packages["chain"][-1] == (
        f"nothing provides {SONAME}, which cloud: python3-libvirt-1-1.noarch requires"
    )


def test_a_promise_and_a_declaration_are_about_the_names_in_a_rich_requirement(
    sigs: Sigs, check: Any
) -> None:
    rich = "(python3dist(pbr) >= 5 with python3dist(pbr) < 6)"
    sigs.publish("virt", {"name": "python3-pbr", "provides": ["python3dist(pbr) = 5"]})
    sigs.publish("cloud", {"name": "python3-libvirt", "requires": [rich]})
    sigs.publish("next", {"name": "python3-pbr", "provides": ["python3dist(pbr) = 6"]})
    virt, takes = 'repositories = ["virt"]\n', "[consumes.virtualization]\nrequires = "
    sigs.write("virtualization", virt)
    sigs.write("cloud", f'repositories = ["cloud"]\n{takes}["python3dist(pbr) >= 5"]')

    _, declared = check("--candidate", "virtualization=next")
    sigs.write("cloud", 'repositories = ["cloud"]')
    _, used = check("--candidate", "virtualization=next")
    sigs.write("virtualization", f'{virt}promises = ["python3dist(pbr) < 6"]')
    _, promised = check("--candidate", "virtualization=next")

    faults = [answer["breaches"][-1]["fault"] for answer in (declared, used, promised)]
    assert faults == ["virtualization", "cloud", "virtualization"]
    assert declared["breaches"][-1]["why"].startswith(
        "cloud declares to take python3dist(pbr) >= 5 from virtualization"
    )


def test_half_of_a_rich_requirement_is_missing_by_its_name(sigs: Sigs, check: Any) -> None:
    sigs.publish("virt", {"name": "libvirt-daemon"})
    sigs.publish("cloud", {"name": "python3-libvirt", "requires": ["(glibc or nova)"]})
    sigs.publish("cloud", {"name": "nova", "requires": ["(libvirt-libs and libvirt-daemon)"]})
    sigs.publish("next", {"name": "libvirt-libs", "provides": [SONAME]})

    _, answer = check("--candidate", "virtualization=next")

    [packages] = answer["breaches"]
    assert (packages["fault"], packages["what"]) == (
        "cloud",
        "3 packages of cloud cannot be installed: nothing provides libvirt-daemon",
    )


def test_packages_of_other_architectures_are_not_looked_at(sigs: Sigs, check: Any) -> None:
    folder = sigs.publish("other", {"name": "foreign"}) / "repodata"
    [packed] = folder.glob("*primary.xml*")
    text = gzip.decompress(packed.read_bytes()).decode().replace(">noarch<", ">s390x<")
    packed.write_bytes(gzip.compress(text.encode()))
    sigs.write("other", 'repositories = ["other"]')

    code, answer = check("--candidate", "virtualization=virt")

    assert (code, answer["breaches"], answer["earlier"]) == (0, [], [])


def test_a_break_through_a_third_side_is_laid_at_the_one_that_breaks_it(
    sigs: Sigs, check: Any
) -> None:
    sigs.publish("storage", {"name": "librbd1", "provides": ["librbd.so.1()(64bit)"]})
    sigs.publish(
        "virt",
        {"name": "libvirt-libs", "provides": [SONAME], "requires": ["librbd.so.1()(64bit)"]},
    )
    sigs.write("storage", 'repositories = ["storage"]\n')
    sigs.write(
        "virtualization",
        f'repositories = ["virt"]\npromises = ["{SONAME}"]\n'
        '[consumes.storage]\nrequires = ["librbd1"]\n',
    )
    sigs.publish("next", {"name": "librbd2", "provides": ["librbd.so.2()(64bit)"]})

    _, answer = check("--candidate", "storage=next")

    broken = [one for one in answer["breaches"] if one["kind"] == "packages"]
    cloud = next(one for one in broken if one["harmed"] == ["cloud"])
    assert {one["fault"] for one in broken} == {"storage"}
    assert cloud["chain"][-1] == (
        "nothing provides librbd.so.1()(64bit), which virtualization: "
        "libvirt-libs-1-1.noarch requires"
    )


def test_replaced_packages_priorities_and_obsoletes_across_repositories_are_reported(
    sigs: Sigs, check: Any
) -> None:
    sigs.publish(
        "next",
        {"name": "libvirt-libs", "version": "2", "provides": [SONAME]},
        {"name": "nova", "version": "9"},
        {"name": "libvirt-python", "obsoletes": ["python3-libvirt < 2"]},
    )

    code, answer = check("--candidate", "virtualization=next")

    assert {(one["how"], one["by"]["name"], one["what"]["name"]) for one in answer["replaced"]} == {
        ("priority", "nova", "nova"),  # that of cloud, although it is older
        ("obsoletes", "libvirt-python", "python3-libvirt"),
    }
    [broken] = answer["breaches"]
    assert (code, broken["kind"], broken["fault"]) == (1, "replacement", "virtualization")
    sigs.write(
        "virtualization",
        f'repositories = ["virt"]\npromises = ["{SONAME}"]\nreplaces = ["python3-libvirt"]\n',
    )
    assert check("--candidate", "virtualization=next")[0] == 0


def test_the_same_package_on_both_sides_replaces_nothing(sigs: Sigs, check: Any) -> None:
    sigs.publish("cloud", {"name": "libvirt-libs", "provides": [SONAME]})  # a copy of theirs
    sigs.write("cloud", 'repositories = ["cloud"]\n')

    _, answer = check()

    assert answer["replaced"] == []


def test_packages_that_conflict_with_what_the_candidate_brings_are_reported(
    sigs: Sigs, check: Any
) -> None:
    sigs.publish(
        "next",
        {"name": "libvirt-libs", "version": "2", "provides": [SONAME], "conflicts": ["nova < 5"]},
    )

    code, answer = check("--candidate", "virtualization=next")

    broken = [one for one in answer["breaches"] if one["kind"] == "packages"]
    assert code == 1
    assert {one["fault"] for one in broken} == {"virtualization"}
    assert {name["name"] for one in broken for name in one["packages"]} == {"nova", "nova-api"}
    assert any("conflicts" in sentence for one in broken for sentence in one["chain"])


def test_what_was_broken_before_is_not_laid_at_the_candidate(sigs: Sigs, check: Any) -> None:
    sigs.publish("base", {"name": "glibc", "version": "2"})
    sigs.publish("cloud", {"name": "old", "requires": ["nova < 1"]})
    sigs.write("virtualization", 'repositories = ["virt"]\nbase = ["base"]\npromises = ["gone"]\n')
    sigs.publish("next", {"name": "libvirt-libs", "version": "2", "provides": [SONAME, "gone"]})

    now, as_it_is = check()
    code, answer = check("--candidate", "virtualization=next")

    assert (now, {one["kind"] for one in as_it_is["breaches"]}) == (1, {"promise", "packages"})
    assert (code, answer["breaches"]) == (0, [])


@pytest.mark.skipif(not shutil.which("dnf"), reason="dnf is not installed")
def test_repositories_by_url_are_fetched(sigs: Sigs, check: Any) -> None:
    url = (sigs.folder / "virt").as_uri()
    (sigs.folder / "virtualization.toml").unlink()
    sigs.write(
        "cloud",
        'repositories = ["cloud"]\n'
        f'[consumes.virtualization]\nrepositories = ["{url}"]\nrequires = ["{SONAME}"]\n',
    )
    sigs.publish("next", {"name": "libvirt-libs", "version": "2"})

    as_it_is, _ = check()
    code, answer = check("--candidate", f"virtualization={(sigs.folder / 'next').as_uri()}")
    lost, error = check("--candidate", f"virtualization={(sigs.folder / 'gone').as_uri()}")

    assert as_it_is == 0
    assert (code, {one["fault"] for one in answer["breaches"]}) == (1, {"virtualization"})
    assert lost == 6
    assert "cannot read the repository file://" in error


def test_two_targets_cloud_and_virtualization(tmp_path: Path, shelf: Path) -> None:
    rpms = RpmShelf(shelf)
    libvirt, nova = package("python-libvirt"), package("python-nova")
    with (
        factory(tmp_path / "virt", rpms, libvirt) as virt,
        factory(tmp_path / "cloud", rpms, nova) as cloud,
    ):
        cloud.publish("python-nova", "a1", requires=(SONAME,))
        virt.publish("python-libvirt", "b1", requires=(f"bash\nProvides: {SONAME}",))
        contracts = [
            parse_contract(
                f"name = '{name}'\nrepositories = ['{made.tree.repos / made.leads('current')}']\n"
                f"{text}",
                f"{name}.toml",
                tmp_path,
            )
            for name, made, text in (
                ("cloud", cloud, f"[consumes.virt]\nrequires = ['{SONAME}']"),
                ("virt", virt, f"promises = ['{SONAME}']"),
            )
        ]

        def answer() -> ContractAnswer:
            target = open_target(virt)
            subject = Subject(target, find(target, "current"), Surroundings("x86_64"))
            return check_contracts(contracts, candidate_of_target("virt", subject), tmp_path)

        before = answer()
        virt.publish("python-libvirt", "b2", "2.0")
        after = answer()

    assert before.passed
    assert [(one.kind, one.fault) for one in after.breaches] == [
        ("promise", "virt"),
        ("requirement", "virt"),
        ("packages", "virt"),
    ]
    assert after.breaches[-1].chain == (
        f"nothing provides {SONAME}, which cloud: python3-nova-1.0-1.noarch requires",
    )


def test_what_the_candidates_side_had_broken_or_took_from_elsewhere_is_not_new(
    sigs: Sigs, check: Any
) -> None:
    old = {"name": "libvirt-tools", "requires": ["/bin/sh", "elsewhere >= 1", "(a and b)"]}
    libs = {"name": "libvirt-libs", "provides": [SONAME], "requires(pre)": ["/bin/sh"]}
    sigs.publish("virt", libs, old)
    sigs.publish("next", libs, old, {"name": "new", "requires": ["/bin/sh"]})

    code, answer = check("--candidate", "virtualization=next")

    assert (code, answer["breaches"], answer["undecided"]) == (0, [], [])
    assert {"/bin/sh", "elsewhere >= 1"} <= set(answer["assumed"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("promises = 'x'", "cloud.toml:3: promises must be a list"),
        ("promise = ['x']", 'cloud.toml:3: unknown key "promise"; did you mean "promises"?'),
        (
            "promises = ['x >> 2']",
            "promises must list RPM dependencies such as 'libvirt >= 10.0', not 'x >> 2'",
        ),
        ("replaces = ['x y']", "replaces must list names of packages, not 'x y'"),
        ("[consumes.x]\nrequire = ['y']", 'cloud.toml:4: unknown key "consumes.x.require"'),
        ("[consumes.cloud]\nrequires = ['y']", "cloud consumes itself"),
        ("promises = [", "cloud.toml:"),
    ],
)
def test_a_contract_with_a_fault_is_one_clear_error(
    sigs: Sigs, check: Any, text: str, told: str
) -> None:
    sigs.write("cloud", text)

    code, error = check()

    assert (code, told in error) == (2, True), error


@pytest.mark.parametrize(
    ("candidate", "code", "told"),
    [
        ("virtualisation=next", 4, 'did you mean "virtualization"?'),
        ("virtualization=nowhere", 4, "there is no repository at "),
        ("virtualization", 2, "is not a candidate"),
    ],
)
def test_a_candidate_that_is_none_is_one_clear_error(
    sigs: Sigs, check: Any, candidate: str, code: int, told: str
) -> None:
    sigs.publish("next")

    got, error = check("--candidate", candidate)

    assert (got, told in error) == (code, True), error
