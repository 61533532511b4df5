"""A build farm in twenty lines: it does for each package what was announced."""

import sys
from pathlib import Path

from rdo.builders.command import CommandBuilder
from rdo.model.program import Bounds
from rdo.tools.command import Command

SCRIPT = r"""
import glob, os, pathlib, shutil, subprocess, sys, time
srpm, results, package = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
plan = pathlib.Path(__file__).with_name(package)
act, _, argument = plan.read_text().partition(" ") if plan.exists() else ("build", "", "")
if act == "say":
    print(argument)
    sys.exit(1)
if act == "exit":
    sys.exit(int(argument))
if act == "log":
    (results / "build.log").write_text(argument)
    sys.exit(1)
if act == "sleep":
    pathlib.Path(argument).write_text(str(os.getpid()))
    subprocess.run(["sleep", "600"])
while act == "shout":
    print("a" * 1000)
while act == "fill":
    (results / str(time.time())).write_bytes(bytes(10**6))
shelf = pathlib.Path(__file__).parent / "shelf" / package
for rpm in [srpm] if act == "srpm" else glob.glob(f"{shelf}/*.rpm"):
    shutil.copy(rpm, results) if act != "nothing" else None
"""


def farm(
    folder: Path,
    *,
    seconds: float = 60,
    log_bytes: int = 1_000_000,
    disk_bytes: int = 50_000_000,
) -> CommandBuilder:
    """The command builder with the farm's client; what it copies is in `folder`/shelf/PACKAGE."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "farm.py"
    script.write_text(SCRIPT)
    words = (sys.executable, "-S", str(script), "{srpm}", "{resultdir}", "{package}")
    return CommandBuilder(Command(words), Bounds(seconds, log_bytes, disk_bytes=disk_bytes))
