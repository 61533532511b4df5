"""Write an archive of crates, laid out like `cargo vendor`; each crate is unpacked behind walls."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rdo.errors import CommandError, RefusedError
from rdo.tools.walls.as_root import AsRoot
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.id_range import id_range
from rdo.tools.walls.removal import remove_tree

MAX_UNPACKED_BYTES = 500_000_000
"""The largest unpacked size of one crate."""

CONFIG = "vendor-config.toml"
"""The file beside the folder `vendor` whose content belongs in .cargo/config.toml."""

_CONFIG_TEXT = """\
[source.crates-io]
replace-with = "vendored-sources"

[source.vendored-sources]
directory = "vendor"
"""
_UNPACK = f"""
set -eu
mkdir -p /tree/vendor
for file in /crates/*.crate; do
    name=$(basename "$file" .crate)
    mkdir /tree/one
    gzip -dc "$file" | head -c {MAX_UNPACKED_BYTES} |
        tar -x --no-same-owner --no-same-permissions -C /tree/one || exit 1
    if [ -L "/tree/one/$name" ] || [ ! -f "/tree/one/$name/Cargo.toml" ]; then
        echo "$name.crate has no folder $name with a Cargo.toml" >&2
        exit 1
    fi
    rm -rf "/tree/one/$name/.cargo-checksum.json"
    cp "/crates/$name.json" "/tree/one/$name/.cargo-checksum.json"
    mv "/tree/one/$name" /tree/vendor/
    rm -rf /tree/one
done
cp /crates/{CONFIG} /tree/{CONFIG}
chmod -R u+rwX,go+rX,go-w /tree
"""
_PACK = f"""
set -eu
cd /tree
tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner vendor {CONFIG} |
    xz -T1 > /made/vendor.tar.xz
xz -t /made/vendor.tar.xz
"""


def write_crate_archive(crates: Mapping[Path, str], target: Path) -> None:
    """Write the archive `target` of crates, each with its checksum in Cargo.lock.

    The same crates give the same bytes. Files are named `NAME-VERSION.crate`, which the caller has
    checked. Raises RefusedError for a crate that cannot be unpacked.
    """
    work = Path(tempfile.mkdtemp(prefix="rdo-crates-"))
    try:
        given, tree, made = (_folder(work / name) for name in ("crates", "tree", "made"))
        for path, checksum in crates.items():
            shutil.copyfile(path, given / path.name)
            (given / f"{path.stem}.json").write_text(f'{{"files":{{}},"package":"{checksum}"}}')
        (given / CONFIG).write_text(_CONFIG_TEXT)
        for path in given.iterdir():
            path.chmod(0o644)
        try:
            _as_root(Bind(given, "/crates"), Bind(tree, "/tree", writable=True)).ask(
                "sh", "-c", _UNPACK
            )
        except CommandError as error:
            said = str(error).strip().splitlines()[-1]
            raise RefusedError(f"a crate cannot be unpacked: {said}") from error
        _as_root(Bind(tree, "/tree"), Bind(made, "/made", writable=True)).ask("sh", "-c", _PACK)
        new = target.with_name(f".{target.name}.new")
        shutil.copyfile(made / "vendor.tar.xz", new)
        new.replace(target)
    finally:
        remove_tree(work)


def _as_root(*binds: Bind) -> AsRoot:
    return AsRoot(binds)


def _folder(path: Path) -> Path:
    """Make a folder that belongs to root inside."""
    path.mkdir()
    path.parent.chmod(0o755)
    ids = id_range()
    if ids.is_root:
        os.chown(path, *ids.root)
    return path
