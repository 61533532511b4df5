from pathlib import Path

import pytest

from rdo.bridge.lock_file import (
    LockedPackage,
    LockFile,
    PackageOrigin,
    VersionChange,
    merged,
    reasons,
    version_changes,
)
from rdo.errors import ConfigError

ENTRIES = (
    LockedPackage(
        PackageOrigin.PYPI,
        "requests-kerberos",
        "0.14",
        "aa",
        requires=("requests>=1.1", "pyspnego[kerberos]"),
        asked_by=("python3dist(requests-kerberos) >= 0.8",),
    ),
    LockedPackage(
        PackageOrigin.PYPI,
        "pyspnego",
        "0.10",
        "bb",
        requires=('krb5>=0.3; extra == "kerberos"', "not one"),
    ),
    LockedPackage(PackageOrigin.PYPI, "krb5", "0.5", "cc"),
    LockedPackage(PackageOrigin.PYPI, "requests", "2.31", "dd", requires=("idna<4",)),
    LockedPackage(PackageOrigin.PYPI, "idna", "3.6", "ee"),
    LockedPackage(
        PackageOrigin.DEBIAN, "libssl-dev", "3.0", "ff", asked_by=("openssl-devel >= 1",)
    ),
)


def why(name: str) -> list[str]:
    return [str(reason) for reason in reasons(LockFile(ENTRIES), name)]


def test_a_reason_leads_to_what_a_build_asked_for() -> None:
    assert why("idna") == [
        "idna 3.6: requests 2.31 requires idna<4",
        "requests 2.31: requests-kerberos 0.14 requires requests>=1.1",
        "requests-kerberos 0.14: a build requires python3dist(requests-kerberos) >= 0.8",
    ]


def test_an_extra_that_somebody_asks_for_is_a_reason() -> None:
    assert why("krb5")[0] == ('krb5 0.5: pyspnego 0.10 requires krb5>=0.3; extra == "kerberos"')


def test_a_requirement_counts_for_the_interpreter_of_the_wheels() -> None:
    redis = LockedPackage(
        PackageOrigin.PYPI,
        "redis",
        "5.0",
        "aa",
        requires=('async-timeout; python_full_version <= "3.11.2"',),
    )
    timeout = LockedPackage(PackageOrigin.PYPI, "async-timeout", "4.0", "bb")

    older, newer = (
        reasons(LockFile((redis, timeout), python=python), "async-timeout")
        for python in ("3.11.2", "3.11.3")
    )

    assert [one.because_of for one in older] == [f"redis 5.0 requires {redis.requires[0]}"]
    assert newer == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("python3-requests", "requests"),
        ("python3dist(requests) >= 1", "requests"),
        ("Requests", "requests"),
        ("openssl-devel", "libssl-dev"),
        ("libssl-dev", "libssl-dev"),
    ],
)
def test_a_package_is_found_by_any_of_its_names(name: str, meant: str) -> None:
    assert why(name)
    assert all(line.startswith(meant) for line in why(name)[:1])


def test_what_is_not_bridged_has_no_reasons() -> None:
    assert why("nosuch") == []


def test_a_lock_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    locked = LockFile(ENTRIES, "0123456789abcdef", python="3.11.2")

    locked.write(tmp_path / "bridge.json")

    assert LockFile.read(tmp_path / "bridge.json") == locked
    assert LockFile.read(tmp_path / "none.json") == LockFile()


@pytest.mark.parametrize("text", ["", "{}", '{"snapshot": "x", "packages": [{}]}', "[]"])
def test_a_damaged_lock_file_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "bridge.json").write_text(text)

    with pytest.raises(ConfigError, match=r"bridge\.json is damaged"):
        LockFile.read(tmp_path / "bridge.json")


def test_a_newer_choice_keeps_the_reasons_of_the_older_one() -> None:
    new = LockedPackage(PackageOrigin.PYPI, "Requests", "3.0", "gg", asked_by=("python3-requests",))
    old = LockedPackage(
        PackageOrigin.PYPI, "requests", "2.0", "hh", asked_by=("python3dist(requests)",)
    )

    (one,) = merged([old], [new])

    assert (one.version, one.asked_by) == ("3.0", ("python3dist(requests)", "python3-requests"))


def test_version_changes_are_what_came_went_and_moved() -> None:
    before = [
        LockedPackage(PackageOrigin.PYPI, name, "1", "aa") for name in ("gone", "old", "same")
    ]
    after = [
        LockedPackage(PackageOrigin.PYPI, "same", "1", "bb"),
        LockedPackage(PackageOrigin.PYPI, "old", "2", "aa"),
        LockedPackage(PackageOrigin.DEBIAN, "new", "3", "cc"),
    ]

    assert version_changes(before, after) == [
        VersionChange("gone", "1", None),
        VersionChange("new", None, "3"),
        VersionChange("old", "1", "2"),
    ]
    assert version_changes(after, after) == []
