"""examples/cloud as rdo and rpm read it: metadata and distgits; `make cloud` builds it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rdo.roots.platform.spec_macros import spec_macros
from tests.e2e.command import REPOSITORY

RDO = (sys.executable, "-m", "rdo")
CLOUD = REPOSITORY / "examples/cloud"
DISTGITS = sorted((CLOUD / "distgits").iterdir())
METADATA = yaml.safe_load((CLOUD / "info/cloud.yml").read_text())
# What packstack's roles install, and hosts without it, by RDO's names.
NAMES = {
    "openstack-glance": ("",),
    "openstack-keystone": ("",),
    "openstack-neutron": (
        "",
        "-common",
        "-ml2",
        "-ovn-agent",
        "-ovn-metadata-agent",
        "-rpc-server",
    ),
    "openstack-nova": (
        "",
        "-api",
        "-common",
        "-compute",
        "-conductor",
        "-novncproxy",
        "-scheduler",
    ),
    "openstack-placement": ("-api", "-common"),
    "python3": ("-glance", "-keystone", "-neutron", "-nova", "-openstackclient", "-placement"),
}
UNITS = {
    "neutron": ("-ovn-agent", "-ovn-metadata-agent", "-rpc-server", "-server"),
    "openstack-glance": ("-api",),
    "openstack-nova": ("-api", "-compute", "-conductor", "-novncproxy", "-scheduler"),
    "openstack-nova-metadata": ("-api",),
}


@pytest.fixture(scope="module")
def macros(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("macros") / "macros"
    file.write_bytes(spec_macros())
    return file


def asked(spec: Path, macros: Path, query: str, *options: str) -> list[str]:
    """What rpm answers about each package of a spec, with the platform's macros."""
    place = ("--define", f"_sourcedir {spec.parent}", "--load", str(macros))
    done = subprocess.run(
        ["rpmspec", "--query", *options, *place, "--queryformat", query, spec],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def spec_of(distgit: Path) -> Path:
    return distgit / f"{distgit.name}.spec"


def test_the_metadata_has_no_fault() -> None:
    done = subprocess.run(
        [*RDO, "info", "verify", "--strict", "-l", "info", "-i", "cloud.yml"],
        cwd=CLOUD,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_each_package_has_a_distgit_and_a_release_of_pypi_that_is_named_exactly() -> None:
    packages = {one["name"]: one for one in METADATA["packages"]}
    ours = packages.pop("rdo")

    assert ours["distgit-path"] == "packaging"
    assert sorted(packages) == [one.name for one in DISTGITS]
    for package in packages.values():
        assert package["upstream"].startswith("pypi:")
        assert re.fullmatch(r"==[\d.]+", package["source-branch"])


def test_the_packages_have_rdo_s_names(macros: Path) -> None:
    found = {
        name for one in DISTGITS for name in asked(spec_of(one), macros, "%{name}\n", "--rpms")
    }

    assert {name + part for name, parts in NAMES.items() for part in parts} <= found


def test_the_units_have_rdo_s_names_and_run_as_users_that_their_distgit_makes() -> None:
    found = {unit.stem for one in DISTGITS for unit in one.glob("*.service")}

    assert {name + part for name, parts in UNITS.items() for part in parts} <= found
    for distgit in DISTGITS:
        users = {
            line.split()[1]
            for file in distgit.glob("*.sysusers")
            for line in file.read_text().splitlines()
            if line.startswith("u ")
        }
        for unit in distgit.glob("*.service"):
            (user,) = re.findall(r"^User=(\w+)$", unit.read_text(), re.MULTILINE)
            assert user in users, unit


@pytest.mark.parametrize("distgit", DISTGITS, ids=lambda one: one.name)
def test_a_distgit_has_the_files_that_its_spec_names_and_no_others(
    distgit: Path, macros: Path
) -> None:
    archive, *_ = sources = asked(spec_of(distgit), macros, "[%{source}\n][%{patch}\n]", "--srpm")
    named = set(sources) - {x for x in sources if x.endswith(".tar.gz")}

    assert archive
    assert named | {spec_of(distgit).name} == {file.name for file in distgit.iterdir()}


@pytest.mark.parametrize("distgit", DISTGITS, ids=lambda one: one.name)
def test_a_program_of_a_distgit_can_be_read_by_python(distgit: Path) -> None:
    for file in distgit.iterdir():
        text = file.read_text()
        if text.startswith("#!/usr/bin/python3") or file.suffix == ".py":
            ast.parse(text)


def test_what_comes_from_pypi_is_pinned_and_is_not_packaged_here() -> None:
    lines = (CLOUD / "upper-constraints.txt").read_text().splitlines()
    pins = [line.split("==")[0] for line in lines if not line.startswith("#")]

    assert pins == sorted(set(pins))
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", x) for x in lines if not x.startswith("#"))
    assert not {one["project"] for one in METADATA["packages"]} & set(pins)
