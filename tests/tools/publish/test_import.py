"""Importing a whole repository that another factory of ours has published, over http."""

import contextlib
import functools
import gzip
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import createrepo_c
import pytest

from rdo.model.build import Built
from rdo.signing import Signer
from rdo.signing.ways import ByOwnKey
from rdo.tools.signing.gpg_home import GpgHome
from tests.databases import copy_factory
from tests.importing import configure, done, repos, rpms_of, run_import
from tests.killing import survives
from tests.publishing import TARGET, RpmShelf, commit, factory, package
from tests.rpms import make_rpms
from tests.serving import INFO

PACKAGES = (package("python-a"), package("python-b"), package("python-c"))


@dataclass
class Web:
    """A tree as a web server shows it: what was asked for, and what is to go wrong."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    breaks_off: str = ""

    def rpms(self) -> list[str]:
        """The RPMs that were asked for since the last time."""
        found = [one.rpartition("/")[2] for one in self.asked if one.endswith(".rpm")]
        self.asked.clear()
        return found


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args: object, web: Web) -> None:
        self.web = web
        super().__init__(*args, directory=str(web.folder))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.web.asked.append(self.path)
        if self.web.breaks_off and self.path.endswith(self.web.breaks_off):
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"half")
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def web_of(folder: Path) -> Iterator[Web]:
    web = Web(folder)
    handler = functools.partial(_Handler, web=web)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        web.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, shelf: RpmShelf) -> Path:
    """The tree of another factory: python-a was built twice, python-b and python-c once."""
    root = tmp_path_factory.mktemp("other")
    with factory(root, shelf, *PACKAGES) as made:
        made.publish("python-a", "a1")
        made.publish("python-b", "b1", requires=("python3-a",))
        made.publish("python-c", "c1")
        made.publish("python-a", "a2", "1.1")
        return made.tree.repos


@pytest.fixture
def web(other: Path, tmp_path: Path) -> Iterator[Web]:
    """A copy of the other tree, served."""
    tree = shutil.copytree(other, tmp_path / "other", symlinks=True)
    with web_of(tree) as served:
        yield served


@pytest.fixture
def here(tmp_path: Path, web: Web) -> Path:
    """The folder of our factory, which may import from the other's tree."""
    return configure(tmp_path / "here", web.url)


def has_nothing(root: Path, shelf: RpmShelf) -> bool:
    """Whether no build was recorded and no repository published."""
    with factory(root, shelf, *PACKAGES) as made, made.store.read() as at:
        return not at.history.has_builds(TARGET) and not (made.tree.repos / "current").exists()


def test_a_whole_repository_becomes_consistent_here(here: Path, web: Web) -> None:
    would = done(here, f"{web.url}/consistent", "--dry-run")

    assert len(would["would"]) == 3
    assert web.rpms() == []
    assert not repos(here).exists()

    first = done(here, f"{web.url}/consistent")

    assert all(one["build_id"] for one in first["commits"])
    assert len(web.rpms()) == 6
    names = [f"python3-{one}.noarch.rpm" for one in ("a-1.1-1", "b-1.0-1", "c-1.0-1")]
    assert rpms_of(repos(here) / "consistent") == names
    assert rpms_of(repos(here) / "current") == names
    place = (repos(here) / "current").resolve()
    assert (place / "rpmbuild.log").read_text().startswith("built python-a")
    assert not list((here / f"data/{TARGET}/importing").iterdir())

    again = done(here, f"{web.url}/consistent/")

    assert [one["build_id"] for one in again["commits"]] == [None] * 3
    assert web.rpms() == []


def test_one_commit_of_a_repository_is_imported(here: Path, web: Web) -> None:
    found = done(here, f"{web.url}/current", "--commit", "B1")

    assert len(found["commits"]) == 1
    assert sorted(web.rpms()) == ["python-b-1.0-1.src.rpm", "python3-b-1.0-1.noarch.rpm"]
    assert rpms_of(repos(here) / "current") == ["python3-b-1.0-1.noarch.rpm"]
    assert not (repos(here) / "consistent").exists()  # python-a and python-c were never built
    code, said = run_import(here, f"{web.url}/current", "--commit", "dead")
    assert (code, "has no commit dead" in said) == (4, True)


def lie(tree: Path) -> None:
    """Another RPM with the same name and size takes the place of one."""
    rpm = next(tree.glob("pool/*/python3-c-1.0-1.noarch.rpm"))
    content = bytearray(rpm.read_bytes())
    content[-1] ^= 1
    rpm.unlink()
    rpm.write_bytes(content)


def lose(tree: Path) -> None:
    """A file of the pool is gone."""
    next(tree.glob("pool/*/python3-c-1.0-1.noarch.rpm")).unlink()


def lose_commit(tree: Path) -> None:
    """The description of a build is gone."""
    next(tree.glob("c1/*/*/commit.yaml")).unlink()


def spoil_metadata(tree: Path) -> None:
    """The list of packages is not the one that repomd.xml names."""
    for file in (tree / "consistent/repodata").glob("*primary*"):
        file.write_bytes(file.read_bytes()[:-1] + b"x")


def point_outside(tree: Path) -> None:
    """repomd.xml names a place outside the repository."""
    file = tree / "consistent/repodata/repomd.xml"
    file.write_text(file.read_text().replace('href="repodata/', 'href="../../x/'))


def grow(tree: Path) -> None:
    """A file is longer than its metadata says."""
    with next(tree.glob("pool/*/python3-c-1.0-1.noarch.rpm")).open("ab") as file:
        file.write(bytes(1000))


def add_stranger(tree: Path) -> None:
    """A package that our metadata does not know."""
    file = tree / "consistent/versions.csv"
    file.write_text(file.read_text().replace("python-c,", "python-x,"))


def ask_to_sign_in(tree: Path) -> None:
    """The other side answers every request with a page."""
    for file in tree.glob("consistent/versions.csv"):
        file.write_text("<html>\n<body>sign in</body>\n</html>\n")


def describe_nothing(tree: Path) -> None:
    """The description of a build is empty."""
    next(tree.glob("c1/*/*/commit.yaml")).write_text("")


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (ask_to_sign_in, 5, "versions.csv is not DLRN's: it has no column Project"),
        (describe_nothing, 5, "commit.yaml cannot be imported: it has no list of commits"),
        (lie, 5, "is not the file that its repository lists"),
        (lose, 4, "there is no"),
        (lose_commit, 4, "there is no"),
        (spoil_metadata, 5, "is not the file that its repository lists"),
        (point_outside, 5, "is not a place in a repository"),
        (grow, 5, "is larger than"),
        (add_stranger, 5, f"{TARGET} has no package python-x"),
    ],
)
def test_a_fault_is_reported_and_nothing_is_half_imported(
    here: Path, web: Web, shelf: RpmShelf, fault: Callable[[Path], None], code: int, said: str
) -> None:
    fault(web.folder)

    found = run_import(here, f"{web.url}/consistent")

    assert (found[0], said in found[1]) == (code, True), found
    assert "Traceback" not in found[1]
    assert has_nothing(here, shelf)


def test_what_the_other_side_breaks_off_is_completed_without_the_rest(
    here: Path, web: Web, shelf: RpmShelf
) -> None:
    web.breaks_off = "python3-a-1.1-1.noarch.rpm"  # of the newest build, which comes last

    code, said = run_import(here, f"{web.url}/consistent")

    assert (code, "run the command again" in said) == (6, True), said
    assert has_nothing(here, shelf)
    web.breaks_off = ""
    assert web.breaks_off not in web.rpms()
    done(here, f"{web.url}/consistent")
    assert web.rpms() == ["python3-a-1.1-1.noarch.rpm"]
    assert len(rpms_of(repos(here) / "consistent")) == 3


def test_only_allowed_addresses_are_read(tmp_path: Path, web: Web) -> None:
    here = configure(tmp_path / "narrow", f"{web.url}/consistent")

    elsewhere = run_import(here, f"{web.url}/current")
    hashes = run_import(here, f"{web.url}/consistent")

    for code, said in (elsewhere, hashes):
        assert code == 5
        assert f"nothing is imported from {web.url}/" in said
        assert "import-from" in said
    assert not any("commit.yaml" in one for one in web.asked)


def test_metadata_that_zstd_has_compressed_is_read(here: Path, web: Web) -> None:
    """As createrepo_c of today writes it."""
    folder = (web.folder / "consistent/repodata").resolve()
    index = createrepo_c.Repomd(str(folder / "repomd.xml"))
    new = createrepo_c.Repomd()
    for record in index.records:
        old = folder.parent / record.location_href
        file = folder / f"{record.type}.xml.zst"
        file.write_bytes(
            subprocess.run(
                ["zstd", "-q", "-c"],
                input=gzip.decompress(old.read_bytes()),
                capture_output=True,
                check=True,
            ).stdout
        )
        old.unlink()
        written = createrepo_c.RepomdRecord(record.type, str(file))
        written.fill(createrepo_c.SHA256)
        new.set_record(written)
    (folder / "repomd.xml").write_text(new.xml_dump())

    found = done(here, f"{web.url}/consistent")

    assert len([one for one in found["commits"] if one["build_id"]]) == 3


def test_components_and_debuginfo_are_imported(tmp_path: Path, shelf: RpmShelf) -> None:
    """Each component has a repository of its own; RPMs for debuggers have one beside it."""
    of = {"python-a": "compute", "python-b": "compute", "python-c": "network"}
    members = [package(name, component=component) for name, component in of.items()]
    (tmp_path / "there").mkdir()
    with factory(tmp_path / "there", shelf, *members, components=True) as made:
        with made.store.write() as at:
            build = at.builds.plan(TARGET, commit("python-a", "a1", "compute"), now=made.now())
        folder = made.folder_of(build)
        rpms = make_rpms(folder, "python-a", more=("python3-a-debuginfo",))
        with made.store.write() as at:
            build = at.builds.settle(build.id, Built(rpms), now=made.now())
        made.tree.publish(build, folder, made.members)
        made.publish("python-b", "b1", component="compute")
        made.publish("python-c", "c1", component="network")
    names = "components:\n- name: compute\n- name: network\n"
    info = INFO.replace("package-default:", f"{names}package-default:")
    for name, component in of.items():
        info = info.replace(f"{{project: {name},", f"{{project: {name}, component: {component},")

    with web_of(made.tree.repos) as web:
        here = configure(tmp_path / "here", web.url, components=True, info=info)
        for component in ("compute", "network"):
            done(here, f"{web.url}/component/{component}/consistent")

    compute = repos(here) / "component/compute/consistent"
    assert rpms_of(compute) == ["python3-a-1.0-1.noarch.rpm", "python3-b-1.0-1.noarch.rpm"]
    assert rpms_of(compute / "debug") == ["python3-a-debuginfo-1.0-1.noarch.rpm"]
    network = repos(here) / "component/network/consistent"
    assert rpms_of(network) == ["python3-c-1.0-1.noarch.rpm"]
    assert (repos(here) / "consistent/delorean.repo").is_file()


@pytest.mark.parametrize("content", ["", "not a key"])
def test_a_file_that_is_not_a_key_checks_nothing_and_imports_nothing(
    here: Path, web: Web, shelf: RpmShelf, tmp_path: Path, content: str
) -> None:
    (tmp_path / "key").write_text(content)

    code, said = run_import(here, f"{web.url}/consistent", "--key", str(tmp_path / "key"))

    assert (code, "key is not a public key in text form" in said) == (2, True), said
    assert has_nothing(here, shelf)


@pytest.mark.slow
def test_signatures_are_asked_for(tmp_path: Path, shelf: RpmShelf) -> None:
    root = tmp_path / "signed"
    root.mkdir()
    home = GpgHome(tmp_path / "keys", is_ours=True)
    key, stranger = (home.create_key(name, expires="2y") for name in ("ours", "a stranger"))
    files = [tmp_path / "ours.key", tmp_path / "strange.key"]
    for file, one in zip(files, (key, stranger), strict=True):
        file.write_bytes(home.export(one))
    with factory(root, shelf, *PACKAGES) as made, web_of(made.tree.repos) as web:
        way = ByOwnKey(TARGET, tmp_path / "keys", key)
        made.tree.signer = Signer(TARGET, way, made.tree.repos, web.url, clock=made.now)
        made.publish("python-a", "a1")
        made.tree.signer = None
        made.publish("python-b", "b1")
        here = configure(tmp_path / "here", web.url)

        wrong = run_import(here, f"{web.url}/current", "--commit", "a1", "--key", str(files[1]))
        one_is_not = run_import(here, f"{web.url}/current", "--key", str(files[0]))
        none_left = has_nothing(here, shelf)
        right = run_import(here, f"{web.url}/current", "--commit", "a1", "--key", str(files[0]))

    assert (wrong[0], one_is_not[0]) == (5, 5)
    assert "not signed by the key: python-a-1.0-1.src.rpm, python3-a-1.0-1" in wrong[1]
    assert "not signed by the key: python-b-1.0-1.src.rpm, python3-b-1.0-1" in one_is_not[1]
    assert none_left
    assert right[0] == 0, right[1]


@pytest.mark.slow
def test_an_import_killed_anywhere_is_completed_by_the_next(
    tmp_path: Path, here: Path, web: Web
) -> None:
    ended, killed = False, 0
    step = 1
    while not ended:
        root = tmp_path / f"run{step}"
        copy_factory(here, root)
        text = (root / "rdo.toml").read_text()
        (root / "rdo.toml").write_text(text.replace(str(here), str(root)))
        web.asked.clear()

        ended = survives(partial(run_import, root, f"{web.url}/consistent"), step)

        before = web.rpms()
        name = repos(root) / "consistent"
        assert not name.exists() or len(rpms_of(name)) == 3, step
        done(root, f"{web.url}/consistent")
        assert not set(before[:-1]) & set(web.rpms()), step  # the last may have been on its way
        assert len(rpms_of(repos(root) / "consistent")) == 3, step
        with factory(root, RpmShelf(tmp_path), *PACKAGES) as made, made.store.read() as at:
            assert at.builds.unpublished(TARGET) == ()
            assert all(len(at.builds.history(TARGET, one.name)) == 1 for one in PACKAGES)
        assert not list((root / f"data/{TARGET}/importing").iterdir())
        shutil.rmtree(root)
        killed += not ended
        step += 9
    assert killed > 10
