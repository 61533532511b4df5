"""Entering a root: real namespaces, real limits."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from rdo.errors import CommandError
from rdo.model.program import Bounds, Limit
from rdo.tools.walls.as_root import AsRoot
from rdo.tools.walls.entry import Bind
from rdo.tools.walls.root import Root
from rdo.tools.walls.sandbox import Sandbox
from rdo.tools.walls.system_view import system_binds, system_links
from tests.patience import until

pytestmark = pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A root of this machine's own programs over one layer."""
    layer = tmp_path / "layer"
    for bind in system_binds():
        place = layer / bind.target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True) if bind.source.is_dir() else place.touch()
    (layer / "kept").write_text("of the layer\n")
    return Root((layer,), tmp_path / "work", system_binds(), has_home=True, links=system_links())


def test_root_inside_has_no_rights_outside(root: Root) -> None:
    done = root.ask("sh", "-c", "id -u; cut -c12-22 /proc/self/uid_map", privileged=True)

    inside, outside, *_ = done.stdout.split()
    assert inside == "0"
    assert outside != "0" or os.geteuid() != 0


def test_the_layer_stays_as_it_is(root: Root, tmp_path: Path) -> None:
    root.ask("sh", "-c", "echo changed > /kept; chown 5:7 /kept", privileged=True)

    again = root.ask("sh", "-c", "cat /kept; stat -c %u:%g /kept", privileged=True)
    assert again.stdout.split() == ["changed", "5:7"]
    assert (tmp_path / "layer/kept").read_text() == "of the layer\n"


@pytest.mark.parametrize("privileged", [True, False])
def test_no_device_and_no_setuid_file_of_a_layer_works(root: Root, privileged: bool) -> None:
    if os.geteuid() == 0:
        os.mknod(root.layers[0] / "device", 0o020666, os.makedev(1, 3))

    script = "grep ' / ' /proc/self/mounts; head -c 1 /device && echo opened || true"
    done = root.ask("sh", "-c", script, privileged=privileged)

    _, place, _, options, *_ = done.stdout.split()
    assert place == "/"
    assert {"nosuid", "nodev"} <= set(options.split(","))
    assert "opened" not in done.stdout


def test_the_build_user_has_its_folders_and_no_other(root: Root) -> None:
    done = root.ask("sh", "-c", "touch /builddir/SOURCES/x && echo one; touch /x || echo two")

    assert done.stdout.split() == ["one", "two"]


def test_what_is_given_is_copied_by_the_build_user(root: Root, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given/file").write_text("text")
    root = replace(root, binds=(*root.binds, Bind(tmp_path / "given", "/given")))

    done = root.ask("stat", "-c", "%u", "/builddir/file", copies=(("/given", "/builddir"),))

    assert done.stdout.split() == ["61184"]


def test_a_program_that_is_not_there_is_reported(root: Root) -> None:
    with pytest.raises(CommandError, match="exit status 127"):
        root.ask("no-such-program")


def test_the_status_of_a_program_is_its_own(root: Root) -> None:
    assert root.ask("sh", "-c", "exit 7", ok=(7,)).returncode == 7
    assert root.ask("sh", "-c", "kill -9 $$", ok=(137,)).returncode == 137


def test_files_without_a_name_count(root: Root, tmp_path: Path) -> None:
    script = "exec 3>/builddir/big; rm /builddir/big; head -c 80000000 /dev/zero >&3; sleep 300"
    bounds = Bounds(seconds=300, disk_bytes=20_000_000)

    done = root.log("sh", "-c", script, log_file=tmp_path / "log", bounds=bounds)

    assert done.limit is Limit.DISK


def test_nothing_of_the_machine_is_in_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")

    done = Sandbox().ask("cat", tmp_path / "secret")
    given = Sandbox().ask("cat", tmp_path / "secret", readable=[tmp_path])

    assert done.returncode != 0
    assert given.stdout == "secret"


def test_the_sandbox_writes_only_where_it_may(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()

    done = Sandbox().ask(
        "sh", "-c", f"echo a > {tmp_path}/out/a; echo b > /usr/b", writable=[tmp_path / "out"]
    )

    assert done.returncode != 0
    assert (tmp_path / "out/a").read_text() == "a\n"
    assert (tmp_path / "out/a").stat().st_uid == os.geteuid()


@pytest.mark.parametrize(
    "script",
    [
        "while :; do :; done",
        "yes",
        "rpm --eval '%{lua: while true do end}'",
        "for i in 1 2 3; do (setsid sleep 987655 >/dev/null 2>&1 &); done; sleep 300",
    ],
)
def test_what_does_not_end_in_the_sandbox_is_ended_with_all_that_it_started(script: str) -> None:
    with pytest.raises(CommandError, match=r"timed out after|printed more than"):
        Sandbox().ask("sh", "-c", script, timeout=3)

    until(lambda: not _is_running("sleep 987655"))


def _is_running(command: str) -> bool:
    done = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return command in done.stdout.splitlines()


def test_the_sandbox_has_no_environment_and_no_homes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_THE_TEST", "secret")

    done = Sandbox().ask("sh", "-c", "env; ls -A /root /home; grep CapEff /proc/self/status")

    assert "TOKEN_OF_THE_TEST" not in done.stdout
    assert "CapEff:\t0000000000000000" in done.stdout
    assert [line for line in done.stdout.splitlines() if "=" not in line and ":" not in line] == []


def test_root_over_a_folder_makes_files_that_are_ours(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()

    AsRoot((Bind(tmp_path / "made", "/made", writable=True),)).ask(
        "sh", "-c", "test $(id -u) = 0 && touch /made/file"
    )

    assert (tmp_path / "made/file").stat().st_uid == os.geteuid()
