import os
import subprocess
import sys
from pathlib import Path

from rdo.roots.platform.definition import built_in_platform
from rdo.roots.platform.macro_layer import macro_layer
from rdo.roots.programs import PROGRAM_FOLDER


def test_a_module_of_the_package_may_be_called_as_our_programs_are(tmp_path: Path) -> None:
    layer = macro_layer(built_in_platform("deb12-x86_64"), tmp_path)
    package = tmp_path / "installed/rdo"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "elsewhere.py").write_text("print('imported')\n")

    done = subprocess.run(
        [sys.executable, f"{layer}{PROGRAM_FOLDER}", "check_import", "rdo", "rdo.elsewhere"],
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "imported\n"), done.stderr
    assert done.stderr.splitlines() == ["import rdo", "import rdo.elsewhere"]
