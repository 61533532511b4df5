"""The commands of DLRN, as its users' scripts call them."""

import shutil
from pathlib import Path

import pytest

from rdo.cli import dlrn as commands
from rdo.cli.dlrn import run
from rdo.store import Store
from tests.databases import database_of
from tests.publishing import TARGET
from tests.tools.dlrn.conftest import Instance
from tests.tools.dlrn.plans import hashes
from tests.tools.dlrn.test_import import factory, take_over
from tests.tools.dlrn.test_remote_import import place_of, web

pytestmark = pytest.mark.slow  # they make an instance of DLRN


@pytest.fixture
def root(plain: Instance, tmp_path: Path) -> Path:
    """A folder that has taken the plain instance over, with its projects.ini."""
    root = factory(tmp_path / "rdo")
    take_over(root, plain)
    shutil.copyfile(plain.folder / "projects.ini", root / "projects.ini")
    return root


def place(root: Path) -> list[str]:
    return ["--config-file", str(root / "projects.ini"), "--target", TARGET]


def test_the_status_is_reported_in_the_words_of_dlrn(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(commands.dlrn, [*place(root), "--status"]) == 0
    assert capsys.readouterr().out == (
        "      rpm python-a SUCCESS\n      rpm python-b FAILED\n      rpm python-c SUCCESS\n"
    )
    assert run(commands.dlrn, [*place(root), "--status", "--project-name", "python-b"]) == 0
    assert capsys.readouterr().out == "      rpm python-b FAILED\n"


def test_a_recheck_queues_what_has_failed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recheck = [*place(root), "--recheck"]

    assert run(commands.dlrn, [*recheck, "--package-name", "python-b"]) == 0
    assert run(commands.dlrn, [*recheck, "--package-name", "python-a"]) == 1
    assert run(commands.dlrn, recheck) == 1
    assert "--recheck needs --package-name" in capsys.readouterr().err
    with Store(database_of(root)) as store, store.read() as at:
        assert [one.package for one in at.builds.queue(TARGET)] == ["python-b"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dev"], "--dev is not supported"),
        (["--local"], "--local is not supported"),
        (["--run", "program"], "--run is not supported"),
        (["--build-env", "A=B"], "--build-env is not supported"),
        (["--config-override", "DEFAULT.workers=2"], "--config-override is not supported"),
        (["--package-name", "a", "--project-name", "b"], "exclude each other"),
        (["--nonsense"], "No such option"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    root = factory(tmp_path / "rdo")

    assert run(commands.dlrn, ["--config-file", str(root / "rdo.toml"), *options]) in {1, 2}

    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert len(shown.err.strip().splitlines()) <= 2


def test_a_configuration_that_was_not_turned_over_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "projects.ini").write_text("[DEFAULT]\n")

    assert run(commands.dlrn, ["--config-file", str(tmp_path / "projects.ini")]) == 1

    assert "rdo config import" in capsys.readouterr().err


def test_users_are_created_changed_and_deleted(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def user(*args: str) -> int:
        return run(commands.dlrn_user, [*place(root), *args], failed=255)

    def names() -> list[str]:
        with Store(database_of(root)) as store, store.read() as at:
            return [one.name for one in at.users.all()]

    named = ("--username", "new", "--password", "a long password")
    assert user("create", *named) == 0
    assert user("create", *named) == 255
    assert user("update", *named[:3], "another password") == 0
    assert user("update", "--username", "nobody", *named[2:]) == 255
    assert names() == ["ciuser", "new", "promoter"]
    assert user("delete", "--username", "new", "--force") == 0
    assert user("delete", "--username", "new", "--force") == 255
    assert names() == ["ciuser", "promoter"]
    assert "User new successfully created" in capsys.readouterr().err


def test_what_is_old_is_purged(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    purge = [*place(root), "--older-than", "0", "--exclude-dirs", "/x/current"]

    assert run(commands.dlrn_purge, [*purge, "--dry-run"]) == 0
    assert run(commands.dlrn_purge, place(root)) == 2

    shown = capsys.readouterr()
    assert "--exclude-dirs does nothing" in shown.err
    assert "older-than" in shown.err


def test_a_commit_of_another_instance_is_imported(plain: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")
    with web(plain.tree) as address:
        url = f"{address}/{place_of('python-c', 1)}"
        words = ["--config-file", str(root / "rdo.toml"), "--target", TARGET, "--repo-url"]
        assert run(commands.dlrn_remote, [*words, url]) == 0
        assert run(commands.dlrn_remote, [*words, f"{address}/none"]) == 1

    with Store(database_of(root)) as store, store.read() as at:
        assert at.builds.published_of(TARGET, *hashes("python-c", 1).values())
