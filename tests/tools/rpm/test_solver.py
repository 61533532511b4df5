"""libsolv reads metadata from strangers in a child process that can only answer."""

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import createrepo_c
import pytest

import rdo.tools.children.solving
from rdo.errors import CommandError
from rdo.solver import Missing, MissingRequirement, Solution, SolverRepository, provided, solve
from rdo.tools.rpm.solv import Solv
from rdo.tools.walls.reading_child import ReadingChild
from tests.rpms import make_package, make_rpms

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")

CHILDREN = Path(rdo.tools.children.solving.__file__).parent


def repository(folder: Path) -> SolverRepository:
    """One package, python3-sample, with the metadata that createrepo_c writes."""
    make_rpms(folder)
    command = ["createrepo_c", "--quiet", "--no-database", "--general-compress-type=gz"]
    subprocess.run([*command, str(folder)], check=True, capture_output=True)
    return SolverRepository("own", folder)


def compress(folder: Path, suffix: str, kind: int) -> None:
    """Replace each file of the metadata by one that is compressed in another way."""
    repomd = folder / "repodata/repomd.xml"
    for old in folder.glob("repodata/*.xml.gz"):
        plain, new = old.with_suffix(""), old.with_suffix(suffix)
        plain.write_bytes(gzip.decompress(old.read_bytes()))
        createrepo_c.compress_file(str(plain), str(new), kind)
        old.unlink()
        plain.unlink()
        repomd.write_text(repomd.read_text().replace(old.name, new.name))


def test_halves_of_rich_requirements_and_those_of_scriptlets_can_be_missing(
    tmp_path: Path,
) -> None:
    wanted = {"requires": ["(glue and /bin/sh)"], "requires(pre)": ["users"]}
    make_package(tmp_path, "sample", "1", **wanted)
    make_package(tmp_path, "glue")
    subprocess.run(["createrepo_c", "--quiet", tmp_path], check=True)
    own = SolverRepository("own", tmp_path)

    answer = solve(["sample", "(glue and paste)"], [own], arch="x86_64")

    assert isinstance(answer, Missing)
    by = "sample-1-1.noarch"
    assert sorted(answer.requirements, key=str) == [
        MissingRequirement("/bin/sh", by),
        MissingRequirement("paste"),
        MissingRequirement("users", by),
    ]


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        (".gz", createrepo_c.GZ),
        (".xz", createrepo_c.XZ),
        (".zst", createrepo_c.ZSTD),
        (".bz2", createrepo_c.BZ2),
    ],
)
def test_metadata_is_read_whatever_compresses_it(tmp_path: Path, suffix: str, kind: int) -> None:
    own = repository(tmp_path)
    if suffix != ".gz":
        compress(tmp_path, suffix, kind)

    answer = solve(["python3-sample", "/usr/share/python-sample/file"], [own], arch="x86_64")

    assert isinstance(answer, Solution)
    (chosen,) = answer.packages
    assert (chosen.name, chosen.repository) == ("python3-sample", "own")
    assert chosen.path == tmp_path / "python3-sample-1.0-1.noarch.rpm"
    assert chosen.path.is_file()
    assert solve(["no-such"], [own], arch="x86_64") == Missing((MissingRequirement("no-such"),))


def test_what_is_hidden_is_listed_and_never_chosen(tmp_path: Path) -> None:
    own = repository(tmp_path)
    (tmp_path / "visible").write_text("another-1-1.noarch\n")
    hidden = SolverRepository("own", own.folder, visible=tmp_path / "visible")

    assert isinstance(solve(["python3-sample"], [own], arch="x86_64"), Solution)
    assert isinstance(solve(["python3-sample"], [hidden], arch="x86_64"), Missing)
    assert "python3-sample" in provided([hidden], arch="x86_64")


def rewrite(folder: Path, old: str, new: str) -> None:
    """Change the primary metadata as a stranger's package might."""
    (primary,) = folder.glob("repodata/*primary.xml.gz")
    text = gzip.decompress(primary.read_bytes()).decode()
    assert old in text
    primary.write_bytes(gzip.compress(text.replace(old, new).encode()))


@pytest.mark.parametrize("place", ["/etc/hostname", "../../etc/hostname", "a/../../b"])
def test_an_rpm_lies_in_its_repository_and_nowhere_else(tmp_path: Path, place: str) -> None:
    own = repository(tmp_path)
    rewrite(tmp_path, 'location href="python3-sample-1.0-1.noarch.rpm"', f'location href="{place}"')

    with pytest.raises(CommandError, match="gave an impossible answer"):
        solve(["python3-sample"], [own], arch="x86_64")


@pytest.mark.parametrize("place", ["../secret.xml", "/secret.xml", "repodata/../../secret.xml"])
def test_metadata_is_beside_the_file_that_names_it(tmp_path: Path, place: str) -> None:
    own = repository(tmp_path / "own")
    (primary,) = own.folder.glob("repodata/*primary.xml.gz")
    (tmp_path / "secret.xml").write_bytes(gzip.decompress(primary.read_bytes()))
    repomd = own.folder / "repodata/repomd.xml"
    repomd.write_text(repomd.read_text().replace(f"repodata/{primary.name}", place))

    with pytest.raises(CommandError, match="which is not there"):
        solve(["python3-sample"], [own], arch="x86_64")


@pytest.mark.parametrize(
    "broken",
    [b"", b"<a", b"\x1f\x8b\x08junk", b"<a>" * 200_000],
    ids=["empty", "cut", "junk", "deep"],
)
def test_metadata_that_breaks_the_child_is_one_error(tmp_path: Path, broken: bytes) -> None:
    own = repository(tmp_path)
    (own.folder / "repodata/repomd.xml").write_bytes(broken)

    with pytest.raises(CommandError, match="solve ended with status"):
        solve(["python3-sample"], [own], arch="x86_64")


def test_metadata_that_grows_beyond_its_bound_is_one_error(tmp_path: Path) -> None:
    own = repository(tmp_path)
    bounded = Solv(ReadingChild(CHILDREN / "solve.py", 8 << 30, file_bytes=100))

    with pytest.raises(CommandError, match="File too large"):
        solve(["python3-sample"], [own], arch="x86_64", solv=bounded)


PROBE = """\
import ctypes, json, mmap, os, signal, socket, sys
from rdo.tools.children.shut_in import answer, asked, shut_in
question, walls = asked()
kept, folder = os.open(question["file"], os.O_RDONLY), os.open("/", os.O_RDONLY)
libc = ctypes.CDLL(None, use_errno=True)
shut_in(walls, [kept])
def fails(act):
    try:
        return act() == -1
    except (OSError, MemoryError):
        return True
answer({
    "read": os.read(kept, 100).decode(),
    "root": os.listdir("/"),
    "environment": sorted(os.environ),
    "fails": [name for name, act in {
        "open": lambda: open(question["file"]),
        "proc": lambda: os.listdir("/proc"),
        "folder": lambda: os.listdir(folder),
        "write": lambda: os.write(os.open("/x", os.O_CREAT | os.O_WRONLY, 0o600), b"x"),
        "socket": lambda: socket.socket(),
        "fork": os.fork,
        "exec": lambda: os.execve("/bin/true", ["true"], {}),
        "kill": lambda: os.kill(question["pid"], signal.SIGKILL),
        "nobody": lambda: os.setresuid(7, 7, 7),
        "chroot": lambda: os.chroot("/"),
        "unshare": lambda: libc.unshare(0x10000000),
        "mount": lambda: libc.mount(b"none", b"/", b"tmpfs", 0, None),
        "ptrace": lambda: libc.ptrace(0, 0, 0, 0),
        "memory": lambda: mmap.mmap(-1, 4 << 30),
        "name": lambda: libc.sethostname(b"x", 1),
    }.items() if fails(act)],
    "ids": [os.getuid() for _ in range(1)],
})
"""
FORBIDDEN = (
    *("open", "proc", "folder", "write", "socket", "fork", "exec", "kill", "nobody", "chroot"),
    *("unshare", "mount", "ptrace", "memory", "name"),
)


def test_a_child_that_is_shut_in_reads_what_it_has_open_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RDO_SECRET", "token")
    program, file = tmp_path / "probe.py", tmp_path / "file"
    program.write_text(PROBE)
    file.write_text("its content")
    file.chmod(0o600)

    found = ReadingChild(program).ask({"file": str(file), "pid": os.getpid()})

    assert found["read"] == "its content"
    assert found["root"] == []
    assert "RDO_SECRET" not in found["environment"]
    assert [name for name in FORBIDDEN if name not in found["fails"]] == []


@pytest.mark.parametrize(
    "code",
    [
        "os.kill(os.getpid(), 11)",
        "x = bytearray(5_000_000_000)",
        "while True: pass",
        "print('[' * 100_000)",
        "answer([])",
        "print('{')",
        "os._exit(3)",
    ],
)
def test_whatever_becomes_of_a_child_is_one_error(tmp_path: Path, code: str) -> None:
    program = tmp_path / "broken.py"
    program.write_text(
        "import os\nfrom rdo.tools.children.shut_in import answer, asked, shut_in\n"
        f"shut_in(asked()[1])\n{code}\n"
    )

    with pytest.raises(
        CommandError, match=r"broken (ended with status|gave an answer that cannot)"
    ):
        ReadingChild(program, seconds=1).ask({})


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"missing": [], "problems": [], "packages": [{"name": "x"}]},
        {"missing": [], "problems": [], "packages": 3},
        {"missing": [{"need": 1, "by": ""}]},
        {"missing": [], "problems": [None], "packages": []},
    ],
)
def test_a_child_that_lies_is_not_believed(tmp_path: Path, row: dict[str, object]) -> None:
    own = repository(tmp_path / "own")
    program = tmp_path / "lying.py"
    program.write_text(f"import json; print(json.dumps({row!r}))")

    with pytest.raises(CommandError, match="gave an impossible answer"):
        solve(["x"], [own], arch="x86_64", solv=Solv(ReadingChild(program)))


@contextlib.contextmanager
def no_namespaces() -> Iterator[list[str]]:
    """How a command begins that may make none, as in a plain container."""
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    inside = ["unshare", "--user", "--map-root-user", "sh", "-c", forbid, "sh"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not allow user namespaces")
    yield inside


def test_without_walls_nothing_is_read(tmp_path: Path) -> None:
    own = repository(tmp_path)
    question = {
        "walls": {"root": None, "filter": "", "memory_bytes": 1, "file_bytes": 1, "seconds": 1},
        "question": {"repositories": [{"folder": str(own.folder), "visible": ""}]},
    }
    with no_namespaces() as inside:
        done = subprocess.run(
            [*inside, sys.executable, "-I", CHILDREN / "solve.py"],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 125
    assert done.stderr.startswith("cannot be shut in: ")
    assert done.stdout == ""
