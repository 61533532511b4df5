"""`rdo pkg create` of a project in Rust, with the crates of a small index on loopback."""

import tarfile
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.e2e.command import needs_roots, rdo
from tests.fakes.crate_index import MANIFEST, served_index

pytestmark = needs_roots

PYPROJECT = """\
[build-system]
requires = ["setuptools", "setuptools-rust"]
build-backend = "setuptools.build_meta"

[project]
name = "orange"
version = "1.2.0"
description = "peels oranges"
license = { text = "MIT" }

[tool.setuptools]
packages = ["orange"]

[[tool.setuptools-rust.bins]]
target = "peel"
path = "rust/Cargo.toml"
"""


def upstream(folder: Path, rows: list[str]) -> GitRepository:
    """A project with a program in Rust, which calls the crate `tiny`."""
    source = GitRepository(folder)
    manifest = MANIFEST.format(name="peel", version="1.2.0", more='[dependencies]\ntiny = "0.1"\n')
    lock = 'version = 3\n[[package]]\nname = "peel"\nversion = "1.2.0"\ndependencies = ["tiny"]\n'
    source.commit(
        "one",
        {
            "pyproject.toml": PYPROJECT,
            "MANIFEST.in": "graft rust\n",
            "orange/__init__.py": "",
            "rust/Cargo.toml": manifest,
            "rust/Cargo.lock": lock + "".join(rows),
            "rust/src/main.rs": "fn main() { assert_eq!(tiny::two(), 2); }\n",
            "LICENSE": "Permission is hereby granted, free of charge, to any person obtaining",
        },
    )
    source.git("tag", "v1.2.0")
    return source


def test_the_crates_become_the_second_source_of_a_package_that_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served_index(tmp_path / "index") as index:
        index.add("tiny", "0.1.0")
        source = upstream(tmp_path / "orange", index.rows)
        monkeypatch.setenv("RDO_CRATES_INDEX", f"sparse+{index.url}/")

        done = rdo("pkg", "create", source.url, "--no-info", "--json", cwd=tmp_path)

    assert done.code == 0, done.stdout + done.stderr
    folder = tmp_path / "python-orange"
    spec = (folder / "python-orange.spec").read_text()
    assert "Source1:        orange-%{upstream_version}-vendor.tar.xz" in spec
    assert done.json["crates"] == "orange-1.2.0-vendor.tar.xz"
    assert done.json["outcome"]["rpms"]
    with tarfile.open(folder / "orange-1.2.0-vendor.tar.xz") as tar:
        assert "vendor/tiny-0.1.0/Cargo.toml" in tar.getnames()
    assert "(orange-1.2.0-vendor.tar.xz) = " in (folder / "sources").read_text()
    assert GitRepository(folder).git("status", "--porcelain") == ""
