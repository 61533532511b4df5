"""Two targets of one release share the source archive of a commit, which is made only once."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rdo.checksum import sha256_of
from tests.e2e.command import PLATFORM, Result, needs_roots
from tests.e2e.distribution import TARGET, Distribution

pytestmark = needs_roots

OTHER = "master-other"
TARGETS = (TARGET, OTHER)
SECOND = f"""\
[targets.{OTHER}]
release = "master"
platform = "{PLATFORM}"
dist = ".other"
look-ahead = false
"""
# A backend of the source's own; each archive that it makes has other bytes.
BACKEND = """\
import os, pathlib
from setuptools.build_meta import *
from setuptools import build_meta

def build_sdist(directory, config_settings=None):
    pathlib.Path("lowermod/made.py").write_text(f"made = {os.urandom(8).hex()!r}\\n")
    return build_meta.build_sdist(directory, config_settings)
"""


def built(factory: Distribution) -> dict[str, Any]:
    """The recipe of the newest build of each target, with its folder."""
    found = {}
    for target in TARGETS:
        recipes = (factory.folder / "data" / target / "builds").glob("*/recipe.json")
        newest = max(recipes, key=lambda one: int(one.parent.name))
        found[target] = {**json.loads(newest.read_text()), "folder": newest.parent}
    return found


def unpacked(folder: Path, place: Path) -> dict[str, str]:
    """The files in the source RPM of a build, by their checksums."""
    (srpm,) = folder.glob("*.src.rpm")
    place.mkdir()
    script = 'rpm2cpio "$0" | cpio --quiet -i'
    subprocess.run(["sh", "-c", script, str(srpm)], cwd=place, check=True)
    return {file.name: sha256_of(file) for file in place.iterdir()}


def run(factory: Distribution, *args: str) -> Result:
    done = factory.rdo("trunk", "run", "--json", *args)
    assert done.code == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Distribution:
    made = Distribution(tmp_path_factory.mktemp("shared"), settings=("", SECOND))
    made.add("lowermod")
    project = made.upstreams["lowermod"]
    text = (project.path / "pyproject.toml").read_text()
    text = text.replace("setuptools.build_meta", "backend").replace(
        "[project]", 'backend-path = ["."]\n[project]'
    )
    files = {"pyproject.toml": text, "backend.py": BACKEND, "MANIFEST.in": "include backend.py\n"}
    project.commit("Use a backend", files)
    run(made)
    return made


def test_both_targets_build_from_one_archive(factory: Distribution, tmp_path: Path) -> None:
    recipes = built(factory)

    archives = [recipe["archive"] for recipe in recipes.values()]
    assert archives[0] == archives[1]
    assert archives[0]["build"] in {recipe["job"]["id"] for recipe in recipes.values()}
    assert "python3dist(packaging)" in archives[0]["required"]
    contents = [unpacked(recipe["folder"], tmp_path / target) for target, recipe in recipes.items()]
    assert contents[0] == contents[1]
    assert archives[0]["sha256"] in contents[0].values()


@pytest.mark.slow
def test_the_build_that_took_the_archive_can_be_reproduced(
    factory: Distribution, tmp_path: Path
) -> None:
    took = [one for one in built(factory).values() if one["archive"]["build"] != one["job"]["id"]]
    number = took[0]["job"]["id"]

    done = factory.rdo("reproduce", number, "-o", tmp_path / "r", "--json")

    assert done.code == 0, done.stdout + done.stderr
    assert done.json["same"]

    (took[0]["folder"] / "source-archive").unlink()
    gone = factory.rdo("reproduce", number, "-o", tmp_path / "r")
    assert gone.code == 4
    assert "its source archive, which build" in gone.stderr


@pytest.mark.slow
def test_an_archive_with_other_bytes_is_not_taken(factory: Distribution) -> None:
    hash_ = factory.release("lowermod", "2.0")
    run(factory, "--target", TARGET)
    (kept,) = (
        one
        for one in (factory.folder / "data/cache/archives/master").glob("*/*/archive")
        if "lowermod-2.0.tar.gz" in one.with_name("record.json").read_text()
    )
    content = kept.read_bytes()
    kept.unlink()
    kept.write_bytes(content[:-1] + b"?")

    done = run(factory, "--target", OTHER)

    assert f"a source archive that was kept is damaged and is made again: {kept.parent}" in (
        done.stderr
    )
    recipe = built(factory)[OTHER]
    assert recipe["job"]["commit"]["upstream_hash"] == hash_
    assert recipe["archive"]["build"] == recipe["job"]["id"]
