"""A build farm in twenty lines: it does what was announced for each package, and counts."""

import sys
from pathlib import Path
from typing import TypeVar

from rdo.builders.command import CommandBuilder, DetachedCommandBuilder
from rdo.model.program import Bounds
from rdo.tools.command import Command

Detaching = TypeVar("Detaching", bound=DetachedCommandBuilder)

SCRIPT = r"""
import glob, os, pathlib, shutil, subprocess, sys, time
srpm, results, package = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
plan = pathlib.Path(__file__).with_name(package)
with plan.with_name("runs").open("a") as runs:
    runs.write(f"{package}\n")
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
if act == "until":
    plan.with_name("pid.new").write_text(str(os.getpid()))
    plan.with_name("pid.new").replace(plan.with_name("pid"))
while act == "until" and not pathlib.Path(argument).exists():
    time.sleep(0.02)
while act == "shout":
    print("a" * 1000)
while act == "fill":
    (results / str(time.time())).write_bytes(bytes(10**6))
if act == "deep":
    os.chdir(results)
    for _ in range(int(argument)):
        os.mkdir("d")
        os.chdir("d")
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
    bounds = Bounds(seconds, log_bytes, disk_bytes=disk_bytes)
    return CommandBuilder(_client(folder), bounds)


def detached_farm(folder: Path, kind: type[Detaching], *, seconds: float = 60) -> Detaching:
    """The same with a client that outlives the round; `kind` is the builder's class."""
    bounds = Bounds(seconds, 1_000_000, disk_bytes=50_000_000)
    return kind(_client(folder), bounds)


def _client(folder: Path) -> Command:
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "farm.py"
    if not script.exists():  # a client that outlives its round may be reading it
        script.write_text(SCRIPT)
    words = (sys.executable, "-S", str(script), "{srpm}", "{resultdir}", "{package}")
    return Command(words)
