import os
from pathlib import Path

from rdo.model.artifact import Artifact
from rdo.model.nevra import Nevra
from rdo.publish import pool

ARTIFACT = Artifact("a-1-1.noarch.rpm", Nevra("a", 0, "1", "1", "noarch"), "5a", 3, is_source=False)


def test_an_rpm_is_in_the_pool_by_its_content(tmp_path: Path) -> None:
    rpm = tmp_path / ARTIFACT.file_name
    rpm.write_text("rpm")
    rpm.chmod(0o600)

    place = pool.add(tmp_path / "pool", rpm, ARTIFACT)

    assert place.relative_to(tmp_path) == Path(pool.href(ARTIFACT))
    assert place.samefile(rpm)
    assert place.stat().st_mode & 0o777 == 0o644


def test_adding_again_keeps_what_is_there(tmp_path: Path) -> None:
    rpm = tmp_path / ARTIFACT.file_name
    rpm.write_text("rpm")
    first = pool.add(tmp_path / "pool", rpm, ARTIFACT).stat().st_ino
    rpm.unlink()
    rpm.write_text("rpm")

    assert pool.add(tmp_path / "pool", rpm, ARTIFACT).stat().st_ino == first


def test_where_links_are_impossible_a_copy_is_made(tmp_path: Path) -> None:
    other = Path("/dev/shm")  # another file system, on any Linux
    rpm = other / f"rdo-test-{os.getpid()}.rpm"
    rpm.write_text("rpm")
    try:
        pool.link(rpm, tmp_path / "copy.rpm")
    finally:
        rpm.unlink()

    assert (tmp_path / "copy.rpm").read_text() == "rpm"
    assert {entry.name for entry in tmp_path.iterdir()} == {"copy.rpm", "home"}
