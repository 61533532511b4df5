"""Keys that rdo does not keep: in a gpg home of the operator, or behind a signing command.

A key that is revoked or has expired, and a command that fails or hangs, are one clear error; what
was built waits, and the next round publishes it.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rdo.cli.main import run
from tests.conftest import GitRepository
from tests.e2e.trunk.test_trunk_loop import site
from tests.rpms import make_rpms

__all__ = ["site"]  # the fixture

pytestmark = pytest.mark.skipif(not shutil.which("rpmsign"), reason="rpmsign is not installed")

TARGET = "one-deb12"
LONG_AGO = ("--faked-system-time", "20200101T000000")


class Home:
    """A home of gpg that somebody looks after by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)

    def gpg(self, *args: str, stdin: str = "") -> str:
        command = ["gpg", "--homedir", str(self.folder), "--batch", "--yes", *args]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=True)
        return done.stdout

    def make_key(self, name: str, *when: str) -> str:
        """Make a key for a year without a passphrase, and return its fingerprint."""
        known = set(self._keys())
        self.gpg(*when, "--passphrase", "", "--quick-gen-key", name, "rsa2048", "sign", "1y")
        [made] = set(self._keys()) - known
        return made

    def _keys(self) -> list[str]:
        lines = self.gpg("--list-keys", "--with-colons").splitlines()
        return [line.split(":")[9] for line in lines if line.startswith("fpr:")]

    def revoke(self, fingerprint: str) -> None:
        certificate = self.folder / f"openpgp-revocs.d/{fingerprint}.rev"
        self.gpg("--import", stdin=certificate.read_text().replace(":-----BEGIN", "-----BEGIN"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("k") / "gpg")  # the path of an agent's socket must be short


class Signing:
    """A target whose [signing] changes, and its rounds."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.settings = (folder / "rdo.toml").read_text()

    def by(self, *lines: str) -> None:
        section = "\n".join([f"\n[targets.{TARGET}.signing]", *lines, ""])
        (self.folder / "rdo.toml").write_text(self.settings + section)

    def rdo(self, *args: str) -> tuple[int, Any]:
        self.capsys.readouterr()
        code = run(["-C", str(self.folder), "-q", *args, "--json"])
        said = self.capsys.readouterr()
        return code, json.loads(said.out) if said.out else said.err

    def names(self) -> dict[str, str]:
        [state] = self.rdo("trunk", "status")[1]
        return dict(state["names"])

    def release(self, version: str) -> None:
        """Let the builder make another version from now on."""
        for old in (self.folder / "shelf").glob("*.rpm"):
            old.unlink()
        make_rpms(self.folder / "shelf", "python-foo", version=version)

    def repo_file(self) -> str:
        return (self.folder / f"data/{TARGET}/repos/current/delorean.repo").read_text()


@pytest.fixture
def signing(site: Path, capsys: pytest.CaptureFixture[str]) -> Signing:
    return Signing(site, capsys)


def test_a_key_in_a_home_of_the_operator_signs_until_it_is_revoked(
    signing: Signing, home: Home, upstream: GitRepository
) -> None:
    key, other = home.make_key("Operator"), home.make_key("Operator's next")
    signing.by(f'key = "{key}"', f'gpg-home = "{home.folder}"')
    assert signing.rdo("trunk", "run")[0] == 0
    before, verified = signing.names(), signing.rdo("trunk", "verify")[0]
    signed_by = signing.repo_file()
    home.revoke(key)
    upstream.commit("more")
    signing.release("2.0")

    code, told = signing.rdo("trunk", "run")
    during = signing.names()
    signing.by(f'key = "{other}"', f'gpg-home = "{home.folder}"')
    again = signing.rdo("trunk", "run")[0]

    assert verified == 0
    assert "repo_gpgcheck=1" in signed_by
    assert key[-16:].lower() in signed_by
    assert code == 3
    assert f"the key {key} is revoked" in told
    assert "Traceback" not in told
    assert during == before
    assert again == 0
    assert signing.names()["current"] != before["current"]
    assert other[-16:].lower() in signing.repo_file()
    assert signing.rdo("trunk", "verify")[0] == 0


def test_an_expired_key_is_reported_before_anything_is_built(
    signing: Signing, home: Home, site: Path
) -> None:
    key = home.make_key("Operator of before", *LONG_AGO)
    signing.by(f'key = "{key}"', f'gpg-home = "{home.folder}"')

    code, told = signing.rdo("trunk", "run")

    assert code == 3
    assert f"the key {key} expired on 2020-12-31" in told
    assert not list(site.glob(f"data/{TARGET}/builds/*/*.rpm"))
    assert signing.rdo("doctor")[0] != 0


def test_a_key_that_the_home_does_not_have_is_reported(signing: Signing, home: Home) -> None:
    key = "0123456789ABCDEF0123456789ABCDEF01234567"
    signing.by(f'key = "{key}"', f'gpg-home = "{home.folder}"')

    code, told = signing.rdo("trunk", "run")

    assert code != 0
    assert f"{home.folder} has no key {key}" in told
    assert "gpg --list-secret-keys" in told


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("sys.exit('the signing server does not answer')", "the signing server does not answer"),
        ("time.sleep(600)", "timed out"),
    ],
    ids=["fails", "hangs"],
)
def test_a_signing_command_that_does_not_sign_is_one_error_and_nothing_is_lost(
    signing: Signing, home: Home, site: Path, script: str, told: str
) -> None:
    key = home.make_key(f"Server {len(script)}")
    (site / "public.asc").write_text(home.gpg("--armor", "--export", key))
    (site / "sign.py").write_text(f"import sys, time\n{script}\n")
    command = [sys.executable, str(site / "sign.py"), "{folder}"]
    by_command = (f"command = {json.dumps(command)}", 'public-key = "public.asc"')
    signing.by(f'key = "{key}"', *by_command, "timeout-seconds = 1")

    code, said = signing.rdo("trunk", "run")
    signing.by(f'key = "{key}"', f'gpg-home = "{home.folder}"')
    again = signing.rdo("trunk", "run")[0]

    assert code == 3
    assert told in said
    assert "the signing command " in said
    assert "Traceback" not in said
    assert again == 0
    assert signing.names()["consistent"]
    assert signing.rdo("trunk", "verify")[0] == 0
