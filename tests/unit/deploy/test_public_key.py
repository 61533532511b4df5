"""The public ssh key that answers name, and how it is added to a user's file."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from rdo.deploy.on_host.authorized import look_authorized_key, make_authorized_key
from rdo.deploy.public_key import beside, read_public_key
from rdo.errors import RefusedError

LINE = "ssh-ed25519 AAAAC3Nza me@here"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A real pair of keys, by ssh-keygen; the public one."""
    command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key")
    subprocess.run(command, check=True)
    return tmp_path / "key.pub"


def test_a_public_key_is_read_and_the_private_one_is_beside_it(key: Path) -> None:
    assert read_public_key(str(key)) == key.read_text().strip()
    assert beside(str(key)) == key.with_suffix("")
    key.with_suffix("").unlink()
    assert beside(str(key)) is None


def test_a_private_key_is_refused_and_not_shown(key: Path) -> None:
    private = key.with_suffix("")

    with pytest.raises(RefusedError, match="is a private key") as error:
        read_public_key(str(private))

    assert private.read_text().splitlines()[1] not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"word", LINE.encode() * 900, b"\xff\xfe", b"a\nb\nc"])
def test_what_is_no_public_key_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key.pub").write_bytes(content)

    with pytest.raises(RefusedError, match="CONFIG_SSH_KEY="):
        read_public_key(str(tmp_path / "key.pub"))


def test_a_file_that_is_not_there_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="No such file") as error:
        read_public_key(str(tmp_path / "key.pub"))

    assert "leave it empty" in str(error.value.hint)


def test_a_key_is_added_once_and_other_keys_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = pwd.getpwuid(os.getuid())
    there = pwd.struct_passwd((*me[:5], str(tmp_path), *me[6:]))
    monkeypatch.setattr(pwd, "getpwnam", lambda _name: there)
    wanted = {"user": me.pw_name, "line": LINE}
    file = tmp_path / ".ssh/authorized_keys"

    assert look_authorized_key(wanted) == [f"{file}: key ssh-ed25519 me@here"]
    make_authorized_key(wanted)
    file.write_text('from="10.0.0.1" ssh-rsa BBBB\n# ssh-ed25519 CCCC\n' + file.read_text().strip())

    assert look_authorized_key(wanted) == []
    assert look_authorized_key({**wanted, "line": "ssh-ed25519 CCCC"})  # a comment lets nobody in
    make_authorized_key({**wanted, "line": "ssh-ed25519 DDDD"})
    assert file.read_text().splitlines()[2:] == [LINE, "ssh-ed25519 DDDD"]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
