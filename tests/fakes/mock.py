"""A mock whose chroot is this machine, and its mock-hermetic-repo: strict about their options.

It knows the options that we give and no others, and builds as mock does, with rpmbuild. Its chroot
"has" the RPMs of the repositories that are added. What the real programs refuse, it refuses with
their words and exit status.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rdo.tools.rpm.mock import user_id

CONFIG = "fedora-42-x86_64"
"""A configuration with a bootstrap image that is ready."""
CONFIG_WITHOUT_IMAGE = "legacy-7-x86_64"

MISUSES: dict[str, tuple[dict[str, Any], str]] = {
    "its own configuration": (
        {"words": ("-r", CONFIG)},
        "you can not select the chroot configuration with the -r/--root option",
    ),
    "a lock without an image": ({"is_ready": False}, "did not record the bootstrap_image_ready"),
    "a folder without repodata": (
        {"has_repodata": False},
        "doesn't seem to be a valid offline RPM repository (RPM metadata not found)",
    ),
}
"""What `misuse` is given, and what both this mock and a real one say then, with status 5."""

_IMAGE = "images.example/fedora:42"
_DIGEST = "sha256:1234"

_MOCK = """\
#!{python}
import argparse, json, pathlib, shlex, subprocess, sys

def refuse(said, status=5):
    print(f"ERROR: {{said}}")
    sys.exit(status)

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--version", action="version", version="{version}")
parser.add_argument("-r", default="default")
parser.add_argument("--rebuild", action="store_true")
for option in ("--uniqueext", "--resultdir", "--isolation"):
    parser.add_argument(option, required=True)
plugins = ("--enable-plugin", "--disable-plugin")
for option in ("--with", "--define", "--addrepo", "--config-opts", *plugins):
    parser.add_argument(option, action="append", default=[])
for option in ("--cleanup-after", "--nocheck"):
    parser.add_argument(option, action="store_true")
if {repeats}:
    parser.add_argument("--hermetic-build", nargs=2, metavar=("LOCKFILE", "REPO_DIRECTORY"))
parser.add_argument("srpm")
given = parser.parse_args()
if unknown := {{*given.enable_plugin, *given.disable_plugin}} - {plugins}:
    refuse(f"Bad option for '--enable-plugin={{unknown.pop()}}'. Expecting one of: {plugins}")
options = dict(one.split("=", 1) for one in given.config_opts)
locked = getattr(given, "hermetic_build", None)
results = pathlib.Path(given.resultdir)
macros = dict(one.split(" ", 1) for one in given.define)
if locked:
    if given.r != "default":
        refuse("The --hermetic-build mode uses a special chroot configuration, you can not select"
               " the chroot configuration with the -r/--root option.")
    lock = json.loads(pathlib.Path(locked[0]).read_text())
    if not lock["config"].get("bootstrap_image_ready"):
        refuse(f"The file {{locked[0]}} did not record the bootstrap_image_ready=True config")
    repository = pathlib.Path(locked[1])
    if not (repository / "repodata").is_dir():
        refuse(f"The {{repository}} doesn't seem to be a valid offline RPM repository (RPM metadata"
               " not found)")
    image = lock["config"]["bootstrap_image"].split(":")[0] + "@" + lock["bootstrap"]["pull_digest"]
    if not (repository / image).is_dir():
        refuse("Image pull failed", 25)
    macros |= {{name[1:]: value for name, value in lock["config"]["macros"].items()}}
    rpms = sorted(repository.glob("*.rpm"))
elif given.r not in {configs}:
    refuse(f"Could not find required config file: /etc/mock/{{given.r}}.cfg")
else:
    folders = [pathlib.Path(url.removeprefix("file://").split(",")[0]) for url in given.addrepo]
    rpms = sorted(rpm for one in folders for rpm in one.glob("*.rpm") if ".src." not in rpm.name)

def asked(rpm, form):
    command = ["rpm", "-qp", "--nosignature", "--qf", form, rpm]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout

if "buildroot_lock" in given.enable_plugin and not locked:
    rows = [{{"name": asked(rpm, "%{{NAME}}"), "sigmd5": asked(rpm, "%{{SIGMD5}}"),
             "url": rpm.as_uri()}} for rpm in rpms]
    ready = given.r == "{config}"
    image = {{"pull_digest": "{digest}", "image_digest": "5678"}} if ready else {{}}
    (results / "buildroot_lock.json").write_text(json.dumps({{
        "version": "1.1.0",
        "buildroot": {{"rpms": rows}},
        "config": {{
            "bootstrap_image": "{image}",
            "bootstrap_image_ready": ready,
            "macros": {{f"%{{name}}": value for name, value in macros.items()}},
        }},
        "bootstrap": image,
    }}))
words = [word for name in vars(given)["with"] for word in ("--with", name)]
words += [word for name, value in macros.items() for word in ("-D", f"{{name}} {{value}}")]
words += ["--nocheck"] if given.nocheck else []
words = ["-ra", "--nodeps", "-D", f"_topdir {{results}}", "-D", "dist .fc42", *words, given.srpm]
command = f"{{options['rpmbuild_command']}} {{shlex.join(words)}}"
with (results / "build.log").open("w") as log:
    done = subprocess.run(["bash", "-c", command], stdout=log, stderr=subprocess.STDOUT)
names = ["bash-5.2-1.fc42.x86_64", *(asked(rpm, "%{{NEVRA}}") for rpm in rpms)]
(results / "installed_pkgs.log").write_text("".join(f"{{x}} 1 2 3 4 installed\\n" for x in names))
for rpm in results.glob("*RPMS/**/*.rpm"):
    rpm.replace(results / rpm.name)
sys.exit(10 if done.returncode else 0)
"""

_HELPER = """\
#!{python}
import argparse, json, pathlib, subprocess, sys, urllib.request
parser = argparse.ArgumentParser(prog="mock-hermetic-repo", allow_abbrev=False)
parser.add_argument("--lockfile", required=True)
parser.add_argument("--output-repo", required=True)
given = parser.parse_args()
lock = json.loads(pathlib.Path(given.lockfile).read_text())
folder = pathlib.Path(given.output_repo)
failed = False
for row in lock["buildroot"]["rpms"]:
    url = row["url"]
    if not url.startswith("http"):
        sys.exit(f"requests.exceptions.InvalidSchema: No connection adapters for {{url}}")
    try:
        with urllib.request.urlopen(url) as answer:
            (folder / url.rpartition("/")[2]).write_bytes(answer.read())
    except OSError:
        print(f"ERROR:__main__:Download failed: {{url}}")
        failed = True
if failed:
    print("ERROR:__main__:RPM deps downloading failed")
    sys.exit(1)
subprocess.run(["createrepo_c", "--quiet", "--compatibility", folder], check=True)
image = lock["config"]["bootstrap_image"].split(":")[0] + "@" + lock["bootstrap"]["pull_digest"]
(folder / image).mkdir(parents=True)
"""


def install_stand_in(place: Path, *, repeats: bool = True) -> Path:
    """Make `place/mock`, and its helper beside it; one that is too old never `repeats` a build."""
    values = {
        "python": sys.executable,
        "version": "6.1" if repeats else "5.6",
        "repeats": repeats,
        "plugins": {"buildroot_lock", "root_cache"} if repeats else {"root_cache"},
        "configs": (CONFIG, CONFIG_WITHOUT_IMAGE),
        "config": CONFIG,
        "image": _IMAGE,
        "digest": _DIGEST,
    }
    place.mkdir(exist_ok=True)
    for name, text in {"mock": _MOCK, "mock-hermetic-repo": _HELPER}.items():
        (place / name).write_text(text.format(**values))
        (place / name).chmod(0o755)
    return place / "mock"


def misuse(
    program: Path,
    folder: Path,
    *,
    words: Sequence[str] = (),
    is_ready: bool = True,
    has_repodata: bool = True,
) -> tuple[int, str]:
    """The exit code and output of a mock that is wrongly asked for a build from a lock.

    `folder` is one that mock's user gets to.
    """
    folder.mkdir()
    folder.chmod(0o755)
    lock = folder / "lock.json"
    config = {"bootstrap_image": _IMAGE, "bootstrap_image_ready": is_ready, "macros": {}}
    image = {"pull_digest": _DIGEST, "image_digest": "5678"}
    lock.write_text(json.dumps({"buildroot": {"rpms": []}, "config": config, "bootstrap": image}))
    if has_repodata:
        (folder / "repodata").mkdir()
    command = [
        *(str(program), *words, "--hermetic-build", str(lock), str(folder)),
        *("--uniqueext=misuse", f"--resultdir={folder}", "--isolation=simple"),
        *("--rebuild", str(folder / "x.src.rpm")),
    ]
    environment = {**os.environ, "SUDO_UID": str(user_id("nobody"))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.returncode, done.stdout + done.stderr
