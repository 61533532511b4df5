"""RPM files from strangers are read in a child process that can only answer."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rdo.errors import CommandError, RefusedError
from rdo.model.artifact import SpecialKind
from rdo.model.program import Completed
from rdo.repodata import read_rpms, rpm_file
from rdo.run import run
from rdo.tools.rpm.reader import RpmReader
from tests.rpms import make_rpms

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

SPECIAL = """\
Name: special
Version: 1
Release: 1
Summary: Special files
License: MIT
BuildArch: noarch
%description
x
%package rights
Summary: x
%description rights
x
%install
install -d -m2755 %{buildroot}/usr/share/group
install -D /dev/null %{buildroot}/usr/bin/root
install -D /dev/null %{buildroot}/usr/bin/group
install -D /dev/null %{buildroot}/usr/bin/capable
%files
%dev(b 7 1) %attr(0666, root, root) /usr/share/disk
%files rights
%attr(4755, root, root) /usr/bin/root
%attr(2755, root, root) /usr/bin/group
%attr(2755, root, root) %dir /usr/share/group
%caps(cap_net_raw=ep) /usr/bin/capable
"""


@pytest.fixture(scope="module")
def special(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("special")
    (folder / "special.spec").write_text(SPECIAL)
    spec = str(folder / "special.spec")
    command = ["rpmbuild", "--quiet", "-bb", "-D", f"_topdir {folder}", spec]
    subprocess.run(command, check=True, capture_output=True)
    return {path.name.rsplit("-", 2)[0]: path for path in folder.rglob("*.rpm")}


def test_a_device_node_is_refused_when_it_is_read(special: dict[str, Path]) -> None:
    with pytest.raises(RefusedError, match="/usr/share/disk is a device node"):
        read_rpms([special["special"]])


def test_files_that_give_rights_are_named(special: dict[str, Path]) -> None:
    [read] = read_rpms([special["special-rights"]])

    found = {(one.kind, one.path) for one in read.special}
    assert found == {
        (SpecialKind.SETUID, "/usr/bin/root"),
        (SpecialKind.SETGID, "/usr/bin/group"),
        (SpecialKind.CAPABILITIES, "/usr/bin/capable"),
    }


def test_a_batch_is_read_in_order_by_one_child(tmp_path: Path) -> None:
    rpms = make_rpms(tmp_path)
    started = []

    def count(*argv: str | Path, **options: Any) -> Completed:
        started.append(argv)
        return run(*argv, **options)

    rows = RpmReader(count).read([*rpms, *rpms])

    assert [row["name"] for row in rows] == ["python-sample", "python3-sample"] * 2
    assert len(started) == 1


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_file_that_only_its_owner_may_open_is_read(tmp_path: Path, mode: int) -> None:
    _, rpm = make_rpms(tmp_path / "closed")
    rpm.chmod(mode)
    rpm.parent.chmod(0o700)

    assert read_rpms([rpm])[0].source_rpm == "python-sample-1.0-1.src.rpm"


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "absent"])
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    source, rpm = make_rpms(tmp_path)
    place = tmp_path / "other" / rpm.name
    place.parent.mkdir()
    match kind:
        case "link":
            place.symlink_to(rpm)
        case "fifo":
            os.mkfifo(place)
        case "folder":
            place.mkdir()

    with pytest.raises(RefusedError, match=rpm.name):
        read_rpms([source, place])


def test_a_file_that_cannot_be_read_is_named_beside_good_ones(tmp_path: Path) -> None:
    source, rpm = make_rpms(tmp_path)
    rpm.write_bytes(rpm.read_bytes()[:200])

    with pytest.raises(RefusedError, match=f"cannot publish {rpm.name}: "):
        read_rpms([source, rpm])


PROBE = """\
import json, os, socket
def failed(act):
    try:
        act()
    except OSError:
        return True
with open("/proc/self/status") as lines:
    status = dict(line.split(":\\t", 1) for line in lines if ":\\t" in line)
print(json.dumps({{
    "secret": failed(lambda: open("{secret}")),
    "write": failed(lambda: open("/usr/x", "w")),
    "network": failed(lambda: socket.create_connection(("192.0.2.1", 80), 2)),
    "seccomp": status["Seccomp"].strip(),
    "capabilities": int(status["CapEff"], 16),
}}), flush=True)
"""


def test_the_child_has_no_network_no_rights_and_no_files_of_the_host(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    child = tmp_path / "probe.py"
    child.write_text(PROBE.format(secret=secret))
    _, rpm = make_rpms(tmp_path)

    [row] = RpmReader(child=child).read([rpm])

    assert row.pop("seccomp") == "2"
    assert row == {"secret": True, "write": True, "network": True, "capabilities": 0}


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.kill(os.getpid(), 11)",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
        "bytearray(5_000_000_000)",
        "import sys; sys.exit(3)",
        "print('{\"name\": ', flush=True)",
        "print('[]')",
        "print('[' * 100_000)",
        'print(\'{"name": "x"}\')',
    ],
)
def test_whatever_becomes_of_the_child_is_one_error(tmp_path: Path, code: str) -> None:
    child = tmp_path / "broken.py"
    child.write_text(code)
    source, _ = make_rpms(tmp_path)

    with pytest.raises((RefusedError, CommandError), match=f"{source.name}|cannot be read here"):
        read_rpms([source], RpmReader(child=child))


def lying(change: dict[str, Any]) -> RpmReader:
    """A reader whose child says something else than what the file is."""

    def lie(*argv: str | Path, **options: Any) -> Completed:
        done = run(*argv, **options)
        rows = [json.loads(line) | change for line in done.stdout.splitlines()]
        return Completed(0, "".join(json.dumps(row) + "\n" for row in rows), "", 0.0)

    return RpmReader(lie)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "python3-other"},
        {"epoch": 9},
        {"files": [1]},
        {"special": [["other", "/x"]]},
        {"xml": ["<package/>", "<package/>", "<package/>"]},
        {"xml": ["</x><x>"] * 3},
        {"xml": []},
        {"requires": None},
    ],
)
def test_a_child_that_lies_is_not_believed(tmp_path: Path, change: dict[str, Any]) -> None:
    source, _ = make_rpms(tmp_path)

    with pytest.raises(RefusedError, match=source.name):
        read_rpms([source], lying(change))


def test_hash_and_size_are_our_own(tmp_path: Path) -> None:
    source, _ = make_rpms(tmp_path)

    [read] = read_rpms([source], lying({"sha256": "0" * 64, "size": 1}))

    assert (read.artifact.size, len(read.artifact.sha256)) == (source.stat().st_size, 64)
    assert read.artifact.sha256 != "0" * 64


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return [rpm.read_bytes() for rpm in make_rpms(tmp_path_factory.mktemp("seeds"))]


def changed(content: bytes, cuts: Collection[tuple[int, bytes]], length: int) -> bytes:
    """The bytes of an RPM with some of them replaced, and cut off after `length` per mille."""
    whole = bytearray(content)
    for place, new in cuts:
        start = place % len(whole)
        whole[start : start + len(new)] = new
    return bytes(whole[: max(1, len(whole) * length // 1000)])


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_bytes_give_a_value_or_one_error(
    seeds: list[bytes], tmp_path: Path, data: st.DataObject
) -> None:
    """Each example is a batch of many broken files: the child is asked about all of them."""
    place = st.integers(0, 7000)
    cuts = st.lists(st.tuples(place, st.binary(min_size=1, max_size=8)), max_size=6)
    for seed in seeds:
        broken = st.builds(changed, st.just(seed), cuts, st.integers(1, 1000))
        contents = data.draw(st.lists(broken | st.binary(max_size=300), min_size=20, max_size=20))
        paths = []
        for number, content in enumerate(contents):
            path = tmp_path / f"x{number}-1-1.noarch.rpm"
            path.write_bytes(content)
            paths.append(path)

        for path, row in zip(paths, rows(paths), strict=True):
            with contextlib.suppress(RefusedError):
                assert rpm_file(path, row).artifact.file_name == path.name


def rows(paths: list[Path]) -> list[dict[str, Any]]:
    """What the child says of each file; one that breaks it is refused, and another one goes on."""
    found: list[dict[str, Any]] = []

    def keep(*argv: str | Path, **options: Any) -> Completed:
        done = run(*argv, **options)
        found.extend(json.loads(line) for line in done.stdout.splitlines())
        return done

    while left := paths[len(found) :]:
        before = len(found)
        with contextlib.suppress(RefusedError):
            RpmReader(keep).read(left)
        if len(found) < before + len(left):
            found.append({"refused": "it broke the child"})
    return found
