"""Real, tiny RPMs, made by rpmbuild."""

import subprocess
from pathlib import Path

SPEC = """
Name: {name}
Version: {version}
Release: {release}
Summary: {summary}
License: MIT
BuildArch: noarch
%description
A sample.
%package -n {binary}
Summary: {summary}
{requires}
%description -n {binary}
A sample.
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo {name} {version} {release} > %{{buildroot}}/usr/share/{name}/file
%files -n {binary}
/usr/share/{name}
"""


def make_rpms(
    folder: Path,
    name: str = "python-sample",
    *,
    version: str = "1.0",
    release: str = "1",
    requires: tuple[str, ...] = (),
    summary: str = "A sample",
) -> tuple[Path, ...]:
    """The source RPM of `name` and its one binary, `python-x` giving `python3-x`, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    binary = name.replace("python-", "python3-", 1)
    spec = folder / f"{name}.spec"
    spec.write_text(
        SPEC.format(
            name=name,
            binary=binary,
            version=version,
            release=release,
            summary=summary,
            requires="\n".join(f"Requires: {requirement}" for requirement in requires),
        )
    )
    top = folder / "top"
    command = ["rpmbuild", "--quiet", "-ba", "--define", f"_topdir {top}", str(spec)]
    subprocess.run(command, check=True, capture_output=True)
    made = [rpm.rename(folder / rpm.name) for rpm in sorted(top.rglob("*.rpm"))]
    return tuple(sorted(made, key=lambda rpm: not rpm.name.endswith(".src.rpm")))
