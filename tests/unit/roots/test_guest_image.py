import gzip
import io
import tarfile
from pathlib import Path

import pytest

from rdo.roots.guest.make_image import PARTITION_AT, SECTOR, cpio, disk, tar, with_needed


def test_a_disk_has_one_partition_behind_the_code_that_loads_it() -> None:
    archive = tar({"kernel": b"k" * 1000, "initramfs": gzip.compress(b"x", mtime=0)})

    made = disk(b"\xeb" * 512, b"grub" * 100, archive)

    assert (made[:4], made[446], made[510:512]) == (b"\xeb" * 4, 0x80, b"\x55\xaa")
    assert made[SECTOR : SECTOR + 4] == b"grub"
    first, sectors = (int.from_bytes(made[at : at + 4], "little") for at in (454, 458))
    partition = made[first * SECTOR : (first + sectors) * SECTOR]
    assert (first, len(made) % SECTOR) == (PARTITION_AT, 0)
    with tarfile.open(fileobj=io.BytesIO(partition)) as found:
        assert found.getnames() == ["kernel", "initramfs"]


def test_code_that_reaches_into_the_partition_is_refused() -> None:
    with pytest.raises(SystemExit, match="more than fit before a partition"):
        disk(b"", bytes(PARTITION_AT * SECTOR), b"")


def test_a_module_comes_after_those_that_it_needs(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    for name, needs in {"a": "b-c,d", "b-c": "", "d": "b_c,built_in", "e": ""}.items():
        (tmp_path / "net" / f"{name}.ko").write_bytes(b"\0depends=" + needs.encode() + b"\0")

    assert list(with_needed(tmp_path, ["a", "built_in"])) == ["b_c", "d", "a"]


def test_members_of_an_archive_begin_at_multiples_of_four() -> None:
    parts = list(cpio([("init", 0o100755, b"abcde"), ("bin", 0o40755, b"")]))

    assert [len(part) % 4 for part in parts] == [0, 0, 0]
    assert parts[0][:6] == b"070701"
    assert int(parts[0][54:62], 16) == 5  # the size of the content
