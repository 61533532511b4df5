"""Hosts that follow a name which moves between any two of their requests."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from rdo.publish.release_package import release_sections
from tests.publishing import TARGET, Factory
from tests.tools.publish.conftest import Dnf, Meanwhile
from tests.unpacked import NotFetchedError
from tests.zypper import Zypper

HOSTS = 3


@pytest.fixture
def restless(served: Factory, meanwhile: Meanwhile) -> Iterator[Factory]:
    """`tested` moves before each request, between two states with other RPMs of both packages."""
    first = served.tree.leads("current")
    served.publish("python-a", "a2", "1.1")
    served.publish("python-b", "b2", "1.1", requires=("python3-a >= 1.1",))
    two = (first, served.tree.leads("current"))
    moves = count(1)

    def move() -> None:
        served.tree.promote("tested", two[next(moves) % 2], by="me", why="it moves")

    move()
    meanwhile.act = move
    yield served
    meanwhile.act = lambda: None


def release_file(made: Factory, name: str) -> str:
    """What rdo-release says of a name."""
    sections = release_sections(made.tree.site, made.tree.repos, "master", name)
    return "\n".join(map(str, sections))


def test_dnf_by_the_release_package_never_fails(
    restless: Factory, dnf: Dnf, tmp_path: Path
) -> None:
    (tmp_path / "repos.d/rdo-release.repo").write_text(release_file(restless, "tested"))

    for number in range(HOSTS):
        own = (f"--installroot={tmp_path}/{number}", f"--setopt=cachedir={tmp_path}/{number}")
        dnf(*own, "install", "python3-b")
        dnf(*own, "--refresh", "distro-sync")

        files = [tmp_path / f"{number}/usr/share/python-{one}/file" for one in "ab"]
        versions = {file.read_text().split()[1] for file in files}
        assert len(versions) == 1, "of one state, never of both"


def test_zypper_by_the_release_package_never_fails(restless: Factory, tmp_path: Path) -> None:
    for number in range(HOSTS):
        try:
            zypper = Zypper(tmp_path / f"zypper-{number}")
        except NotFetchedError as error:
            pytest.skip(str(error))
        zypper.follow(release_file(restless, "tested") + "autorefresh=1\n")

        zypper("--no-gpg-checks", "install", "python3-b")

        assert (zypper.root / "usr/share/python-b/file").exists()


def test_a_repository_from_before_says_where_it_is_once_it_is_promoted(served: Factory) -> None:
    place = (served.tree.repos / "current").resolve()
    (place / "mirrorlist").unlink()
    assert "baseurl=" in release_file(served, "current")

    served.tree.promote("tested", served.tree.leads("current"), by="me", why="old")

    url = f"{served.tree.site.base_url}/{TARGET}/repos"
    assert (place / "mirrorlist").read_text() == f"{url}/{served.leads('current')}/\n"
    assert f"mirrorlist={url}/tested/mirrorlist\n" in release_file(served, "tested")
