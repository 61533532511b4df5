"""What RPMs may provide, obsolete and hold: the table of the rules, with RDO's own names."""

import hashlib

import pytest

from rdo.model.artifact import Artifact, Fragment, RpmFile, SpecialFile, SpecialKind
from rdo.model.nevra import Nevra
from rdo.model.package import Package
from rdo.trunk.admission import PLATFORM, TOOLS, Owners, asked_for, explained, refusals

PLATFORM_HAS = {
    "python3": (("python3", "3.11.2-1"),),
    "python3-libs": (("python3", "3.11.2-1"),),
    "/usr/bin/gcc": (("gcc", "12.2.0-3"),),
    "gcc": (("gcc", "12.2.0-3"),),
    "gcc-c++": (("g++", "12.2.0-3"),),
    "python3-pyyaml": (("python3-pyyaml", "5.4.1-6"),),
    "python3dist(pyyaml)": (("python3-pyyaml", "5.4.1-6"),),
    "/usr/bin/yaml-lint": (("python3-pyyaml", "5.4.1-6"),),
    "openstack-macros": (("epel-rpm-macros", "9-1"),),
    "user(daemon)": (("setup", "2-1"),),
}
TOOL_NEEDS = ("python3dist(setuptools)", "python3dist(pip) >= 21")


def package(name: str, project: str = "", *tags: str) -> Package:
    url = f"https://git.example.test/{name}"
    return Package(name, project or name, (url,), url, "master", "rpm", tags=frozenset(tags))


PACKAGES = (
    package("openstack-nova", "nova"),
    package("openstack-neutron", "neutron"),
    package("openstack-neutron-vpnaas", "neutron-vpnaas"),
    package("python-novaclient"),
    package("python-pyyaml", "PyYAML"),
    package("python-unbuilt", "unbuilt"),
    package("openstack-macros"),
    package("python-django-horizon", "horizon"),
    package("python-os-brick", "os-brick"),
    package("python-reviewed", "reviewed", "under-review"),
    package("evil"),
)


def artifact(name: str, *provides: str, evr: str = "1.0-1", arch: str = "noarch") -> Artifact:
    version, release = evr.rpartition(":")[2].split("-")
    nevra = Nevra(name, int(evr.partition(":")[0]) if ":" in evr else 0, version, release, arch)
    file_name = f"{name}-{version}-{release}.{arch}.rpm"
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return Artifact(file_name, nevra, sha256, 1, arch == "src", (name, *provides))


PUBLISHED = {
    "openstack-nova": [
        artifact("openstack-nova", arch="src"),
        artifact("openstack-nova-compute", "config(openstack-nova-compute)", "user(nova)"),
        artifact("python3-nova", "python-nova", "python3dist(nova)", "bundled(js)"),
        artifact("openstack-nova-debuginfo", "debuginfo(build-id)"),
    ],
    "openstack-neutron": [artifact("openstack-neutron", evr="1:25.0-1"), artifact("old-agent")],
    "python-novaclient": [artifact("python3-novaclient", "python3dist(python-novaclient)")],
    "python-departed": [artifact("python3-departed", "python3dist(departed)")],
    "python-reviewed": [artifact("python3-reviewed", "python3dist(reviewed)")],
}


@pytest.fixture
def owners() -> Owners:
    return Owners(PACKAGES, PUBLISHED, PLATFORM_HAS, TOOL_NEEDS)


@pytest.mark.parametrize(
    ("claimant", "capability", "owner"),
    [
        ("evil", "evil", ""),
        ("evil", "evil-doc", ""),
        ("evil", "something-new", ""),
        ("evil", "python3-setuptools", TOOLS),
        ("evil", "python3dist(setuptools)", TOOLS),
        ("evil", "python3.11dist(pip)", TOOLS),
        ("evil", "python3dist(setuptools[extra])", TOOLS),
        ("evil", "python3-setuptools+extra", TOOLS),
        ("evil", "gcc", PLATFORM),
        ("evil", "gcc-c++", PLATFORM),
        ("evil", "/usr/bin/gcc", PLATFORM),
        ("evil", "python3-libs", PLATFORM),
        ("evil", "user(daemon)", PLATFORM),
        ("evil", "python3-nova", "package openstack-nova"),
        ("evil", "python-nova", "package openstack-nova"),
        ("evil", "openstack-nova", "package openstack-nova"),
        ("evil", "openstack-nova-compute", "package openstack-nova"),
        ("evil", "config(openstack-nova-compute)", "package openstack-nova"),
        ("evil", "python3dist(python-novaclient)", "package python-novaclient"),
        # never built: the metadata names it
        ("evil", "python3-unbuilt", "package python-unbuilt"),
        ("evil", "python3dist(unbuilt)", "package python-unbuilt"),
        # shared by nature, or by several packages of a release
        ("evil", "bundled(js)", ""),
        ("evil", "debuginfo(build-id)", ""),
        ("evil", "user(nova)", ""),
        # nobody's any more, or not yet
        ("evil", "python3-departed", ""),
        ("evil", "python3dist(reviewed)", ""),
        # the metadata lists it: newer than the platform's on purpose
        ("python-pyyaml", "python3-pyyaml", ""),
        ("python-pyyaml", "python3dist(pyyaml)", ""),
        ("python-pyyaml", "/usr/bin/yaml-lint", ""),
        ("openstack-macros", "openstack-macros", ""),
        # RDO's own: old names, and names of other packages' past
        ("openstack-neutron-vpnaas", "openstack-neutron-vpn-agent", ""),
        ("python-django-horizon", "django-horizon", ""),
        ("python-os-brick", "os-brick", ""),
        ("openstack-neutron", "python3-networking-ovn", ""),
        ("openstack-neutron", "config(openstack-neutron)", ""),
        ("openstack-nova", "openstack-nova-conductor", ""),
    ],
)
def test_who_owns_what_a_package_provides(
    owners: Owners, claimant: str, capability: str, owner: str
) -> None:
    assert owners.of(capability, claimant) == owner


@pytest.mark.parametrize(
    ("claimant", "relation", "owner"),
    [
        ("evil", "python3-setuptools", TOOLS),
        ("evil", "python3-setuptools < 99", TOOLS),
        ("evil", "gcc", PLATFORM),
        ("evil", "gcc < 99", PLATFORM),
        ("evil", "gcc < 12.2.0-3", ""),
        ("evil", "gcc <= 12.2.0-3", PLATFORM),
        ("evil", "gcc-c++", ""),  # a capability: Obsoletes name packages alone
        ("evil", "python2-nova < 30", ""),
        ("evil", "openstack-nova-compute", "package openstack-nova"),
        ("evil", "openstack-nova-compute < 1.0", ""),
        ("evil", "openstack-neutron < 25", ""),
        ("evil", "openstack-neutron < 1:26", "package openstack-neutron"),
        ("evil", "python3-unbuilt < 3", "package python-unbuilt"),
        ("evil", "python3-departed", ""),
        ("python-pyyaml", "python3-pyyaml < 6", ""),
        ("openstack-neutron", "old-agent < 2", ""),
        ("openstack-neutron", "python3-networking-ovn", ""),
        ("openstack-neutron-vpnaas", "openstack-neutron-vpn-agent < 25", ""),
        ("openstack-nova", "openstack-nova-objectstore", ""),
    ],
)
def test_whose_packages_an_obsoletes_removes(
    owners: Owners, claimant: str, relation: str, owner: str
) -> None:
    assert owners.obsoleted(relation, claimant) == owner


def test_a_package_owns_what_it_was_published_with(owners: Owners) -> None:
    assert owners.of("virtual-thing", "openstack-nova") == ""

    owners.learn("openstack-neutron", [artifact("openstack-neutron", "virtual-thing")])

    assert owners.of("virtual-thing", "openstack-nova") == "package openstack-neutron"
    assert owners.of("virtual-thing", "openstack-neutron") == ""


def test_what_two_packages_provide_already_stays(owners: Owners) -> None:
    for name in ("openstack-neutron", "openstack-nova"):
        owners.learn(name, [artifact(name, "virtual-thing")])

    assert owners.of("virtual-thing", "openstack-nova") == ""
    assert owners.of("virtual-thing", "openstack-neutron") == ""


def test_a_departed_package_does_not_come_back_by_a_publication(owners: Owners) -> None:
    owners.learn("python-departed", PUBLISHED["python-departed"])

    assert owners.of("python3-departed", "evil") == ""


def rpm(
    name: str, *provides: str, obsoletes: tuple[str, ...] = (), special: tuple[str, ...] = ()
) -> RpmFile:
    files = tuple(SpecialFile(SpecialKind(word.split()[0]), word.split()[1]) for word in special)
    arch = "src" if name == "source" else "noarch"
    made = artifact(name, *provides, arch=arch)
    return RpmFile(made, Fragment("", "", ""), "x.src.rpm", obsoletes=obsoletes, special=files)


def test_every_act_of_every_rpm_is_named_and_each_can_be_allowed(owners: Owners) -> None:
    rpms = [
        rpm("source", "python3-setuptools"),
        rpm("evil", "gcc", obsoletes=("gcc < 99",), special=("setuid /usr/bin/x",)),
        rpm("evil-debuginfo", "debuginfo(build-id)", "gcc"),
    ]

    found = refusals("evil", rpms, owners, ())

    wanted = ["setuid /usr/bin/x", "obsoletes gcc", "provides gcc"]
    assert [one.permission for one in found] == [*wanted, "provides gcc"]
    assert refusals("evil", rpms, owners, wanted) == ()
    assert refusals("evil", rpms, owners, wanted[1:]) == found[:1]


def test_the_explanation_names_package_capability_owner_and_line(owners: Owners) -> None:
    found = refusals("evil", [rpm("evil", "gcc", "python3")], owners, ["obsoletes gcc"])

    text = explained("master.x", "evil", found, ["obsoletes gcc"])

    assert text == (
        "evil-1.0-1.noarch.rpm provides gcc, which belongs to the platform, and 1 more such; "
        'to allow it, put into [targets."master.x".allow] of rdo.toml: '
        'evil = ["obsoletes gcc", "provides gcc", "provides python3"]'
    )
    assert asked_for(text) == {"obsoletes gcc", "provides gcc", "provides python3"}


@pytest.mark.parametrize(
    "text", ["", "it failed", "x of rdo.toml: y", "x of rdo.toml: y = [[", "x of rdo.toml: y = 1"]
)
def test_another_text_asks_for_nothing(text: str) -> None:
    assert asked_for(text) == frozenset()
