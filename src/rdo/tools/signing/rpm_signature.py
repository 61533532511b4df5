"""The signatures of RPM files: whether known keys made them, and the content that they cover."""

import hashlib
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from rdo.disk_usage import is_full
from rdo.errors import CommandError, NoSpaceError, RefusedError
from rdo.tools.walls.sandbox import Sandbox

_LEAD = 96
_MAGIC = b"\x8e\xad\xe8\x01"
_MOST_ENTRIES, _MOST_BYTES = 0xFFFF, 256 << 20
_AT_ONCE = 200
_CHECK = """\
db=$1
shift
rpmkeys --dbpath "$db" --import /sandbox/*.key || exit
check() { rpmkeys --dbpath "$db" --define '_pkgverify_level all' --checksig "$@" >/dev/null 2>&1; }
check "$@" && exit 0
for rpm; do
  check "$rpm" || printf '%s\\n' "$rpm"
done
"""


def badly_signed(
    rpms: Sequence[Path],
    keys: Sequence[bytes],
    folder: Path,
    *,
    sandbox: Sandbox | None = None,
    timeout: float = 600.0,
) -> tuple[Path, ...]:
    """Return the RPMs, all of them in `folder`, without a valid signature by one of `keys`.

    rpm reads them in the sandbox, because strangers wrote their content. Raises CommandError if it
    cannot check anything, NoSpaceError if the disk with its keys is full, because rpm then knows no
    key.
    """
    if not keys:
        return tuple(rpms)
    files = {f"{number}.key": key for number, key in enumerate(keys)}
    bad: list[Path] = []
    for start in range(0, len(rpms), _AT_ONCE):
        part = {str(one.parent.resolve() / one.name): one for one in rpms[start : start + _AT_ONCE]}
        with tempfile.TemporaryDirectory(prefix="rdo-keys-") as database:
            done = (sandbox or Sandbox()).ask(
                *("sh", "-c", _CHECK, "sh", str(Path(database).resolve()), *part),
                readable=(folder,),
                writable=(Path(database),),
                files=files,
                timeout=timeout,
            )
            if (done.returncode or done.stdout) and is_full(Path(database)):
                raise NoSpaceError(
                    f"no space left in {Path(database).parent} to check signatures",
                    hint="free some space and try again",
                )
        if done.returncode:
            raise CommandError(f"signatures cannot be checked: {done.stderr.strip()[-500:]}")
        bad += [part[line] for line in done.stdout.splitlines()]
    return tuple(bad)


def signed_content(rpm: Path) -> str:
    """Return the sha256 of an RPM's header and payload, without its signatures.

    Signing does not change it. Raises RefusedError for a file that is not an RPM.
    """
    with rpm.open("rb") as file:
        _skip_signatures(rpm, file)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _skip_signatures(rpm: Path, file: IO[bytes]) -> None:
    start = file.read(_LEAD + 16)
    if len(start) < _LEAD + 16 or start[_LEAD : _LEAD + 4] != _MAGIC:
        raise RefusedError(f"{rpm.name} is not an RPM")
    entries, size = struct.unpack(">II", start[-8:])
    if entries > _MOST_ENTRIES or size > _MOST_BYTES:
        raise RefusedError(f"{rpm.name} is not an RPM: its signatures are too long")
    file.seek(_LEAD + 16 + 16 * entries + (size + 7) // 8 * 8)
    if file.read(4) != _MAGIC:
        raise RefusedError(f"{rpm.name} is not an RPM: its header is missing")
