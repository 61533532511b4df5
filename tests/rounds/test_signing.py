"""Rounds of a signed target: a failure of the signer is not a failure of a package."""

import shutil

import pytest

from rdo.publish.references import is_signed
from rdo.signing import Signer, SigningError
from rdo.signing.ways import ByCommand
from rdo.trunk.care import verify
from rdo.trunk.context import Trunk
from rdo.trunk.plan import PlanRules
from rdo.trunk.round import RoundOptions, run_round
from rdo.trunk.views.report import Report
from tests.rounds.factory import TARGET, Factory
from tests.rounds.farm import farm
from tests.rpms import make_rpms
from tests.tools.publish.test_signing import Keys

pytestmark = pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed")


def trunk_of(factory: Factory, way: ByCommand) -> Trunk:
    trunk = factory.trunk
    trunk.tree.signer = Signer(TARGET, way, trunk.tree.repos, "http://x", 20, factory.clock)
    return trunk


def do_round(trunk: Trunk) -> Report:
    return run_round(trunk, RoundOptions(PlanRules()))


def test_a_signing_command_that_fails_ends_the_round_and_the_next_one_publishes(
    factory: Factory, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = Keys(tmp_path_factory.mktemp("keys"))  # the path of an agent's socket must be short
    factory.add("a", "b")
    for name in ("a", "b"):
        make_rpms(factory.folder / "farm/shelf" / f"python-{name}", f"python-{name}")
    factory.other_builder = farm(factory.folder / "farm")
    factory.workers = 1
    runs = factory.folder / "farm/runs"

    for _ in range(5):  # more often than a package is tried
        with pytest.raises(SigningError, match="the signing server does not answer"):
            do_round(trunk_of(factory, keys.command("fail")))
    failed = runs.read_text().split()
    with factory.store.read() as at:
        states = at.packages.states(TARGET)
    report = do_round(trunk_of(factory, keys.command("sign")))

    assert len(failed) == 1
    assert [one.package for one in states if one.is_ftbfs] == []
    assert report.exit_code == 0
    assert report.ftbfs == ()
    assert sorted(runs.read_text().split()) == ["python-a", "python-b"]
    current = factory.name("current")
    assert current == factory.name("consistent")
    assert current
    assert is_signed(current, "delorean")
    assert verify.verify(trunk_of(factory, keys.command("sign"))).is_clean
