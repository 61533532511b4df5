"""What signatures cost: RPMs signed at once, one publication, and checking what was signed.

    python -m benchmarks.signing [N]

Everything is real: gpg, rpmsign, rpmkeys in the sandbox, the store and the tree.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.tools.signing.gpg_home import GpgHome
from rdo.tools.signing.rpm_signature import badly_signed
from tests.publishing import TARGET, RpmShelf, factory, package
from tests.rpms import make_rpms


@dataclass(frozen=True, slots=True)
class Times:
    """Processor seconds, ours and those of programs, which a loaded machine does not change.

    For N RPMs at once, to check them again, and for a publication of two RPMs.
    """

    rpms: int
    sign: float
    check: float
    publish: float
    publish_signed: float


def measure(count: int) -> Times:
    """Sign `count` small RPMs, then publish a build with and without a key."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        home = GpgHome(folder / "home", is_ours=True)
        key = home.create_key("RDO benchmark", expires="1y")
        way = ByOwnKey(TARGET, folder / "home", key)
        rpm = make_rpms(folder / "made")[-1]
        (folder / "many").mkdir()
        rpms = [folder / "many" / f"{number}.rpm" for number in range(count)]
        for copy in rpms:
            shutil.copyfile(rpm, copy)
        signer = Signer(TARGET, way, folder / "tree", "http://127.0.0.1")
        signer.check()
        sign = _seconds(lambda: signer.sign_rpms(rpms, folder / "signed"))
        done = sorted((folder / "signed").iterdir())
        check = _seconds(lambda: badly_signed(done, [home.export(key)], folder / "signed"))
        with factory(folder, RpmShelf(folder / "shelf"), package("python-a")) as made:
            made.publish("python-a", "a0")
            one, two = (made.build("python-a", f"a{number}", "1.1") for number in (1, 2))
            publish = _seconds(lambda: made.tree.publish(one, made.folder_of(one), made.members))
            made.tree.signer = Signer(TARGET, way, made.tree.repos, "http://127.0.0.1")
            made.tree.signer.check()
            signed = _seconds(lambda: made.tree.publish(two, made.folder_of(two), made.members))
    return Times(count, sign, check, publish, signed)


def _seconds(act: Callable[[], object]) -> float:
    started = os.times()
    act()
    return sum(now - before for now, before in zip(os.times()[:4], started[:4], strict=True))


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    found = measure(count)
    each = 1000 / found.rpms
    lines = (
        f"{found.rpms} RPMs signed: {found.sign:.2f} s, {found.sign * each:.0f} ms each",
        f"checked again: {found.check:.2f} s, {found.check * each:.1f} ms each",
        f"a publication: {found.publish:.2f} s; signed: {found.publish_signed:.2f} s",
    )
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
