"""A target with a key: dnf checks RPMs and repositories, and refuses any that were changed."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.as_root import AS_ROOT
from tests.e2e.command import needs_roots
from tests.e2e.distribution import TARGET, Distribution
from tests.e2e.repositories.test_release_rpm import dnf, fresh_root, served

pytestmark = [needs_roots, pytest.mark.slow]

WHY = ("--because", "it works", "--unchecked")

# What the check of a package looks for in its root: the keys, gpg's homes and agents.
SPY = """\
%check
if ls -d {folder} /root/.gnupg $HOME/.gnupg /run/user/*; then exit 1; fi
if env | grep -E 'GNUPG|GPG_'; then exit 1; fi
if find / -name 'S.gpg-agent*' -o -name private-keys-v1.d 2>/dev/null | grep .; then exit 1; fi
"""


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Distribution, str]]:
    """A package that needs a bridged one, of a target that was signed after its first round.

    With it comes where the tree is served.
    """
    made = Distribution(tmp_path_factory.mktemp("signed"))
    made.add("alpha", "iniconfig")
    data = made.folder / "data"
    spec = made.distgits["alpha"].path / "python-alpha.spec"
    spy = SPY.format(folder=data / TARGET)
    made.distgits["alpha"].commit("Spy", {spec.name: spec.read_text().replace("%check\n", spy)})
    with served(data) as address:
        made.settings = f'base-url = "{address}"\n', ""
        made.write_metadata()
        code, report = made.run()
        assert code == 0, report
        made.settings = made.settings[0], f"[targets.{TARGET}.signing]\n"
        made.write_metadata()
        without_key = made.rdo("trunk", "run")
        assert without_key.code == 3
        assert "rdo repo sign-key create" in without_key.stderr
        created = made.rdo("repo", "sign-key", "create", "--json")
        assert created.code == 0, created.stderr
        refused = made.rdo("promotion", "promote", "tested", "current", *WHY)
        assert refused.code == 5
        assert "rdo repo sign" in refused.stderr
        done = made.rdo("repo", "sign", "--json")
        assert done.code == 0, done.stderr
        assert done.json["rpms"] == 2
        yield made, f"{address}/{TARGET}/repos"


def with_repo_files(root: Path, tree: Path, name: str) -> Path:
    """A fresh root with the .repo files of a name, as they are."""
    fresh_root(root)
    for file in ("delorean.repo", "delorean-deps.repo"):
        shutil.copy(tree / name / file, root / "etc/yum.repos.d")
    return root


def tree_of(distribution: Distribution) -> Path:
    return distribution.folder / "data" / TARGET / "repos"


def refused(root: Path, *args: str) -> str:
    command = (*AS_ROOT, "dnf", f"--installroot={root}", "-qy", "--refresh", *args)
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0, done.stdout
    return done.stderr


def with_release_package(root: Path, url: str) -> str:
    """Install rdo-release into a fresh root, and return its .repo file.

    dnf of this machine would look for the keys of a root on this machine.
    """
    fresh_root(root)
    dnf(root, "install", url)
    file = root / "etc/yum.repos.d/rdo-release.repo"
    text = file.read_text()
    file.write_text(text.replace("file:///etc", f"file://{root}/etc"))
    return text


def installed(root: Path) -> bool:
    return (root / "usr/lib/python3.11/site-packages/alpha/__init__.py").exists()


def test_dnf_installs_what_is_signed_by_the_repo_files(
    signed: tuple[Distribution, str], tmp_path: Path
) -> None:
    distribution, _ = signed
    root = with_repo_files(tmp_path / "root", tree_of(distribution), "current")
    text = "".join(file.read_text() for file in (root / "etc/yum.repos.d").iterdir())

    dnf(root, "install", "python3-alpha")

    assert text.split().count("gpgcheck=1") == 2
    assert text.split().count("repo_gpgcheck=1") == 2
    assert installed(root)
    assert distribution.rdo("trunk", "verify").code == 0


def test_dnf_follows_a_promoted_name_by_the_release_package(
    signed: tuple[Distribution, str], tmp_path: Path
) -> None:
    distribution, address = signed
    promoted = distribution.rdo("promotion", "promote", "tested", "current", *WHY)
    made = distribution.rdo("repo", "release-rpm", "--name", "tested", "--publish", "--json")
    assert (promoted.code, made.code) == (0, 0), promoted.stderr + made.stderr
    root = tmp_path / "root"

    text = with_release_package(root, f"{address}/rdo-release.rpm")
    dnf(root, "install", "python3-alpha")

    assert f"{address}/tested" in text
    assert text.count("gpgkey=file:///etc/pki/rpm-gpg/") == 2
    assert text.split().count("repo_gpgcheck=1") == 2
    assert installed(root)


def test_a_build_is_reproduced_to_the_bytes_before_the_signature(
    signed: tuple[Distribution, str], tmp_path: Path
) -> None:
    distribution, _ = signed
    recipes = distribution.folder.glob(f"data/{TARGET}/builds/*/recipe.json")
    number = max(int(recipe.parent.name) for recipe in recipes)

    done = distribution.rdo("reproduce", number, "-o", tmp_path / "again", "--json")

    assert done.code == 0, done.stdout + done.stderr
    assert [one["is_same"] for one in done.json["files"]] == [True, True]


@pytest.mark.parametrize("changed", ["repomd", "rpm", "unsigned"])
def test_dnf_refuses_what_was_changed(
    signed: tuple[Distribution, str], tmp_path: Path, changed: str
) -> None:
    distribution, _ = signed
    root = with_repo_files(tmp_path / "root", tree_of(distribution), "current")
    copy = tmp_path / "copy"
    shutil.copytree((tree_of(distribution) / "current").resolve(), copy)
    repo = root / "etc/yum.repos.d/delorean.repo"
    lines = repo.read_text().splitlines()
    lines = [f"baseurl={copy.as_uri()}" if x.startswith("baseurl") else x for x in lines]
    rpms = [*copy.rglob("python3-alpha-*.rpm")]  # beside its repodata, and in the pool
    if changed == "unsigned":  # with metadata of its own, and repomd.xml is not checked
        for rpm in rpms:
            subprocess.run([*AS_ROOT, "rpmsign", "--delsign", rpm], check=True, capture_output=True)
        subprocess.run(["createrepo_c", "--quiet", copy], check=True)
        lines.remove("repo_gpgcheck=1")
    else:
        for file in [copy / "repodata/repomd.xml"] if changed == "repomd" else rpms:
            content = bytearray(file.read_bytes())
            content[-3] ^= 1
            file.write_bytes(content)
    repo.write_text("\n".join([*lines, ""]))

    said = refused(root, "install", "python3-alpha")

    assert "alpha" in said or "delorean" in said
    assert not installed(root)


def test_a_new_key_leaves_everything_valid(
    signed: tuple[Distribution, str], tmp_path: Path
) -> None:
    distribution, address = signed
    tree = tree_of(distribution)
    old = with_repo_files(tmp_path / "old", tree, "current")
    before = distribution.rdo("repo", "sign-key", "show", "--json").json
    rotated = distribution.rdo("repo", "sign-key", "rotate", "--json")
    assert rotated.code == 0, rotated.stderr
    distribution.add("beta")
    code, report = distribution.run()
    assert code == 0, report
    made = distribution.rdo("repo", "release-rpm", "--publish", "--name", "current", "--json")
    assert made.code == 0, made.stderr

    dnf(old, "install", "python3-alpha")
    new = with_repo_files(tmp_path / "new", tree, "current")
    dnf(new, "install", "python3-alpha", "python3-beta")
    follower = tmp_path / "follower"
    text = with_release_package(follower, f"{address}/rdo-release.rpm")
    dnf(follower, "install", "python3-alpha", "python3-beta")

    keys = distribution.rdo("repo", "sign-key", "show", "--json").json
    assert [one["state"] for one in keys] == ["current", "earlier"]
    assert text.count("file:///etc/pki/rpm-gpg/RPM-GPG-KEY-") == 4
    assert keys[1]["fingerprint"] == before[0]["fingerprint"]
    assert [one["rpms"] for one in keys] == [2, 2]
    assert (installed(old), installed(new), installed(follower)) == (True, True, True)
    assert distribution.rdo("trunk", "verify").code == 0
