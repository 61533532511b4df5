"""Rounds of a target whose packages have several builders, each with workers of its own."""

import threading
from pathlib import Path

from rdo.builders.by_package import BuilderByPackage, Share
from tests.patience import until
from tests.rounds.factory import Factory
from tests.rounds.farm import farm
from tests.rpms import make_rpms


def runs(place: Path) -> list[str]:
    """The packages whose builds a farm has begun, in order."""
    file = place / "runs"
    return file.read_text().split() if file.exists() else []


def test_a_busy_builder_does_not_delay_another_and_keeps_to_its_workers(factory: Factory) -> None:
    factory.add("a", "b", "c", "d")
    places = {name: factory.folder / name for name in ("small", "large")}
    builders = {name: farm(place) for name, place in places.items()}
    for place in places.values():
        for letter in "abcd":
            make_rpms(place / f"shelf/python-{letter}", f"python-{letter}")
    gate = factory.folder / "gate"
    for letter in "ab":
        (places["small"] / f"python-{letter}").write_text(f"until {gate}")
    others = {"python-c": "large", "python-d": "large"}
    factory.share = Share("small", others, {"small": 1, "large": 2})
    factory.other_builder = BuilderByPackage(factory.share, builders)
    reports = []

    round_ = threading.Thread(target=lambda: reports.append(factory.round()))
    round_.start()
    until(lambda: sorted(runs(places["large"])) == ["python-c", "python-d"])
    until(lambda: runs(places["small"]))
    begun = runs(places["small"])
    gate.touch()
    round_.join(120)

    assert len(begun) == 1, "its only worker waits"
    assert sorted(runs(places["small"])) == ["python-a", "python-b"]
    [report] = reports
    assert {one.build.package for one in report.built} == {f"python-{one}" for one in "abcd"}
