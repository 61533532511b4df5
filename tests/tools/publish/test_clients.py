"""The programs that read a published tree: dnf, libsolv, createrepo_c."""

import gzip
import subprocess
from itertools import count
from pathlib import Path

import createrepo_c
import solv

from rdo.publish.upkeep.retention import GRACE
from rdo.publish.upkeep.verify import verify_tree
from tests.publishing import TARGET, Factory
from tests.tools.publish.conftest import Dnf, Meanwhile
from tests.tools.publish.test_retention import purge


def places(made: Factory) -> list[str]:
    """The newest repository by hash and by name, over file and over HTTP."""
    repos = made.tree.repos
    found = [str((repos / "current").resolve().relative_to(repos)), "current", "consistent"]
    http = f"{made.tree.site.base_url}/{TARGET}/repos"
    return [f"{start}/{place}" for start in (repos.as_uri(), http) for place in found]


def test_dnf_installs_by_hash_and_by_name_from_file_and_http(served: Factory, dnf: Dnf) -> None:
    for number, url in enumerate(places(served)):
        repo = f"rdo{number}"
        dnf(f"--repofrompath={repo},{url}", f"--repo={repo}", "install", "python3-b")
        file = served.folder.parents[1] / "root/usr/share/python-a/file"
        assert file.read_text() == "python-a 1.0 1\n", url
        dnf("remove", "python3-a", "python3-b")


def test_dnf_takes_the_repo_file_as_it_is(served: Factory, dnf: Dnf, tmp_path: Path) -> None:
    text = (served.tree.repos / "current/delorean.repo").read_text()
    (tmp_path / "repos.d/delorean.repo").write_text(text)

    assert dnf("repoquery", "--requires", "python3-b").split() == ["python3-a", ">=", "1.0"]


def test_dnf_reposync_takes_a_whole_copy(served: Factory, dnf: Dnf, tmp_path: Path) -> None:
    url = f"{served.tree.site.base_url}/{TARGET}/repos/consistent"
    copy = tmp_path / "copy"

    dnf(
        f"--repofrompath=rdo,{url}",
        "--repo=rdo",
        "reposync",
        "--download-metadata",
        f"--download-path={copy}",
    )

    names = {rpm.name for rpm in copy.rglob("*.rpm")}
    assert {"python3-a-1.0-1.noarch.rpm", "python3-b-1.0-1.noarch.rpm"} <= names
    dnf(f"--repofrompath=copy,{copy / 'rdo'}", "--repo=copy", "install", "python3-b")


def test_dnf_sees_a_new_build_by_the_name_it_uses(
    served: Factory, dnf: Dnf, tmp_path: Path
) -> None:
    repo = ("--repofrompath=rdo," + places(served)[4], "--repo=rdo", "--refresh")
    dnf(*repo, "install", "python3-a")
    served.publish("python-a", "a2", "1.1")

    dnf(*repo, "upgrade", "python3-a")

    assert (tmp_path / "root/usr/share/python-a/file").read_text() == "python-a 1.1 1\n"


def test_dnf_that_installs_during_retention_never_fails(
    served: Factory, dnf: Dnf, tmp_path: Path, meanwhile: Meanwhile
) -> None:
    """By the .repo file of a name that moves on, and by the name itself while it stays."""
    consistent = f"{served.tree.site.base_url}/{TARGET}/repos/consistent"
    by_name = f"[rdo]\nname=rdo\nbaseurl={consistent}\ngpgcheck=0\n"
    versions = (f"2.{number}" for number in count())
    moves = 0
    removed: list[str] = []

    def go_on() -> None:
        nonlocal moves
        if moves:
            moves -= 1
            version = next(versions)
            served.publish("python-a", version.replace(".", "f"), version)
            served.now.now += GRACE / 5  # all this within the hour that a client has
        removed.extend(purge(served).repositories)

    meanwhile.act = go_on
    for number in range(4):
        moves = 4 if number % 2 else 0
        text = (served.tree.repos / "consistent/delorean.repo").read_text()
        (tmp_path / "repos.d/rdo.repo").write_text(text if moves else by_name)
        own = (f"--installroot={tmp_path}/{number}", f"--setopt=cachedir={tmp_path}/{number}")
        dnf(*own, "install", "python3-b")
        assert moves == 0
        served.now.now += 2 * GRACE

    assert len(removed) >= 3
    assert verify_tree(served.tree, served.store, served.members) == []


def test_dnf_follows_a_promoted_name_and_its_rollback(
    served: Factory, promoted: str, dnf: Dnf, tmp_path: Path
) -> None:
    repo = (f"--repofrompath=rdo,{promoted}", "--repo=rdo", "--refresh")
    file = tmp_path / "root/usr/share/python-a/file"
    dnf(*repo, "install", "python3-b")
    before = file.read_text()
    served.tree.promote("tested", served.tree.leads("current"), by="me", why="mended")
    dnf(*repo, "distro-sync")
    newer = file.read_text()
    served.tree.promote("tested", served.tree.leads("previous-tested"), by="me", why="back")
    dnf(*repo, "distro-sync")

    assert (before, newer) == ("python-a 1.0 1\n", "python-a 1.1 1\n")
    assert file.read_text() == before


def test_libsolv_resolves_across_the_pool(served: Factory) -> None:
    folder = (served.tree.repos / "current/repodata").resolve()
    pool = solv.Pool()
    pool.setarch("x86_64")
    repo = pool.add_repo("rdo")
    (primary,) = folder.glob("*-primary.xml.gz")
    assert repo.add_rpmmd(solv.xfopen(str(primary)), None)
    pool.createwhatprovides()

    solver = pool.Solver()
    wanted = pool.select("python3-b", solv.Selection.SELECTION_NAME)
    problems = solver.solve(wanted.jobs(solv.Job.SOLVER_INSTALL))

    assert problems == []
    assert sorted(found.name for found in solver.transaction().newsolvables()) == [
        "python3-a",
        "python3-b",
    ]


def test_repomd_tells_the_truth(served: Factory) -> None:
    folder = (served.tree.repos / "current").resolve()
    repomd = createrepo_c.Repomd(str(folder / "repodata/repomd.xml"))

    assert [record.type for record in repomd.records] == ["primary", "filelists", "other"]
    for record in repomd.records:
        filled = createrepo_c.RepomdRecord(record.type, str(folder / record.location_href))
        filled.fill(createrepo_c.SHA256)
        for said in ("checksum", "checksum_open", "size", "size_open"):
            assert getattr(record, said) == getattr(filled, said), said


def test_our_metadata_is_what_createrepo_c_writes(served: Factory, tmp_path: Path) -> None:
    """The same RPMs, scanned by createrepo_c: the same text but for hrefs and file times."""
    ours = (served.tree.repos / "current").resolve()
    flat = tmp_path / "flat"
    flat.mkdir()
    for rpm in (served.tree.repos / "pool").glob("*/*.rpm"):
        (flat / rpm.name).symlink_to(rpm)
    subprocess.run(["createrepo_c", "--quiet", "--general-compress-type=gz", str(flat)], check=True)

    for kind in ("primary", "filelists", "other"):
        assert packages_of(ours, kind) == packages_of(flat, kind), kind


def packages_of(repository: Path, kind: str) -> set[str]:
    """The package elements of a metadata file, without what may differ."""
    (file,) = (repository / "repodata").glob(f"*-{kind}.xml.gz")
    text = gzip.decompress(file.read_bytes()).decode()
    head, *elements = text.split("<package ")
    assert f'packages="{len(elements)}"' in head
    lines = [element.rpartition("</package>")[0].splitlines() for element in elements]
    differs = ("<location ", "<time ")
    return {
        "\n".join(line for line in element if not line.strip().startswith(differs))
        for element in lines
    }
