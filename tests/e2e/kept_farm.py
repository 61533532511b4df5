"""The build farm of the kept factory: it does what the upstream commit's file `farm` says.

`build` makes real RPMs; `fail TEXT` prints TEXT and fails; `needs NAME VERSION` fails unless the
repositories hold that RPM; `away` and `hang` build too, except during an outage.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FACTORY = Path(__file__).parent
SPEC = """\
Name: {package}
Version: {version}
Release: {release}
Summary: A package of the kept factory
License: MIT
BuildArch: noarch
%description
%{{summary}}.
%package -n {binary}
Summary: %{{summary}}
%description -n {binary}
%{{summary}}.
%install
mkdir -p $RPM_BUILD_ROOT/usr/share/{binary}
echo {version} > $RPM_BUILD_ROOT/usr/share/{binary}/version
%files -n {binary}
/usr/share/{binary}
"""


def main(results: str, package: str) -> None:
    act, _, argument = read(package, "farm").partition(" ")
    version = read(package, "version")
    say(f"building {package} {version}")
    if act == "fail":
        sys.exit(argument)
    if act == "needs" and not is_published(*argument.split()):
        name, needed = argument.split()
        sys.exit(
            f"error: Failed build dependencies:\n\t{name} >= {needed} is needed by {package}-1"
        )
    if act in {"away", "hang"} and (FACTORY / "outage").exists():
        if act == "away":
            say("the farm is being moved")
            sys.exit(75)
        (FACTORY / "hangs").touch()
        time.sleep(600)
    make_rpms(results, package, version)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def read(package: str, file: str) -> str:
    """Return what a file of the upstream commit holds."""
    repository = str(FACTORY / "git" / package.removeprefix("python-"))
    name = f"{os.environ['RDO_UPSTREAM_HASH']}:{file}"
    command = ["git", "-C", repository, "show", name]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def is_published(name: str, version: str) -> bool:
    folders = os.environ["RDO_REPOSITORIES"].split()
    return any(list(Path(folder).glob(f"{name}-{version}-*.rpm")) for folder in folders)


def make_rpms(results: str, package: str, version: str) -> None:
    values = {"package": package, "version": version, "release": os.environ["RDO_RELEASE"]}
    with tempfile.TemporaryDirectory() as top:
        spec = Path(top, f"{package}.spec")
        spec.write_text(SPEC.format(**values, binary=package.replace("python-", "python3-", 1)))
        defines = [f"_topdir {top}", f"_rpmdir {results}", f"_srcrpmdir {results}"]
        defines.append("_buildhost farm.example.test")
        options = [word for define in defines for word in ("--define", define)]
        subprocess.run(["rpmbuild", "--quiet", "-ba", *options, str(spec)], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
