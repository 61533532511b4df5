"""A build that fills the disk of its root."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import GitRepository
from tests.disk import Disk
from tests.e2e.distribution import Distribution

WRITES = "dd if=/dev/zero of=noise bs=1M"
FULL_SPEC = """\
Name: NAME
Version: XXX
Release: XXX
Summary: x
License: ASL
BuildArch: noarch
Source0: x.tar.gz
%description
x
%prep
%setup -q -n NAME
%build
ACT
%files
"""


def test_a_root_without_space_is_reported_and_the_next_build_works(tmp_path: Path) -> None:
    """Also where the program that fills the disk says nothing of it."""
    if os.geteuid() != 0:
        pytest.skip("build roots need root rights")
    site = Distribution(tmp_path)
    acts = {"a-loud": WRITES, "b-quiet": f"{WRITES} 2>/dev/null || exit 3", "c-good": "true"}
    for name, act in acts.items():
        upstream = GitRepository(tmp_path / "git" / name)
        upstream.commit("one", {"file": name})
        upstream.git("tag", "1.0.0")
        distgit = GitRepository(tmp_path / "git" / f"{name}-distgit", "rpm-master")
        distgit.commit("spec", {"x.spec": FULL_SPEC.replace("NAME", name).replace("ACT", act)})
        site.lines += [f"- project: {name}", f"  name: {name}", f"  upstream: {upstream.url}"]
        site.lines += [f"  distgit: {distgit.url}", "  maintainers: [one@example.test]"]
        site.lines += ["  tags: {master: }"]
    site.write_metadata()
    with (tmp_path / "rdo.toml").open("a") as file:
        file.write("workers = 1\n")
    roots = Disk(tmp_path / "data/roots")
    roots.mount("60m")

    try:
        code, report = site.run()
        left = list(roots.place.iterdir())
    finally:
        subprocess.run(["umount", roots.place], check=True)  # fails if it is in use

    retried = {one["package"]: one["reason"] for one in report["to_retry"]}
    assert retried == {"a-loud": "no-space", "b-quiet": "no-space"}
    assert [one["package"] for one in report["built"]] == ["c-good"]
    assert report["failed"] == report["ftbfs"] == left == []
    assert code == 6
    assert str(roots.place) not in Path("/proc/mounts").read_text()
