"""`rdo pkg vendor-crates`: pack the crates that a Rust source requires, as a second source."""

from pathlib import Path

import click

from rdo.cli import output


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--lock",
    default="Cargo.lock",
    show_default=True,
    metavar="PATH",
    help="Path of the lock file in SOURCE, below its top folder.",
)
@click.option(
    "--index",
    metavar="URL",
    envvar="RDO_CRATES_INDEX",
    default="https://index.crates.io/",
    show_default=True,
    help="Sparse index to download crates from. RDO_CRATES_INDEX sets it too.",
)
@click.option(
    "--output",
    "-o",
    "archive",
    type=click.Path(path_type=Path),
    help="Archive to write. Default: SOURCE's name with -vendor.tar.xz, in the current folder.",
)
@output.json_option
def vendor_crates(source: Path, lock: str, index: str, archive: Path | None, as_json: bool) -> None:
    """Make an archive of the crates that SOURCE's Cargo.lock names, for a second Source.

    SOURCE is a source archive, its unpacked folder, or a Cargo.lock. Each crate is compared with
    its checksum there. The archive has what `cargo vendor` makes; the same crates give the same
    bytes. docs/how-to/package-rust.md shows what the spec needs.

    \b
    rdo pkg vendor-crates rpds_py-0.20.0.tar.gz
    rdo pkg vendor-crates cryptography-42.0.5.tar.gz --lock src/rust/Cargo.lock
    """
    from rdo.distgit.new_package.crates import CrateIndex, vendor

    made = vendor(source, CrateIndex(index), archive, lock=lock)
    count = len(made.crates)
    lines = [
        f"wrote {made.archive}: {count} crate{'' if count == 1 else 's'}",
        f"SHA256 ({made.archive.name}) = {made.sha256}",
        f"next: Source1: {made.archive.name}, as docs/how-to/package-rust.md shows",
    ]
    output.show(made, as_json, "\n".join(lines))
