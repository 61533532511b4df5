"""The times of builds that `rdo trunk queue` shows."""

from datetime import timedelta

from rdo.model.text.dates import minute
from rdo.trunk.views.queue import as_line, as_row, open_builds
from tests.unit.trunk.views.scene import NOW, B, Scene


def test_a_running_build_counts_from_its_start_and_a_queued_one_from_its_plan(
    scene: Scene,
) -> None:
    running = scene.plan()
    scene.plan(B)
    scene.now += timedelta(hours=1)
    scene.start(running)

    first, second = open_builds([scene.trunk])

    began = NOW + timedelta(hours=1)
    assert (as_row(first)["since"], as_row(second)["since"]) == (began, NOW)
    assert (as_line(first)[6], as_line(second)[6]) == (minute(began), minute(NOW))
