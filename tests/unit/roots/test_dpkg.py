from pathlib import Path

import pytest

from rdo.roots.debian import dpkg

BASE = {"python3", "libc6"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A base whose /lib and dist-packages are links, as in Debian bases that we make."""
    tree = tmp_path / "tree"
    (tree / "usr/lib/python3.11/site-packages").mkdir(parents=True)
    (tree / "usr/lib/python3").mkdir()
    (tree / "lib").symlink_to("usr/lib")
    (tree / "usr/lib/python3/dist-packages").symlink_to("../python3.11/site-packages")
    return tree


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")


def test_files_of_a_debian_package_follow_the_links_of_the_base(tree: Path) -> None:
    files = tree.parent / "files"
    write(files, "lib/systemd/system/x.service", "etc/x/y", "usr/lib/python3/dist-packages/a/b.py")

    dpkg.follow_links(files, tree)

    left = {str(one.relative_to(files)) for one in files.rglob("*") if one.is_file()}
    assert left == {
        "etc/x/y",
        "usr/lib/systemd/system/x.service",
        "usr/lib/python3.11/site-packages/a/b.py",
    }
    assert not (files / "lib").exists()
    assert not (files / "usr/lib/python3/dist-packages").exists()  # it would hide all modules


def test_an_empty_folder_follows_the_links_of_the_base_too(tree: Path) -> None:
    files = tree.parent / "files"
    (files / "lib/modules.d").mkdir(parents=True)
    (files / "var/lib/x").mkdir(parents=True)

    dpkg.follow_links(files, tree)

    assert (files / "usr/lib/modules.d").is_dir()
    assert (files / "var/lib/x").is_dir()
    assert not (files / "lib").exists()


def test_folders_that_rpm_would_not_make_are_listed_as_the_postinst_leaves_them(
    tmp_path: Path,
) -> None:
    control, files = tmp_path / "control", tmp_path / "files"
    control.mkdir()
    files.mkdir()
    (control / "control").write_text("Package: x\nVersion: 1\n")
    (control / "postinst").write_text("chown -R mysql:adm /var/lib/empty\nchmod 700 /etc/usual\n")
    folders = [
        dpkg.Folder("/etc/other", "root", "root", "755"),
        dpkg.Folder("/etc/usual", "root", "root", "755"),
        dpkg.Folder("/usr/share/doc/x", "root", "root", "755", is_empty=True),
        dpkg.Folder("/var/lib/empty", "root", "root", "755", is_empty=True),
        dpkg.Folder("/var/lib/empty/in", "root", "root", "755", is_empty=True),
        dpkg.Folder("/var/lib/secret", "root", "root", "710"),
    ]

    package = dpkg.unpacked(control, files, base=BASE, names=set(), users=set(), folders=folders)

    assert package.folders == (
        dpkg.Folder("/etc/usual", "root", "root", "700"),
        dpkg.Folder("/var/lib/empty", "mysql", "adm", "755", is_empty=True),
        dpkg.Folder("/var/lib/empty/in", "mysql", "adm", "755", is_empty=True),
        dpkg.Folder("/var/lib/secret", "root", "root", "710"),
    )


def test_a_python_module_of_debian_stands_aside_for_that_of_pypi(tmp_path: Path) -> None:
    control, files = tmp_path / "control", tmp_path / "files"
    write(files, "usr/lib/python3.11/site-packages/PyYAML-6.0.egg-info/PKG-INFO")
    control.mkdir()
    (control / "control").write_text(
        "Package: python3-yaml\nVersion: 6.0-3\nDepends: python3 (>= 3.11), libc6,"
        " python3-wcwidth (>= 0.2)\n"
    )

    package = dpkg.unpacked(control, files, base=BASE, names={"python3-wcwidth"}, users=set())

    assert package.rpm_name == "python3-pyyaml"  # so rpm installs one of the two
    assert [group[0] for group in package.depends] == [
        "deb(python3) >= 3.11",
        "deb(libc6)",
        "(deb(python3-wcwidth) >= 0.2 or python3dist(wcwidth))",
    ]


@pytest.mark.parametrize(
    ("file", "name", "version"),
    [
        ("/usr/lib/ruby/gems/3.1.0/specifications/rexml-3.2.5.gemspec", "rexml", "3.2.5"),
        ("/usr/lib/ruby/gems/3.1.0/specifications/default/date-3.2.2.gemspec", "date", "3.2.2"),
        (
            "/usr/share/rubygems-integration/all/specifications/net-http-pipeline-1.0.1.gemspec",
            *("net-http-pipeline", "1.0.1"),
        ),
        (
            "/var/lib/gems/3.1.0/specifications/nokogiri-1.13.10.rc1-x86_64-linux.gemspec",
            *("nokogiri", "1.13.10.rc1"),
        ),
    ],
)
def test_a_gem_is_named_as_fedora_names_it(file: str, name: str, version: str) -> None:
    found = [*dpkg.rubygems([file, file, "/usr/lib/ruby/3.1.0/bundler/source/gemspec.rb"])]

    assert found == [f"rubygem({name}) = {version}", f"rubygem-{name} = {version}"]
