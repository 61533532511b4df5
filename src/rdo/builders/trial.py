"""Build a tiny package, to find out whether a builder works and how long it takes."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from rdo.model.build import BuildJob
from rdo.model.commit import Commit
from rdo.model.release_number import ReleaseNumber
from rdo.tools.git.mirror import Mirror
from rdo.tools.git.new_repository import commit_new

PACKAGE = "rdo-trial"

_USER = ("rdo", "rdo@localhost.localdomain")
_SPEC = """\
Name: {package}
Version: XXX
Release: XXX
Summary: Shows that a builder of rdo works
License: MIT
BuildArch: noarch
Source0: {package}.tar.gz
{preamble}
%description
It contains one line of text.

%prep
%setup -q -n {package}-%{{upstream_version}}

%build
{script}

%install
install -D -m 0644 README %{{buildroot}}/usr/share/{package}/README

%files
/usr/share/{package}
"""


def trial_job(
    folder: Path, number: int = 1, *, script: str = "", preamble: str = "", now: datetime
) -> BuildJob:
    """Return the job of a tiny package, made in `folder`; `script` is its %build section.

    `preamble` are additional lines of its spec. The build runs in the folder `build`.
    """
    sides = {
        "upstream": {"README": "A builder of rdo works.\n"},
        "distgit": {f"{PACKAGE}.spec": _spec(script, preamble)},
    }
    hashes = {side: _committed(folder / side, files) for side, files in sides.items()}
    commit = Commit(
        PACKAGE,
        upstream_hash=hashes["upstream"],
        distgit_hash=hashes["distgit"],
        upstream_time=now,
        distgit_time=now,
        upstream_branch="master",
    )
    return BuildJob(
        number,
        commit,
        ReleaseNumber(now, commit.short_hash, "0"),
        folder / "upstream" / ".git",
        folder / "distgit" / ".git",
        folder / "build",
    )


def trial_now() -> datetime:
    """Return the current time in whole seconds, as release numbers have it."""
    return datetime.now(UTC).replace(microsecond=0)


def _spec(script: str, preamble: str) -> str:
    return _SPEC.format(package=PACKAGE, script=script, preamble=preamble)


def _committed(folder: Path, files: dict[str, str]) -> str:
    """Make a new repository with these files, and return the hash of its only commit."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    commit_new(folder, "master", sorted(files), _USER, "A trial\n")
    return Mirror(folder / ".git").newest("master", 1)[0].hash
