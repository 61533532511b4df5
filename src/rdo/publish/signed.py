"""Sign copies of a build's RPMs on their way to the pool; clients get these copies."""

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
"""The folder beside the tree with copies that are being signed."""


SignatureFault = Callable[[Path], str]
"""Returns the fault of the signature of the repodata in a folder; empty if it is good."""

MISSING, WRONG = "has no signature", "is not signed with any key of the target"
FAULTS = frozenset({MISSING, WRONG})


def no_fault(folder: Path) -> str:  # noqa: ARG001 - a SignatureFault
    """Return no fault, for callers without keys, who cannot check signatures."""
    return ""


@contextlib.contextmanager
def signature_check(signer: Signer | None) -> Iterator[SignatureFault]:
    """Yield a function that checks whether repodata has a signature by a key of the target."""
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
    """Yield the path of a new folder for signed copies; it is removed at the end of the block."""
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
    """Write signed copies of RPMs into a new folder, and return their artifacts, in order.

    `places` are the paths of the RPMs by file name. Raises SigningError if one cannot be signed, or
    has other content afterwards.
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
    """Replace the files of a build by links to the published ones, to save disk space."""
    for artifact, place in in_pool.items():
        new = build_folder / f".{artifact.file_name}.new"
        new.unlink(missing_ok=True)
        pool.link(place, new)
        new.replace(build_folder / artifact.file_name)
