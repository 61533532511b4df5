import shutil
from pathlib import Path

import createrepo_c
import pytest

from rdo.roots.inside.installing.wrap_wheels import spec

METADATA = """\
Metadata-Version: 2.1
Name: cotyledon
Version: 1.7.3
Provides-Extra: doc
Requires-Dist: sphinx ; extra == 'doc'
Provides-Extra: Doc
"""


def test_an_extra_that_a_wheel_says_twice_is_one_package(tmp_path: Path) -> None:
    place = tmp_path / "root/usr/lib/python3.11/site-packages/cotyledon-1.7.3.dist-info"
    place.mkdir(parents=True)
    for name, text in {"METADATA": METADATA, "WHEEL": "Root-Is-Purelib: true\n"}.items():
        (place / name).write_text(text)
    (place / "RECORD").write_text(f"{place.name}/METADATA,,\n")

    lines = "\n".join(spec(tmp_path / "root", "1", "3.11")).splitlines()

    packages = [line for line in lines if line.startswith("%package")]
    assert packages == ["%package -n python3-cotyledon", "%package -n python3-cotyledon+doc"]
    assert "Requires: python3dist(sphinx)" in lines or "Requires: python3.11dist(sphinx)" in lines


def test_a_wheel_for_any_machine_may_hold_libraries_for_some(tmp_path: Path) -> None:
    head = "\n".join(spec(tmp_path, "1", "3.11")).splitlines()

    assert "%define _binaries_in_noarch_packages_terminate_build 0" in head


def test_the_words_of_a_wheel_stay_text(tmp_path: Path) -> None:
    place = tmp_path / "root/usr/lib/python3.11/site-packages/x-1.dist-info"
    place.mkdir(parents=True)
    metadata = """Metadata-Version: 2.1
Name: x
Version: 1
Summary: %(id) and more
Provides-Extra: y%(id)
"""
    for name, text in {"METADATA": metadata, "WHEEL": "Root-Is-Purelib: true\n"}.items():
        (place / name).write_text(text)
    (place / "RECORD").write_text("")

    text = "\n".join(spec(tmp_path / "root", "1", "3.11"))

    assert "%(id)" not in text.replace("%%", "")
    assert "Summary: %%(id) and more" in text


@pytest.mark.parametrize(
    ("tag", "asked"),
    [
        ("cp311-cp311-manylinux_2_28_x86_64", {"libglib-2.0.so.0", "libgobject-2.0.so.0"}),
        ("cp311-cp311-linux_x86_64", {"libglib-2.0.so.0", "libgobject-2.0.so.0", "libc.so.6"}),
    ],
)
def test_a_wheel_asks_for_the_libraries_that_it_does_not_bundle(
    tmp_path: Path, tag: str, asked: set[str]
) -> None:
    modules = tmp_path / "root/usr/lib/python3.11/site-packages"
    place = modules / "createrepo_c-1.dist-info"
    place.mkdir(parents=True)
    [library] = Path(createrepo_c.__file__).parent.glob("_createrepo_c*.so")
    shutil.copy(library, modules / "own.so")
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: createrepo_c\nVersion: 1\n")
    (place / "WHEEL").write_text(f"Root-Is-Purelib: false\nTag: {tag}\n")
    (place / "RECORD").write_text("own.so,,\n")

    lines = "\n".join(spec(tmp_path / "root", "1", "3.11")).splitlines()

    needs = {line.partition(": ")[2].partition("(")[0] for line in lines if "Requires" in line}
    found = {one for one in needs if one.startswith("lib")}
    assert found >= asked
    assert ("libc.so.6" in found) == ("libc.so.6" in asked)
