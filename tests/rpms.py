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
{install}
%files -n {binary}
/usr/share/{name}
{files}
"""


def make_rpms(
    folder: Path,
    name: str = "python-sample",
    *,
    version: str = "1.0",
    release: str = "1",
    requires: tuple[str, ...] = (),
    summary: str = "A sample",
    files: tuple[tuple[str, str], ...] = (),
) -> tuple[Path, ...]:
    """The source RPM of `name` and its one binary, `python-x` giving `python3-x`, in `folder`.

    `files` are further paths of the binary, each with its content.
    """
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
            install="\n".join(map(_install, files)),
            files="\n".join(path for path, _ in files),
        )
    )
    top = folder / "top"
    command = ["rpmbuild", "--quiet", "-ba", "--define", f"_topdir {top}", str(spec)]
    subprocess.run(command, check=True, capture_output=True)
    made = [rpm.rename(folder / rpm.name) for rpm in sorted(top.rglob("*.rpm"))]
    return tuple(sorted(made, key=lambda rpm: not rpm.name.endswith(".src.rpm")))


def _install(row: tuple[str, str]) -> str:
    """The lines of %install for a file: a link if the content begins with `-> `."""
    path, content = row
    place = f"%{{buildroot}}{path}"
    made = f"mkdir -p $(dirname {place})\n"
    if content.startswith("-> "):
        return f"{made}ln -s {content.removeprefix('-> ')} {place}"
    return f"{made}cat > {place} <<'END'\n{content}\nEND"
