"""RPMs on their way from a build to the pool: signed copies, which are what clients get."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rdo.model.artifact import Artifact, Fragment
from rdo.publish import pool
from rdo.publish.references import REPOMD
from rdo.repodata import read_rpms
from rdo.signing import Signer, SigningError
from rdo.tools.signing.public_key import key_ring

WORK = "being-signed"
"""The folder, beside the tree, of copies that are being signed."""


SignatureFault = Callable[[Path], str]
"""What is wrong with the signature of the repodata in a folder; empty if nothing is."""

MISSING, WRONG = "has no signature", "has a signature by none of the target's keys"
FAULTS = frozenset({MISSING, WRONG})


def no_fault(folder: Path) -> str:  # noqa: ARG001 - a SignatureFault
    """Return nothing: whoever has no keys cannot tell."""
    return ""


@contextlib.contextmanager
def signature_check(signer: Signer | None) -> Iterator[SignatureFault]:
    """Yield what tells whether repodata has a signature by a key of the target."""
    keys = signer.public_keys().values() if signer else ()
    if not keys:
        yield no_fault
        return
    with key_ring(dict.fromkeys(keys)) as ring:

        def fault(folder: Path) -> str:
            signature = folder / f"{REPOMD}.asc"
            if not signature.is_file():
                return MISSING
            return "" if ring.signer_of(signature, folder / REPOMD) else WRONG

        yield fault


@contextlib.contextmanager
def workplace(target_folder: Path, name: str) -> Iterator[Path]:
    """Yield the path of a new folder for signed copies, which is gone at the end of the block."""
    place = target_folder / WORK / name
    shutil.rmtree(place, ignore_errors=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sign(
    signer: Signer,
    rpms: Mapping[Artifact, Fragment],
    places: Mapping[str, Path],
    folder: Path,
) -> dict[Artifact, Fragment]:
    """Write signed copies of RPMs into a new folder, and return what they are, in order.

    `places` are the RPMs by file name. Raises SigningError if one cannot be signed, or is something
    else afterwards.
    """
    signer = signer.pinned()
    key = signer.fingerprint
    copies = signer.sign_rpms([places[one.file_name] for one in rpms], folder)
    found = {}
    for before, after in zip(rpms, read_rpms(copies), strict=True):
        built = before.built_sha256
        artifact = replace(after.artifact, signed_by=key, unsigned_sha256=built)
        if artifact != replace(
            before,
            sha256=artifact.sha256,
            size=artifact.size,
            signed_by=key,
            unsigned_sha256=built,
        ):
            raise SigningError(f"{before.file_name} is another RPM after signing")
        found[artifact] = after.fragment
    return found


def leave_once(in_pool: Mapping[Artifact, Path], build_folder: Path) -> None:
    """Replace what a build made by what was published, so that the disk has the bytes once."""
    for artifact, place in in_pool.items():
        new = build_folder / f".{artifact.file_name}.new"
        new.unlink(missing_ok=True)
        pool.link(place, new)
        new.replace(build_folder / artifact.file_name)
