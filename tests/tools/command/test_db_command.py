"""`rdo db`, and how commands react to a missing database, on a factory with a past."""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from rdo.lock import is_held
from tests.e2e.command import Result, rdo
from tests.e2e.kept_factory import KeptFactory
from tests.patience import until

SYSTEM_PYTHON = Path("/usr/bin/python3")
AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
LOOKING = (
    ("trunk", "status"),
    ("trunk", "queue"),
    ("trunk", "log", "python-alpha"),
    ("why", "python-alpha"),
    ("notify", "show", "python-alpha"),
    ("notify", "queue"),
    ("db", "check"),
    ("info", "package", "python-alpha"),
    ("info", "review", "python-alpha", "--offline"),
    ("info", "verify"),
)


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A factory in a folder that every user may read, as pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="rdo-factory-") as folder:
        Path(folder).chmod(0o755)
        kept = KeptFactory.unpack(Path(folder) / "factory")
        for name, value in kept.environment().items():
            monkeypatch.setenv(name, value)
        yield kept.folder


@pytest.fixture
def backup(factory: Path) -> Path:
    """A backup of the factory, which was opened by this rdo before."""
    assert rdo("trunk", "status", cwd=factory).code == 0
    file = factory / "backup.sqlite"
    assert rdo("db", "backup", file, cwd=factory).code == 0
    return file


def complaint(done: Result) -> str:
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.slow
def test_a_database_that_is_gone_is_restored_and_never_made_anew(
    factory: Path, backup: Path
) -> None:
    before = rdo("trunk", "status", "--json", cwd=factory).json
    for file in (factory / "data").glob("rdo.sqlite*"):
        file.unlink()

    for command in (("trunk", "run"), ("trunk", "status"), ("trunk", "verify")):
        done = rdo(*command, cwd=factory)
        assert done.code == 2
        assert "rdo.sqlite does not exist" in complaint(done)
        assert "rdo db restore FILE" in done.stderr
    assert rdo("db", "check", cwd=factory).code == 1
    assert not (factory / "data/rdo.sqlite").exists()

    assert rdo("db", "restore", backup, "--yes", "--json", cwd=factory).json["kept"] is None
    assert rdo("trunk", "status", "--json", cwd=factory).json == before
    assert rdo("db", "check", cwd=factory).code == 0


def test_a_factory_without_a_marker_knows_its_tree(factory: Path) -> None:
    assert not (factory / "data/.store").exists()
    (factory / "data/rdo.sqlite").unlink()

    done = rdo("trunk", "run", cwd=factory)

    assert done.code == 2
    assert "does not exist" in complaint(done)


def test_a_cut_database_is_one_error_and_is_kept(factory: Path, backup: Path) -> None:
    os.truncate(factory / "data/rdo.sqlite", 20000)

    for command in (("trunk", "run"), ("trunk", "status"), ("trunk", "verify")):
        done = rdo(*command, cwd=factory)
        assert done.code == 2
        assert "is damaged" in complaint(done)
    assert rdo("db", "check", cwd=factory).code == 1
    kept = rdo("db", "restore", backup, "--yes", "--json", cwd=factory).json["kept"]

    assert Path(kept).stat().st_size == 20000
    assert rdo("db", "check", cwd=factory).code == 0


def test_a_database_of_another_factory_is_refused(factory: Path, backup: Path) -> None:
    marker = factory / "data/.store"
    identity = marker.read_text()
    marker.write_text(identity.replace(identity[:8], "00000000"))

    done = rdo("trunk", "status", cwd=factory)
    restored = rdo("db", "restore", backup, "--yes", cwd=factory)

    assert (done.code, restored.code) == (2, 5)
    assert "not the one" in complaint(done)
    assert "another factory" in complaint(restored)


@pytest.mark.slow
def test_a_restore_waits_for_nobody_and_asks(factory: Path, backup: Path) -> None:
    lock = factory / "data/master-deb12/round.lock"
    asked = rdo("db", "restore", backup, cwd=factory)
    with subprocess.Popen(["flock", lock, "sleep", "60"]) as holder:
        until(lambda: is_held(lock))
        refused = rdo("db", "restore", backup, "--yes", cwd=factory)
        holder.terminate()
    subprocess.run(["flock", lock, "true"], check=True, timeout=70)

    assert (asked.code, refused.code) == (5, 5)
    assert "--yes" in asked.stderr
    assert "busy" in refused.stderr


def test_check_compares_names_with_the_tree(factory: Path, backup: Path) -> None:
    link = factory / "data/master-deb12/repos/current"
    link.unlink()
    link.symlink_to("pool")

    done = rdo("db", "check", "--json", cwd=factory)

    assert done.code == 1
    assert [fault.split(": ")[:2] for fault in done.json["faults"]] == [["master-deb12", "current"]]


@pytest.mark.slow
def test_who_may_only_read_sees_everything(factory: Path, backup: Path) -> None:
    """Also while another process has the database open, and after it was killed."""
    as_nobody = AsNobody(factory)
    shown = {command: rdo(*command, cwd=factory) for command in LOOKING}
    owner = {command: (done.code, done.stdout) for command, done in shown.items()}
    before = {path: path.stat().st_mtime_ns for path in (factory / "data").glob("rdo.sqlite*")}

    for command in LOOKING:
        assert as_nobody(*command) == owner[command]
    code, _ = as_nobody("trunk", "pause", "--because", "no")
    assert code == 5
    writer = "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
    writer += "c.execute('UPDATE builds SET detail = detail'); print(flush=True); time.sleep(60)"
    writing = [sys.executable, "-c", writer, str(factory / "data/rdo.sqlite")]
    with subprocess.Popen(writing, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert as_nobody("trunk", "status") == owner["trunk", "status"]
        process.kill()
    assert as_nobody("trunk", "status") == owner["trunk", "status"]
    assert before.keys() == set((factory / "data").glob("rdo.sqlite*"))


def test_who_may_only_read_is_told_what_is_missing(factory: Path) -> None:
    as_nobody = AsNobody(factory)

    code, error = as_nobody("trunk", "status", errors=True)

    assert code == 5
    assert "trunk run once as the owner" in error


def test_the_doctor_says_how_a_factory_is_handed_over(
    factory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RDO_PLATFORMS", str(factory / "platforms"))  # shared with nobody
    as_nobody = AsNobody(factory)
    owner = pwd.getpwuid(os.geteuid()).pw_name

    _, seen_by_nobody = as_nobody("doctor")
    seen_by_owner = rdo("doctor", cwd=factory).stdout

    assert f"of {owner}; to work as nobody" in seen_by_nobody
    assert f"chown -R nobody: {factory}/data" in seen_by_nobody
    assert f"chown -R USER: {factory}/data" in seen_by_owner


class AsNobody:
    """Runs rdo as a user who may read everything and write nothing."""

    def __init__(self, factory: Path) -> None:
        if os.geteuid() != 0 or not SYSTEM_PYTHON.exists():
            pytest.skip("only root may become another user, who needs the system's python")
        packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
        source = Path(__file__).parents[3] / "src"
        self.factory = factory
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_GLOBAL": os.environ["GIT_CONFIG_GLOBAL"],
            "NO_COLOR": "1",
            "PYTHONPATH": f"{source}:{packages}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if self("--version")[0] != 0:
            pytest.skip("the system's python cannot run rdo")

    def __call__(self, *args: str, errors: bool = False) -> tuple[int, str]:
        command = (*AS_NOBODY, str(SYSTEM_PYTHON), "-m", "rdo", *args)
        done = subprocess.run(
            command,
            cwd=self.factory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr if errors else done.stdout


KILLED_AT = """
import os, signal, sys
from rdo.cli.main import run
left = int(sys.argv[1])
def count(event, args):
    global left
    if event in {"os.link", "os.rename", "open", "os.remove", "sqlite3.connect", "os.truncate"}:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
from rdo.app import stores  # what is imported now is not counted
import alembic.operations, alembic.runtime.migration, alembic.script, sqlite3
sys.addaudithook(count)
code = run(sys.argv[2:])
print(left)
sys.exit(code)
"""


def steps_of(*args: object, cwd: Path, die_at: int = 1_000_000) -> int | None:
    """Run rdo and kill it at a step on files; return how many it took, or None if it died."""
    command = [sys.executable, "-c", KILLED_AT, str(die_at), *map(str, args)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode == -9:
        return None
    assert done.returncode == 0, done.stderr
    return die_at - int(done.stdout.splitlines()[-1])


def builds_in(file: Path) -> int:
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = connection.execute("SELECT count(*) FROM builds").fetchone()
    connection.close()
    return int(count)


@pytest.mark.slow
def test_a_killed_restore_leaves_the_old_database_or_the_new_one(
    factory: Path, backup: Path
) -> None:
    current = factory / "data/rdo.sqlite"
    with sqlite3.connect(backup) as connection:
        connection.execute("DELETE FROM builds WHERE id = (SELECT max(id) FROM builds)")
    connection.close()
    old, new = builds_in(current), builds_in(backup)
    restore = ("db", "restore", backup, "--yes")
    shutil.copytree(factory / "data", factory / "kept", symlinks=True)
    steps = steps_of(*restore, cwd=factory)
    assert steps is not None
    seen = []

    for step in Random(4).sample(range(1, steps), min(12, steps - 1)):
        shutil.rmtree(factory / "data")
        shutil.copytree(factory / "kept", factory / "data", symlinks=True)
        if steps_of(*restore, cwd=factory, die_at=step) is None:
            seen.append(builds_in(current))

    assert set(seen) <= {old, new}
    assert len(seen) > 6
    assert steps_of(*restore, cwd=factory) is not None
    assert builds_in(current) == new
    assert not list((factory / "data").glob(".*restored*"))


@pytest.mark.slow
def test_a_killed_backup_leaves_the_old_file_or_the_new_one(factory: Path, backup: Path) -> None:
    with sqlite3.connect(backup) as connection:
        connection.execute("DELETE FROM builds WHERE id = (SELECT max(id) FROM builds)")
    connection.close()
    shutil.copy(backup, factory / "kept")
    old, new = builds_in(backup), builds_in(factory / "data/rdo.sqlite")
    steps = steps_of("db", "backup", backup, cwd=factory)
    assert steps is not None
    seen = []

    for step in Random(4).sample(range(1, steps), min(8, steps - 1)):
        shutil.copy(factory / "kept", backup)
        if steps_of("db", "backup", backup, cwd=factory, die_at=step) is None:
            seen.append(builds_in(backup))

    assert set(seen) <= {old, new}
    assert len(seen) > 4
    assert steps_of("db", "backup", backup, cwd=factory) is not None
    assert builds_in(backup) == new
