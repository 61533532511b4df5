"""A round with an upstream that keeps a file in Git LFS never packages the pointer as the file."""

from pathlib import Path

from tests.e2e.distribution import TARGET, Distribution

POINTER = f"""version https://git-lfs.github.com/spec/v1
oid sha256:{"5a" * 32}
size 12345
"""


def test_a_pointer_is_not_built_into_a_package(tmp_path: Path) -> None:
    site = Distribution(tmp_path)
    site.add("lfsdemo")
    upstream = site.upstreams["lfsdemo"]
    pyproject = upstream.path / "pyproject.toml"
    data = '[tool.setuptools.package-data]\nlfsdemo = ["model.bin"]\n'
    pyproject.write_text(pyproject.read_text() + data)
    upstream.git("add", "pyproject.toml")
    upstream.commit("add the model", {"lfsdemo/model.bin": POINTER})

    done = site.rdo("trunk", "run")

    assert done.code == 1
    told = "the content of lfsdemo/model.bin is in Git LFS, and not in the repository"
    assert told in done.stdout + done.stderr
    assert not list(site.folder.glob(f"data/{TARGET}/repos/pool/*/python3-lfsdemo-*.rpm"))
