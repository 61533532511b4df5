"""Checks that open RPM files: paths of two packages, lying names, damage, signatures."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.checks.findings import CheckAnswer, CheckName
from rdo.promotion.checking import Surroundings, check
from rdo.promotion.compositions import find
from rdo.publish import pool
from rdo.publish.site import Members
from rdo.tools.rpm.createrepo import CreateRepo
from tests.publishing import Factory, open_target, package
from tests.rpms import make_rpms

ALONE = Surroundings("x86_64")
CONFIG = "/etc/shared.conf"


@pytest.fixture
def made(made: Factory) -> Factory:
    made.members = Members(
        tuple(
            replace(package(f"python-{letter}"), maintainers=(f"{letter}@example.test",))
            for letter in "abc"
        )
    )
    return made


def answer(made: Factory, name: CheckName, around: Surroundings = ALONE) -> CheckAnswer:
    target = open_target(made)
    [found] = check(target, find(target, "current"), around, names=[name])
    return found


def in_pool(made: Factory, rpm: str) -> Path:
    [found] = (made.tree.repos / pool.NAME).glob(f"*/{rpm}")
    return found


def test_two_packages_with_another_content_of_one_path_are_reported(made: Factory) -> None:
    made.publish("python-a", "a1", files=((CONFIG, "one"), ("/usr/bin/tool", "-> python3")))
    made.publish("python-b", "b1", files=((CONFIG, "two"), ("/usr/bin/tool", "-> python2")))

    [found] = answer(made, CheckName.FILES).findings

    assert found.package == "python-a"
    assert found.what == (
        "python3-a-1.0-1.noarch and python3-b-1.0-1.noarch cannot be installed together: "
        "both have /etc/shared.conf"
    )
    assert found.chain == ("/etc/shared.conf: content", "/usr/bin/tool: content")
    assert found.maintainers == ("a@example.test",)


def test_the_same_content_conflicts_with_nothing(made: Factory) -> None:
    made.publish("python-a", "a1", files=((CONFIG, "one"),))
    made.publish("python-b", "b1", files=((CONFIG, "one"),))

    assert answer(made, CheckName.FILES).passed


@pytest.mark.parametrize("relation", ["Conflicts: python3-a", "Obsoletes: python3-a < 9"])
def test_packages_that_no_host_has_at_once_do_not_conflict(made: Factory, relation: str) -> None:
    made.publish("python-a", "a1", files=((CONFIG, "one"),))
    made.publish("python-b", "b1", requires=(f"python3-c\n{relation}",), files=((CONFIG, "two"),))
    made.publish("python-c", "c1")

    assert answer(made, CheckName.FILES).passed


def test_files_of_dependencies_are_compared_too(made: Factory, tmp_path: Path) -> None:
    make_rpms(tmp_path / "deps", "python-dep", files=((CONFIG, "other"),))
    CreateRepo().create(tmp_path / "deps")
    snapshot = made.tree.repos / "deps/0123456789abcdef"
    snapshot.parent.mkdir(parents=True)
    shutil.move(tmp_path / "deps", snapshot)
    url = "http://127.0.0.1/master-deb12/repos/deps/0123456789abcdef"
    (made.tree.repos / "delorean-deps.repo").write_text(f"[deps]\nbaseurl={url}\n")
    made.publish("python-a", "a1", files=((CONFIG, "one"),))

    [found] = answer(made, CheckName.FILES).findings

    assert "python3-a-1.0-1.noarch and python3-dep-1.0-1.noarch" in found.what


def test_an_rpm_whose_name_lies_is_reported(made: Factory, tmp_path: Path) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    liar = in_pool(made, "python3-b-1.0-1.noarch.rpm")
    other = in_pool(made, "python3-a-1.0-1.noarch.rpm").read_bytes()
    liar.unlink()
    liar.write_bytes(other)

    [found] = answer(made, CheckName.INTACT).findings

    assert found.package == "python-b"
    assert found.what == (
        "python3-b-1.0-1.noarch.rpm: its header says that it is python3-a-1.0-1.noarch, "
        "the metadata python3-b-1.0-1.noarch"
    )


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (b"", "it is not an RPM, or is cut off"),
        (b"\xed\xab\xee\xdb" + b"\0" * 500, "it is not an RPM, or is cut off"),
        (
            b"\xed\xab\xee\xdb" + b"\0" * 92 + b"\x8e\xad\xe8\x01" + b"\0\0\0\0" + b"\xff" * 8,
            "its header is larger than any package's",
        ),
    ],
    ids=["empty", "no header", "header without end"],
)
def test_a_corrupt_rpm_is_reported(made: Factory, damage: bytes, told: str) -> None:
    made.publish("python-a", "a1")
    rpm = in_pool(made, "python3-a-1.0-1.noarch.rpm")
    rpm.unlink()
    rpm.write_bytes(damage)

    [found] = answer(made, CheckName.INTACT).findings

    assert found.what == f"python3-a-1.0-1.noarch.rpm: {told}"
    assert answer(made, CheckName.FILES).passed, "it is told once"


def test_a_changed_payload_and_a_lost_file_are_reported(made: Factory) -> None:
    made.publish("python-a", "a1")
    rpm = in_pool(made, "python3-a-1.0-1.noarch.rpm")
    content = rpm.read_bytes()
    rpm.unlink()
    rpm.write_bytes(content[:-1] + b"!")
    source = in_pool(made, "python-a-1.0-1.src.rpm")
    source.unlink()

    found = answer(made, CheckName.INTACT).findings

    assert sorted(one.what for one in found) == [
        "python-a-1.0-1.src.rpm: it cannot be opened: No such file or directory",
        "python3-a-1.0-1.noarch.rpm: its content is not what was published",
    ]


def test_unsigned_rpms_are_reported_where_the_target_has_a_key(made: Factory) -> None:
    made.publish("python-a", "a1")

    skipped = answer(made, CheckName.SIGNED)
    found = answer(made, CheckName.SIGNED, replace(ALONE, keys=("0123456789abcdef",)))

    assert skipped.skipped
    assert [one.what for one in found.findings] == [
        "python-a-1.0-1.src.rpm is not signed",
        "python3-a-1.0-1.noarch.rpm is not signed",
    ]
