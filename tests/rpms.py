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
{more}
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo {name} {version} {release} > %{{buildroot}}/usr/share/{name}/file
{install}
%files -n {binary}
/usr/share/{name}
{files}
{more_files}
"""
MORE = "%package -n {0}\nSummary: A sample\n%description -n {0}\nA sample."


def make_rpms(
    folder: Path,
    name: str = "python-sample",
    *,
    version: str = "1.0",
    release: str = "1",
    requires: tuple[str, ...] = (),
    summary: str = "A sample",
    files: tuple[tuple[str, str], ...] = (),
    more: tuple[str, ...] = (),
    noarch: bool = True,
) -> tuple[Path, ...]:
    """Make the source RPM of `name` and its binary RPM in `folder`; `python-x` makes `python3-x`.

    `files` are further paths of the binary, each with its content; `more` are further binaries
    without files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    binary = name.replace("python-", "python3-", 1)
    spec = folder / f"{name}.spec"
    head = SPEC if noarch else SPEC.replace("BuildArch: noarch\n", "")
    spec.write_text(
        head.format(
            name=name,
            binary=binary,
            version=version,
            release=release,
            summary=summary,
            requires="\n".join(f"Requires: {requirement}" for requirement in requires),
            install="\n".join(map(_install, files)),
            files="\n".join(path for path, _ in files),
            more="\n".join(map(MORE.format, more)),
            more_files="\n".join(f"%files -n {one}" for one in more),
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


def make_many(folder: Path, count: int, *, version: str = "1.0") -> Path:
    """A repository of `count` RPMs `python3-manyN` of one source, each with a module.

    Each requires the one before it, and its module imports that.
    """
    folder.mkdir(parents=True)
    modules, lines, install = "/usr/lib/python3.11/site-packages", [], []
    for number in range(count):
        name = f"many{number}"
        lines += [
            f"%package -n python3-{name}",
            "Summary: One of many",
            "AutoReqProv: no",
            f"Requires: python3-many{number - 1} = {version}" if number else "",
            f"%description -n python3-{name}",
            "One of many.",
            f"%files -n python3-{name}",
            f"{modules}/{name}.py",
        ]
        before = f"import many{number - 1}" if number else "import json"
        install.append(f"echo '{before}' > %{{buildroot}}{modules}/{name}.py")
    text = (
        f"Name: many\nVersion: {version}\nRelease: 1\nSummary: Many\nLicense: MIT\n"
        "BuildArch: noarch\n%global __os_install_post %{nil}\n%description\nMany.\n"
        + "\n".join(lines)
        + f"\n%install\nmkdir -p %{{buildroot}}{modules}\n"
        + "\n".join(install)
        + "\n"
    )
    (folder / "many.spec").write_text(text)
    command = ["rpmbuild", "--quiet", "-bb", "--define", f"_topdir {folder}/top", "many.spec"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    rpms = folder / "rpms"
    rpms.mkdir()
    for rpm in (folder / "top").rglob("*.rpm"):
        rpm.rename(rpms / rpm.name)
    subprocess.run(["createrepo_c", "--quiet", rpms], check=True)
    return rpms


def make_package(folder: Path, name: str, version: str = "1", **headers: list[str]) -> Path:
    """One RPM without files, with headers such as `requires=["a >= 1"]`, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{key.capitalize()}: {value}" for key, values in headers.items() for value in values]
    text = (
        f"Name: {name}\nVersion: {version}\nRelease: 1\nSummary: A sample\nLicense: MIT\n"
        "BuildArch: noarch\n" + "\n".join(lines) + "\n%description\nA sample.\n%files\n"
    )
    spec = folder / f"{name}.spec"
    spec.write_text(text)
    command = ["rpmbuild", "--quiet", "-bb", "--define", f"_topdir {folder}/.top", str(spec)]
    subprocess.run(command, check=True, capture_output=True)
    spec.unlink()
    [rpm] = (folder / ".top/RPMS").rglob("*.rpm")
    return rpm.rename(folder / rpm.name)
