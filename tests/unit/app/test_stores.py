"""A data folder that has had a database does not get a new one."""

import shutil
from pathlib import Path

import pytest

from rdo.app import App
from rdo.errors import UserError
from rdo.store.database.errors import UnusableStoreError


@pytest.fixture
def app(tmp_path: Path) -> App:
    (tmp_path / "rdo.toml").write_text('data = "data"\n')
    return App(tmp_path)


def opened(app: App) -> str:
    again = app.anew()
    identity = again.store.identity
    again.close()
    return identity


def test_a_new_folder_gets_a_database_and_remembers_it(app: App) -> None:
    identity = opened(app)

    assert (app.settings.data / ".store").read_text() == f"{identity} sqlite\n"
    assert opened(app) == identity


def test_a_database_that_is_gone_is_not_made_anew(app: App) -> None:
    opened(app)
    (app.settings.data / "rdo.sqlite").unlink()

    with pytest.raises(UnusableStoreError, match="does not exist") as caught:
        opened(app)

    assert str(app.settings.data) in caught.value.hint
    assert not (app.settings.data / "rdo.sqlite").exists()


@pytest.mark.parametrize("place", ["current", "consistent", "component/x", "a1/b2", "composed"])
def test_a_published_tree_is_enough_to_know_of_a_database(app: App, place: str) -> None:
    (app.settings.data / "master/repos" / place).mkdir(parents=True)

    with pytest.raises(UnusableStoreError, match="does not exist"):
        opened(app)


def test_a_tree_with_nothing_published_does_not_count(app: App) -> None:
    for place in ("pool", ".publishing", "deps"):
        (app.settings.data / "master/repos" / place).mkdir(parents=True)

    assert opened(app)


def test_a_moved_folder_is_still_its_database_s(app: App, tmp_path: Path) -> None:
    identity = opened(app)
    (app.settings.data / "master/repos/current").mkdir(parents=True)
    shutil.move(app.settings.data, tmp_path / "moved")
    (tmp_path / "rdo.toml").write_text('data = "moved"\n')

    assert opened(app) == identity


def test_the_database_of_another_factory_is_refused(app: App, tmp_path: Path) -> None:
    opened(app)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/rdo.toml").write_text('data = "data"\n')
    opened(App(tmp_path / "other"))
    shutil.copy(tmp_path / "other/data/rdo.sqlite", app.settings.data / "rdo.sqlite")

    with pytest.raises(UnusableStoreError, match="not the one") as caught:
        opened(app)

    assert ".store" in caught.value.hint


def test_a_reader_of_a_new_folder_sees_an_empty_store_and_makes_nothing(app: App) -> None:
    app.reads_only = True

    with app.store.read() as at:
        assert at.builds.queue("master") == ()
    app.close()

    assert not app.settings.data.exists()


def test_reading_a_lost_database_reports_it(app: App) -> None:
    opened(app)
    (app.settings.data / "rdo.sqlite").unlink()
    reader = app.anew()
    reader.reads_only = True

    with pytest.raises(UserError, match="does not exist"):
        reader.store  # noqa: B018 - opened by asking for it
