"""Follow the log of a build, line by line, while it is being written."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rdo.app import App
from rdo.lock import is_held
from rdo.store.work.builds import Build

_PAUSE_SECONDS = 0.5


def has_ended(app: App, build: Build) -> bool:
    """Whether a build has ended by now, or no round is left that runs it."""
    if not is_held(app.settings.target_folder(build.target) / "round.lock"):
        return True
    with app.store.read() as at:
        return not at.builds.get(build.id).is_running


def following(
    file: Path, is_over: Callable[[], bool], pause: float = _PAUSE_SECONDS
) -> Iterator[str]:
    """Yield the lines of a log until `is_over`, and everything that was written until then."""
    with file.open(errors="replace") as lines:
        started = ""
        while True:
            ends = is_over()  # checked first, so that the last lines are not missed
            for piece in lines:
                started += piece
                if started.endswith("\n"):
                    yield started
                    started = ""
            if ends:
                if started:
                    yield started
                return
            time.sleep(pause)
