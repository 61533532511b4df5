"""Write the disk image of a small guest from Debian's kernel and busybox.

Runs in a root that has these packages: `make_image.py GRUB-IMAGE INIT LEASE OUTPUT`. The guest has
no disk of its own: GRUB loads the kernel and a file system in memory from a tar archive, which is
the only partition. The same packages give the same bytes.
"""

import gzip
import io
import re
import stat
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

SECTOR = 512
PARTITION_AT = 2048
"""The sector at which the partition begins; GRUB's own image is before it."""

BOOT_SECTOR = Path("/usr/lib/grub/i386-pc/boot.img")
"""GRUB's code for the first sector, which loads its image from the second sector on."""

MODULES = ("virtio_pci", "virtio_net")
"""Kernel modules that the guest loads, besides those that they depend on."""


def main(grub: Path, init: Path, lease: Path, output: Path) -> None:
    [kernel] = Path("/boot").glob("vmlinuz-*")
    modules = Path("/usr/lib/modules", kernel.name.removeprefix("vmlinuz-"), "kernel")
    memory = initramfs(init.read_bytes(), lease.read_bytes(), with_needed(modules, MODULES))
    archive = tar({"kernel": kernel.read_bytes(), "initramfs": memory})
    output.write_bytes(disk(BOOT_SECTOR.read_bytes(), grub.read_bytes(), archive))


def disk(boot_sector: bytes, grub: bytes, partition: bytes) -> bytes:
    """Return a disk with one partition that GRUB boots from."""
    if len(grub) > (PARTITION_AT - 1) * SECTOR:
        raise SystemExit(f"GRUB's image has {len(grub)} bytes, more than fit before a partition")
    entry = bytes([0x80, 0xFE, 0xFF, 0xFF, 0xDA, 0xFE, 0xFF, 0xFF])  # active, of an unknown type
    entry += PARTITION_AT.to_bytes(4, "little") + (len(partition) // SECTOR).to_bytes(4, "little")
    first = boot_sector[:446].ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa"
    return (first + grub).ljust(PARTITION_AT * SECTOR, b"\0") + partition


def tar(files: dict[str, bytes]) -> bytes:
    """Return an archive of the files, without times and owners."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            row = tarfile.TarInfo(name)
            row.size = len(content)
            archive.addfile(row, io.BytesIO(content))
    return made.getvalue()


def initramfs(init: bytes, lease: bytes, modules: dict[str, bytes]) -> bytes:
    """Return the guest's file system as the kernel unpacks it."""
    program, file = stat.S_IFREG | 0o755, stat.S_IFREG | 0o644
    folders = ("bin", "dev", "modules", "proc", "sys")
    rows = [(name, stat.S_IFDIR | 0o755, b"") for name in folders]
    rows.append(("bin/busybox", program, Path("/bin/busybox").read_bytes()))
    rows += [(f"modules/{name}.ko", file, content) for name, content in modules.items()]
    order = "".join(f"{name}\n" for name in modules)
    rows += [("modules/order", file, order.encode()), ("init", program, init)]
    rows.append(("lease", program, lease))
    return gzip.compress(b"".join(cpio(rows)), mtime=0)


def with_needed(folder: Path, wanted: Iterable[str]) -> dict[str, bytes]:
    """Return modules by name, each after its dependencies; built-in ones are left out."""
    files = {path.stem.replace("-", "_"): path for path in sorted(folder.rglob("*.ko"))}
    found: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in files and name not in found:
            content = files[name].read_bytes()
            needed = re.search(rb"\0depends=([\w,-]*)\0", content)
            for one in needed[1].decode().replace("-", "_").split(",") if needed else ():
                add(one)
            found[name] = content

    for name in wanted:
        add(name)
    return found


def cpio(rows: list[tuple[str, int, bytes]]) -> Iterator[bytes]:
    """Yield an archive in the format "newc" of names, modes and contents."""
    for number, (name, mode, content) in enumerate([*rows, ("TRAILER!!!", 0, b"")], start=1):
        path = name.encode() + b"\0"
        # inode, mode, uid, gid, links, time, size, two devices of two numbers, name's size, check
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
        yield head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
