"""A signed tree: faults of the signer, kills, and repositories from before the first signature."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rdo.errors import NotFoundError, is_of_the_machine
from rdo.model.repo_file import RepoTrust
from rdo.publish.references import has_signature, is_signed
from rdo.publish.upkeep.signing_again import sign_again
from rdo.publish.upkeep.verify import verify_tree
from rdo.signing import Signer, SigningError
from rdo.signing.ways import ByCommand, ByOwnKey, SigningWay
from rdo.tools.signing.gpg_home import GpgHome
from rdo.tools.signing.rpm_signature import badly_signed
from tests.databases import copy_factory
from tests.publishing import TARGET, Factory, RpmShelf, factory, package
from tests.tools.publish.test_kill import kill_at, listing, publish_what_is_left

pytestmark = pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed")

PACKAGES = (package("python-a"), package("python-b"))

# A signing command: what it does is in its first argument.
COMMAND = """\
import pathlib, subprocess, sys, time
act, home, folder, key = sys.argv[1:]
if act == "fail":
    sys.exit("the signing server does not answer")
if act == "hang":
    time.sleep(600)
if act == "nothing":
    sys.exit()
gpg = ["gpg", "--homedir", home, "--batch", "--yes", "--local-user", key, "--armor"]
macros = [f"_gpg_path {home}", f"_gpg_name {key}", "__gpg /usr/bin/gpg"]
for file in pathlib.Path(folder).iterdir():
    if act == "no-index" and file.suffix != ".rpm":
        sys.exit("repositories are not signed today")
    if file.suffix == ".rpm":
        defines = [word for macro in macros for word in ("--define", macro)]
        subprocess.run(["rpmsign", *defines, "--addsign", file], check=True)
    else:
        subprocess.run([*gpg, "--detach-sign", file], check=True)
    if act == "corrupt":
        with file.open("r+b") as changed:
            changed.seek(-2, 2)
            changed.write(b"xx")
    if act == "remove":
        file.unlink()
"""


class Keys:
    """A home with a key, which is made once."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.gpg = GpgHome(self.home, is_ours=True)
        self.fingerprint = self.gpg.create_key("RDO tests", expires="2y")
        self.public = folder / "public.asc"
        self.public.write_bytes(self.gpg.export(self.fingerprint))
        self.script = folder / "sign.py"
        self.script.write_text(COMMAND)

    def own(self) -> ByOwnKey:
        return ByOwnKey(TARGET, self.home, self.fingerprint)

    def command(self, act: str) -> ByCommand:
        words = (sys.executable, str(self.script), act, str(self.home), "{folder}", "{key}")
        return ByCommand(words, self.fingerprint, self.public)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def with_signer(made: Factory, way: SigningWay, seconds: float = 60) -> Factory:
    made.tree.signer = Signer(
        TARGET, way, made.tree.repos, "http://127.0.0.1/repos", seconds, made.now
    )
    return made


@pytest.fixture
def made(tmp_path: Path, shelf: RpmShelf) -> Iterator[Factory]:
    with factory(tmp_path, shelf, *PACKAGES) as opened:
        yield opened


def named(made: Factory) -> list[str]:
    """All that is in the tree, but for RPMs in the pool that no repository names."""
    return [line for line in listing(made.tree.repos) if not line.startswith("pool/")]


def pool_of(made: Factory) -> list[Path]:
    return sorted((made.tree.repos / "pool").glob("*/*.rpm"))


def test_what_is_published_is_signed_and_the_disk_has_it_once(made: Factory, keys: Keys) -> None:
    with_signer(made, keys.own())

    published = made.publish("python-a", "a1")

    assert published.directory
    repo = (published.directory / "delorean.repo").read_text()
    name = f"RPM-GPG-KEY-{TARGET}-{keys.fingerprint[-16:].lower()}"
    assert f"repo_gpgcheck=1\ngpgkey=http://127.0.0.1/repos/{name}\n" in repo
    assert (made.tree.repos / name).read_bytes() == keys.public.read_bytes()
    assert badly_signed(pool_of(made), [keys.public.read_bytes()], made.tree.repos) == ()
    with made.store.read() as at:
        stored = at.artifacts.good(TARGET)
    for one in stored:
        artifact = one.artifact
        assert (artifact.signed_by, artifact.unsigned_sha256 != artifact.sha256) == (
            keys.fingerprint,
            True,
        )
        place = made.tree.repos / "pool" / artifact.sha256 / artifact.file_name
        assert place.stat().st_nlink == 3  # the pool, the hash directory, the build's folder
    assert verify_tree(made.tree, made.store, made.members) == []


def test_the_shelf_of_others_is_not_changed(made: Factory, keys: Keys) -> None:
    """rpmsign writes into the file itself: whoever has a hard link would get the signature."""
    build = made.build("python-a", "a1")
    other = made.folder / "link.rpm"
    rpm = next(made.folder_of(build).glob("*.noarch.rpm"))
    os.link(rpm, other)
    before = other.read_bytes()
    with_signer(made, keys.own())

    made.tree.publish(build, made.folder_of(build), made.members)

    assert other.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("act", ["fail", "hang", "nothing", "corrupt", "remove", "no-index"])
def test_a_signing_command_that_misbehaves_publishes_nothing(
    made: Factory, keys: Keys, act: str
) -> None:
    with_signer(made, keys.command("sign"))
    made.publish("python-a", "a1")
    before = named(made)
    build = made.build("python-b", "b1")
    with_signer(made, keys.command(act), seconds=1)

    with pytest.raises(
        SigningError, match=TARGET if act in {"fail", "hang", "no-index"} else "sign"
    ) as raised:
        made.tree.publish(build, made.folder_of(build), made.members)

    assert is_of_the_machine(raised.value)
    assert named(made) == before
    assert [one.kind for one in verify_tree(made.tree, made.store, made.members)] == []
    with_signer(made, keys.command("sign"))
    publish_what_is_left(made)
    assert made.leads("current") == made.leads("consistent")
    assert verify_tree(made.tree, made.store, made.members) == []


def test_an_expired_key_is_one_clear_error_before_anything_changes(
    made: Factory, keys: Keys
) -> None:
    with_signer(made, keys.own())
    build = made.build("python-a", "a1")
    made.now.now += timedelta(days=20 * 365)

    with pytest.raises(SigningError, match=f"the key {keys.fingerprint} expired on 20") as raised:
        made.tree.publish(build, made.folder_of(build), made.members)

    assert "rdo repo sign-key rotate" in raised.value.hint
    assert not (made.tree.repos / "current").exists()


def test_a_target_without_its_key_says_how_to_make_one(made: Factory, tmp_path: Path) -> None:
    with_signer(made, ByOwnKey(TARGET, tmp_path / "none"))

    with pytest.raises(SigningError, match="has no key yet") as raised:
        made.publish("python-a", "a1")

    assert raised.value.hint == f"rdo repo sign-key create --target {TARGET}"


def test_what_was_published_before_is_signed_again(made: Factory, keys: Keys) -> None:
    made.publish("python-a", "a1")
    made.publish("python-b", "b1")
    made.tree.promote("tested", made.tree.leads("current"), by="me", why="first")
    unsigned = {rpm.name: rpm.read_bytes() for rpm in pool_of(made)}
    places = {name: made.leads(name) for name in ("current", "consistent", "tested")}
    with_signer(made, keys.own())
    made.publish("python-a", "a2", "1.1")
    mixed = (made.tree.repos / "current/delorean.repo").read_text()

    done = sign_again(made.tree, made.store)
    again = sign_again(made.tree, made.store)

    assert "\ngpgcheck=0\nrepo_gpgcheck=1\n" in mixed  # python-b has no signature yet
    assert (done.rpms, done.lost) == (4, ())
    assert set(done.repositories) == {made.leads("current"), places["tested"]}
    assert (again.rpms, again.repositories) == (0, ())
    for name in ("current", "consistent", "tested"):
        place = made.tree.repos / name
        assert is_signed(place, "delorean")
        assert "\ngpgcheck=1\nrepo_gpgcheck=1\n" in (place / "delorean.repo").read_text()
        assert (place / "installed").is_file()
        assert (place / "versions.csv").read_text().count("\n") == 3
    assert made.leads("tested") == places["tested"]
    with made.store.read() as at:
        stored = at.artifacts.good(TARGET)
    assert {one.artifact.signed_by for one in stored} == {keys.fingerprint}
    assert len(unsigned) == 4
    assert verify_tree(made.tree, made.store, made.members) == []


def test_verify_finds_signatures_that_are_gone_or_wrong_and_mends_them(
    made: Factory, keys: Keys
) -> None:
    with_signer(made, keys.own())
    made.publish("python-a", "a1")
    for damage in (b"", b"no signature\n"):
        signature = (made.tree.repos / "current").resolve() / "repodata/repomd.xml.asc"
        signature.write_bytes(damage) if damage else signature.unlink()

        found = verify_tree(made.tree, made.store, made.members)
        for one in found:
            assert one.repair
            one.repair()

        assert [one.kind for one in found] == ["repository"]
        assert re.search("signed|signature", found[0].what)
        assert verify_tree(made.tree, made.store, made.members) == []


def survives(root: Path, shelf: RpmShelf, keys: Keys, step: int, *, again: bool) -> bool:
    """Publish, or sign again, in a child that dies at a step; whether it did not."""
    child = os.fork()
    if child == 0:
        try:
            with factory(root, shelf, *PACKAGES) as made:
                with_signer(made, keys.own())
                kill_at(step)
                sign_again(made.tree, made.store) if again else publish_what_is_left(made)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return not os.WIFSIGNALED(status)


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True])
def test_killed_anywhere_nothing_half_signed_is_published(
    tmp_path: Path, shelf: RpmShelf, keys: Keys, again: bool
) -> None:
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    with factory(prepared, shelf, *PACKAGES) as made:
        if not again:
            with_signer(made, keys.own())
        made.publish("python-a", "a1")
        made.publish("python-b", "b1")
        if not again:
            made.build("python-a", "a2", "1.1")
    step, killed = 1, True

    while killed:
        root = tmp_path / f"step{step}"
        copy_factory(prepared, root)
        killed = not survives(root, shelf, keys, step, again=again)
        with factory(root, shelf, *PACKAGES) as made:
            with_signer(made, keys.own())
            current = made.tree.repos / "current"
            assert again or has_signature(current), step
            made.tree.journal.recover()
            publish_what_is_left(made)
            sign_again(made.tree, made.store)
            assert is_signed(current, "delorean"), step
            assert verify_tree(made.tree, made.store, made.members) == [], step
            assert [*made.folder.glob("being-signed/*")] == [], step
        shutil.rmtree(root)
        step += 11

    assert step > 30


def test_trust_of_mixed_signatures(keys: Keys, made: Factory) -> None:
    with_signer(made, keys.own())
    assert made.tree.signer

    found = made.tree.signer.trust({"", keys.fingerprint})

    assert found == RepoTrust(
        gpgcheck=False,
        repo_gpgcheck=True,
        gpgkey=(f"http://127.0.0.1/repos/{made.tree.signer.key_name(keys.fingerprint)}",),
    )


def test_a_key_file_of_another_key_is_refused(keys: Keys, made: Factory, tmp_path: Path) -> None:
    way = ByCommand(("true",), "0" * 40, keys.public)
    with_signer(made, way)

    with pytest.raises(SigningError, match="is not the key 0000"):
        made.publish("python-a", "a1")
    with pytest.raises(NotFoundError):
        ByCommand(("true",), keys.fingerprint, tmp_path / "none.asc").public()


def test_keys_are_made_and_sign_where_temporary_files_have_a_long_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / ("long-" * 20)  # a socket below it could not be opened
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    home = GpgHome(tmp_path / "home", is_ours=True)
    file = tmp_path / "repomd.xml"
    file.write_text("<repomd/>")

    home.sign([file], home.create_key("RDO tests", expires="2y"), timeout=60)

    assert "BEGIN PGP SIGNATURE" in (tmp_path / "repomd.xml.asc").read_text()
    assert [*place.iterdir()] == []
