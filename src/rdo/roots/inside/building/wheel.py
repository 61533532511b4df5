"""%pyproject_wheel: build a wheel of the source with its own backend. Runs inside the root."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PIP = (
    *("--no-deps", "--use-pep517", "--no-build-isolation", "--no-index", "--no-cache-dir"),
    *("--disable-pip-version-check", "--progress-bar", "off", "--verbose"),
)


def build(output: Path, scratch: Path, settings: Sequence[str]) -> int:
    """Build the source in the current folder and return pip's exit status.

    `settings` are `KEY=VALUE`.

    Files compiled in `scratch`, inside the source, are found again by -debugsource.
    """
    for folder in (output, scratch):
        folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "wheel", "--wheel-dir", str(output), *_PIP]
    command += [f"--config-settings={setting}" for setting in settings]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    return subprocess.run([*command, "."], env=environment, check=False).returncode


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="%pyproject_wheel")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("-C", "--config-settings", action="append", default=[], dest="settings")
    args = parser.parse_args(argv)
    return build(args.output, args.scratch, args.settings)
