"""What mock's configuration says, and what its exit statuses and last lines mean."""

import ast
import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.builders.mock.builder import MockBuilder, MockPlan, _take
from rdo.builders.mock.verdict import LOG, NO_DATABASE, failure
from rdo.errors import CommandError, ConfigError, RefusedError
from rdo.model.build import INSTALLED, Failed, FailureReason, Waiting
from rdo.model.platform import BaseRepository, Family, Platform
from rdo.model.program import Bounds, Limit, Logged
from rdo.tools.rpm.buildroot_lock import NAME as LOCK
from rdo.tools.rpm.mock import (
    Mock,
    MockRepository,
    config_of,
    repository_options,
    user_id,
    write_config,
)

PLATFORM = Platform(
    *("el9s-x86_64", Family.DNF, "x86_64", ".el9", "9", "", "3.9", "2.34", ("bash", "rpm-build")),
    macros={"rhel": "9", "odd": 'it\'s "%{x}"'},
    repositories=(BaseRepository("base", ("https://example.org/9/",), gpgkey=("file:///k",)),),
    module_platform_id="platform:el9",
)


def values(text: str) -> dict[str, object]:
    """The plain assignments of a configuration, which is Python."""
    return {
        ast.literal_eval(one.targets[0].slice): ast.literal_eval(one.value)
        for one in ast.parse(text).body
        if isinstance(one, ast.Assign)
        and isinstance(one.targets[0], ast.Subscript)
        and isinstance(one.targets[0].value, ast.Name)
    }


def test_a_configuration_has_what_the_platform_says() -> None:
    found = values(config_of(PLATFORM, "rdo-t"))

    assert found["root"] == "rdo-t"
    assert found["dist"] == "el9"
    assert found["chroot_setup_cmd"] == "install bash rpm-build"
    assert "[base]\n" in str(found["dnf.conf"])
    assert "priority=199" in str(found["dnf.conf"])
    assert "module_platform_id=platform:el9" in str(found["dnf.conf"])
    assert repr('it\'s "%{x}"') in config_of(PLATFORM, "rdo-t")


def test_a_configuration_with_a_bootstrap_image_lets_mock_repeat_builds() -> None:
    without = values(config_of(PLATFORM, "rdo-t"))
    found = values(config_of(PLATFORM, "rdo-t", "quay.io/centos/centos:stream9"))

    assert without["use_bootstrap"] is False
    assert {key: found[key] for key in found if found[key] != without.get(key)} == {
        "use_bootstrap": True,
        "use_bootstrap_image": True,
        "bootstrap_image": "quay.io/centos/centos:stream9",
        "bootstrap_image_ready": True,
    }


def test_a_repository_is_added_with_the_pool_that_it_links_to(tmp_path: Path) -> None:
    pool, repository = tmp_path / "my+pool", tmp_path / "repo"
    pool.mkdir()
    repository.mkdir()
    (repository / "pool").symlink_to("../my+pool")

    first, *_, last = repository_options([MockRepository(repository, 7)])

    assert first == f"--addrepo=file://{repository},file://{tmp_path}/my%2Bpool"
    flat = re.sub(r"[^a-zA-Z0-9_]", "", str(tmp_path).replace("/", "_"))
    assert last.endswith(f"=--setopt={flat}_repofile__{flat.removeprefix('_')}_my2Bpool.priority=7")


def test_a_configuration_that_says_the_same_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "t/t.cfg"
    write_config(file, config_of(PLATFORM, "rdo-t"))
    os.utime(file, (1, 1))

    write_config(file, config_of(replace(PLATFORM, python="3.11"), "rdo-t"))
    assert file.stat().st_mtime == 1
    write_config(file, config_of(replace(PLATFORM, releasever="10"), "rdo-t"))
    assert file.stat().st_mtime > time.time() - 3600


def test_a_platform_without_rpms_is_none_of_mock() -> None:
    debian = replace(PLATFORM, name="deb12-x86_64", family=Family.DEBIAN)

    with pytest.raises(ConfigError, match="cannot make chroots of platform deb12-x86_64"):
        config_of(debian, "rdo-t")


@pytest.mark.parametrize("status", [2, 3, 5, 60, 65, 70, 80, 90])
def test_mock_s_own_troubles_are_not_the_package_s(tmp_path: Path, status: int) -> None:
    (tmp_path / LOG).write_text("INFO: x\nERROR: it cannot be done\n")

    found = failure(tmp_path, Logged(status, 1.0))

    assert found == Failed(FailureReason.BUILDER, f"mock ended with {status}: it cannot be done")


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("RuntimeError: mock will not run from the root account (needs an unprivileged", "`user`"),
        ("RuntimeError: Must be member of 'mock' group to run mock! (nogroup)", "usermod"),
        ("KeyError: \"getgrnam(): name not found: 'mock'\"", "groupadd"),
        ("FileNotFoundError: No such file or directory: '/usr/bin/systemd-nspawn'", "isolation"),
        ("ERROR: Could not find required config file: /etc/mock/x.cfg", "mock-config"),
    ],
)
def test_a_classic_trap_is_reported_with_its_remedy(tmp_path: Path, said: str, remedy: str) -> None:
    (tmp_path / LOG).write_text(f"Traceback (most recent call last):\n  x\n{said}\n")

    found = failure(tmp_path, Logged(1, 1.0))

    assert isinstance(found, Failed)
    assert found.reason is FailureReason.BUILDER
    assert remedy in found.detail


def test_an_empty_list_of_installed_packages_explains_what_failed(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("ERROR: Command failed\n")
    (tmp_path / "build.log").write_text("error: failed to stat\n")
    (tmp_path / INSTALLED).touch()

    assert failure(tmp_path, Logged(1, 1.0)) == Failed(FailureReason.BUILDER, NO_DATABASE)


def test_what_dnf_lacks_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text("ERROR: Command failed\n")
    (tmp_path / "root.log").write_text("No matching package to install: 'python3dist(x) >= 2'\n")

    assert failure(tmp_path, Logged(30, 1.0)) == Waiting(("python3dist(x) >= 2",))


@pytest.mark.parametrize("done", [Logged(11, 9.0), Logged(-9, 9.0, Limit.TIME)])
def test_a_time_limit_is_reported(tmp_path: Path, done: Logged) -> None:
    found = failure(tmp_path, done)

    assert isinstance(found, Failed)
    assert found.reason is FailureReason.TIME_LIMIT


def test_an_absent_mock_and_another_program_of_its_name_are_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"/no/mock is not installed") as caught:
        Mock("x.cfg", "/no/mock").find()
    assert "PyPI" in caught.value.hint

    with pytest.raises(CommandError, match="is not the mock that builds RPMs"):
        Mock("x.cfg", "true").find()


def test_root_and_an_unknown_user_are_refused_for_mock(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="must not work as root"):
        user_id("root")
    with pytest.raises(RefusedError, match="no user no-such-user"):
        user_id("no-such-user")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user becomes nobody else")
def test_mock_s_user_must_reach_the_slots(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    plan = MockPlan(closed / "slots", Bounds(), lambda: None)
    builder = MockBuilder(Mock("x.cfg", "true", "nobody"), plan, lambda _job, _cancelled: None)

    with pytest.raises(RefusedError, match="nobody cannot get through"):
        builder._check_user()


def test_the_list_of_installed_packages_is_that_of_all_builders(tmp_path: Path) -> None:
    results, folder = tmp_path / "results", tmp_path / "build"
    results.mkdir()
    folder.mkdir()
    rows = "zlib-1-2.x86_64 1596240000 7 installed\nbash-5-1.x86_64 1596240000 9 installed\n"
    (results / INSTALLED).write_text(rows)
    (results / LOCK).write_text("{}")

    _take(results, folder)

    assert (folder / INSTALLED).read_text() == "bash-5-1.x86_64\nzlib-1-2.x86_64\n"
    assert (folder / LOCK).read_text() == "{}"
    assert not results.exists()
