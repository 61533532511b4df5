from pathlib import Path
from typing import cast

from rdo.bridge.wheels import RELEASE, WheelStore
from rdo.roots.content import ContentStore
from rdo.roots.platforms import BaseLayer
from rdo.tools.pip import Resolved

LEMON = Resolved("lemon", "1.0", "ab12", ())


def convert(folder: Path, upper: Path, content: str) -> None:
    """What is left to do when a root has made the RPM of a wheel."""
    upper.mkdir(exist_ok=True)
    (upper / "python3-lemon-1-1.rpm").write_text(content)
    store = WheelStore(cast(BaseLayer, None), cast(ContentStore, None), folder, folder)
    store._keep([LEMON], [upper / "python3-lemon-1-1.rpm"])


def test_a_wheel_that_another_process_converted_meanwhile_stays(tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()

    convert(folder, tmp_path / "first", "first")
    convert(folder, tmp_path / "second", "second")

    assert [path.name for path in folder.iterdir()] == [f"ab12-{RELEASE}"]
    assert (folder / f"ab12-{RELEASE}/python3-lemon-1-1.rpm").read_text() == "first"
