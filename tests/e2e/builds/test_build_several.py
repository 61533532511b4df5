"""`rdo build` with several sources, in a chain, and with folders of RPMs as they are."""

import functools
import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import needs_roots, rdo

pytestmark = needs_roots

SPEC = """\
Name: {name}
Version: 1.0
Release: 1%{{?dist}}
Summary: A package of the tests
License: MIT
BuildArch: noarch
{more}
%description
A package of the tests.
%build
{build}
%install
install -d %{{buildroot}}/usr/share
echo {name} > %{{buildroot}}/usr/share/{name}
%files
/usr/share/{name}
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, more, build in (
        ("liba", "", "true"),
        ("appb", "BuildRequires: liba", "grep liba /usr/share/liba"),
        ("bad", "", "false"),
    ):
        text = SPEC.format(name=name, more=more, build=build)
        (tmp_path / f"{name}.spec").write_text(text)
    return tmp_path


def test_a_chain_builds_on_what_it_built_before(sources: Path) -> None:
    alone = rdo("build", "appb.spec", cwd=sources)
    assert alone.code == 1
    assert "nothing provides liba\n  build it first, then add --repo FOLDER" in alone.stdout

    done = rdo("build", "liba.spec", "appb.spec", "--chain", "--json", cwd=sources)

    assert done.code == 0, done.stderr
    assert [one["outcome"] for one in done.json] == ["built", "built"]
    assert (sources / "results/liba/liba-1.0-1.deb12.noarch.rpm").is_file()

    again = rdo("build", "appb.spec", "--repo", "results/liba", "-o", "two", cwd=sources)

    assert again.code == 0, again.stdout + again.stderr
    assert not (sources / "results/liba/repodata").exists()


def test_a_failure_ends_a_chain_and_no_other_build(sources: Path) -> None:
    chain = rdo("build", "bad.spec", "liba.spec", "--chain", cwd=sources)
    apart = rdo("build", "bad.spec", "liba.spec", cwd=sources)

    assert (chain.code, apart.code) == (1, 1)
    assert "not tried: liba.spec" in chain.stdout
    assert "built results/liba/liba-1.0-1.deb12.noarch.rpm" in apart.stdout


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a web server that serves the folder `web`."""
    (tmp_path / "web").mkdir()
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "web")
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_repository_by_its_url_provides_build_requires(sources: Path, web: str) -> None:
    assert rdo("build", "liba.spec", "-o", "web/r", cwd=sources).code == 0
    subprocess.run(["createrepo_c", "--quiet", sources / "web/r"], check=True)

    done = rdo("build", "appb.spec", "--repo", f"{web}/r", "-o", "two", cwd=sources)

    assert done.code == 0, done.stdout + done.stderr
    assert (sources / "two/appb-1.0-1.deb12.noarch.rpm").is_file()


def test_a_repository_whose_rpm_is_another_one_is_not_used(sources: Path, web: str) -> None:
    assert rdo("build", "liba.spec", "-o", "web/r", cwd=sources).code == 0
    subprocess.run(["createrepo_c", "--quiet", sources / "web/r"], check=True)
    with next((sources / "web/r").glob("liba*.noarch.rpm")).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")

    done = rdo("build", "appb.spec", "--repo", f"{web}/r", "-o", "two", cwd=sources)

    assert done.code == 6, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not list((sources / "two").glob("*.noarch.rpm"))


def test_a_url_without_repository_is_one_error(sources: Path, web: str) -> None:
    done = rdo("build", "appb.spec", "--repo", f"{web}/none", cwd=sources)

    assert done.code == 6, done.stderr
    assert f"cannot read the repository {web}/none" in done.stderr
    assert not (sources / "results").exists()


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["none.spec"], 4, "there is no file none.spec"),
        (["folder"], 5, "folder is a folder"),
        (["liba.spec", "folder/liba.spec"], 5, "there are several sources named liba"),
        (["liba.spec", "--repo", "folder"], 5, "folder has neither repodata nor RPMs"),
        (["liba.spec", "--repo", "nowhere"], 2, "'nowhere' is neither a folder nor a URL"),
        (["liba.spec", "--repo", "gopher://x/y"], 5, "not the URL of a repository"),
        (["liba.spec", "--target", "none"], 2, "no [targets.NAME] is configured"),
    ],
)
def test_arguments_are_checked_before_anything_is_made(
    sources: Path, args: list[str], code: int, said: str
) -> None:
    (sources / "folder").mkdir()
    (sources / "folder/liba.spec").write_text("")

    done = rdo("build", *args, cwd=sources)

    assert (done.code, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr
    assert not (sources / "results").exists()


def test_mockbuild_builds_the_distgit_that_it_is_in(sources: Path) -> None:
    git = ("git", "-c", "user.name=A Packager", "-c", "user.email=a@example.org")
    for args in (("init", "-q"), ("add", "liba.spec"), ("commit", "-qm", "liba")):
        subprocess.run([*git, *args], cwd=sources, check=True)
    for other in ("appb.spec", "bad.spec"):
        (sources / other).unlink()

    done = rdo("pkg", "mockbuild", "--results", "made", cwd=sources)

    assert done.code == 0, done.stdout + done.stderr
    assert (sources / "made/liba-1.0-1.deb12.noarch.rpm").is_file()


ASKS = """python3 -c 'from urllib.request import urlopen; urlopen("{url}/there.txt")'"""


def test_only_a_build_that_may_reaches_the_network(sources: Path, web: str) -> None:
    (sources / "web/there.txt").write_text("x")
    text = SPEC.format(name="asks", more="BuildRequires: python3", build=ASKS.format(url=web))
    (sources / "asks.spec").write_text(text)

    shut_in = rdo("build", "asks.spec", cwd=sources)
    let_out = rdo("build", "asks.spec", "--enable-network", cwd=sources)

    assert shut_in.code == 1, shut_in.stderr
    assert let_out.code == 0, let_out.stdout + let_out.stderr


def test_an_additional_package_is_installed_or_missing_by_name(sources: Path) -> None:
    assert rdo("build", "liba.spec", cwd=sources).code == 0
    build = "grep liba /usr/share/liba"
    (sources / "uses.spec").write_text(SPEC.format(name="uses", more="", build=build))
    more = ("--repo", "results", "-o", "two", "--additional-package")

    bare = rdo("build", "uses.spec", "-o", "two", cwd=sources)
    done = rdo("build", "uses.spec", *more, "liba", cwd=sources)
    missing = rdo("build", "uses.spec", *more, "no-such-thing", cwd=sources)

    assert (bare.code, done.code, missing.code) == (1, 0, 1), done.stdout + done.stderr
    assert "nothing provides no-such-thing" in missing.stdout
