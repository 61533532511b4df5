"""What `rdo pkg review` says of a distgit without building it."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from rdo.cli import main
from rdo.distgit.new_package.review import licence_text, misplaced_files
from rdo.tools.rpm.header import RpmHeader

SPEC = """\
Name: python-lemon
Version: 1.0
Release: 1
Summary: Lemons
License: {licence}
Source0: lemon-%{{version}}.tar.gz
BuildArch: noarch
%description
Lemons.
%package -n python3-lemon
Summary: Lemons
Requires: python3-water >= 1
%description -n python3-lemon
Lemons.
%prep
%setup -q -n lemon-%{{version}}
{prep}
%files -n python3-lemon
%changelog
"""


def make(folder: Path, *, licence: str = "MIT", prep: str = "", name: str = "python-lemon") -> None:
    folder.mkdir(parents=True)
    (folder / f"{name}.spec").write_text(SPEC.format(licence=licence, prep=prep))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for path, text in (("requirements.txt", "water>=1\n"), ("a.txt", "here\n")):
            member = tarfile.TarInfo(f"lemon-1.0/{path}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    archive = content.getvalue()
    (folder / "lemon-1.0.tar.gz").write_bytes(archive)
    digest = hashlib.sha512(archive).hexdigest()
    (folder / "sources").write_text(f"SHA512 (lemon-1.0.tar.gz) = {digest}\n")


def review(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[bool, str]]:
    main.run(["pkg", "review", str(folder), "--no-build", "--json"])
    answer = json.loads(capsys.readouterr().out)
    return {step["name"]: (step["is_done"], step["detail"]) for step in answer}


def test_a_good_distgit_has_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "python-lemon")

    steps = review(tmp_path / "python-lemon", capsys)

    steps.pop("rpmlint")  # it judges by the release of rpmlint
    assert steps == {
        "spec": (True, "python-lemon.spec"),
        "naming": (True, "python-lemon"),
        "licence": (True, "MIT"),
        "sources": (True, "lemon-1.0.tar.gz"),
        "requirements": (True, "1, the same as upstream's"),
        "old bases": (True, "no Python of one base, and nothing that rpm 4.16 does not have"),
    }


@pytest.mark.parametrize(
    ("licence", "detail"),
    [
        ("ASL 2.0", "'ASL 2.0' is not an SPDX expression; read the project's files"),
        ("mit", "write it in SPDX form: MIT"),
        ("LicenseRef-Unknown", "'LicenseRef-Unknown' is not an SPDX expression"),
    ],
)
def test_a_licence_is_written_as_spdx_does(
    licence: str, detail: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "python-lemon", licence=licence)

    is_done, said = review(tmp_path / "python-lemon", capsys)["licence"]

    assert (is_done, said.startswith(detail)) == (False, True)


def test_what_is_wrong_is_reported_step_by_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "python-lemon"
    make(folder, prep="sed -i s/gone/x/ a.txt")
    (folder / "sources").write_text(f"SHA512 (lemon-1.0.tar.gz) = {'0' * 128}\n")

    steps = review(folder, capsys)

    assert steps["sources"] == (False, "different from the hash in `sources`: lemon-1.0.tar.gz")
    assert "sed no longer matches anything in a.txt" in steps["requirements"][1]
    (folder / "lemon-1.0.tar.gz").unlink()
    assert review(folder, capsys)["sources"] == (False, "missing: lemon-1.0.tar.gz")


def test_the_spec_is_called_as_the_package(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "python-lemon", name="lemon")

    steps = review(tmp_path / "python-lemon", capsys)

    assert steps["spec"] == (False, "the distgit needs one python-lemon.spec; it has lemon.spec")
    assert steps["naming"][0] is False


def test_a_folder_that_is_none_is_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["pkg", "review", str(tmp_path / "no")]) == 4
    assert "Not a directory" in capsys.readouterr().err
    assert review(tmp_path, capsys)["spec"][0] is False


def header(name: str, *files: str, licences: tuple[str, ...] = ()) -> RpmHeader:
    return RpmHeader(name, "1-1", "x", (), files, frozenset(), licences)


def test_files_lie_where_packages_may_have_them() -> None:
    site = "/usr/lib/python3.11/site-packages"
    bad = misplaced_files(
        [header("a", "/usr/local/x", f"{site}/tests", f"{site}/a/tests"), header("b", "/x")]
    )
    twice = misplaced_files([header("a", "/usr/bin/x"), header("b", "/usr/bin/x")])

    assert bad.detail == (
        f"/usr/local/x is not allowed in a package; {site}/tests does not belong in site-packages"
    )
    assert twice.detail == "/usr/bin/x is in a and b"
    assert misplaced_files([header("a", "/usr/bin/x"), header("a-debuginfo", "/usr/bin/x")]).is_done


def test_each_package_brings_the_licence() -> None:
    assert not licence_text([header("a", "/x")]).is_done
    assert licence_text([header("a", "/x", licences=("/usr/share/licenses/a/L",))]).is_done
