"""Parts of the application are opened once, and renewed for a request."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rdo.app import App
from rdo.app.opened_once import opened_once
from rdo.app.workplaces import BUILDERS
from rdo.errors import ConfigError
from rdo.model.build import BuilderKind

TOML = 'data = "data"\n[targets.t]\nrelease = "r"\nplatform = "deb12-x86_64"\n'


class Owner:
    def __init__(self) -> None:
        self.opening = threading.RLock()
        self.made = 0
        self.both_are_here = threading.Barrier(2)

    @opened_once
    def part(self) -> object:
        self.made += 1
        threading.Event().wait(0.05)  # time for the other thread to arrive
        return object()

    @opened_once
    def failing(self) -> str:
        self.made += 1
        if self.made == 1:
            raise ConfigError("not yet")
        return "made"


@pytest.fixture
def app(tmp_path: Path) -> App:
    (tmp_path / "rdo.toml").write_text(TOML)
    return App(tmp_path)


def test_two_threads_open_a_part_once() -> None:
    owner = Owner()

    def ask(_: int) -> object:
        owner.both_are_here.wait(120)
        return owner.part

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))

    assert first is second
    assert owner.made == 1


def test_a_part_that_could_not_be_opened_is_tried_again() -> None:
    owner = Owner()

    with pytest.raises(ConfigError):
        _ = owner.failing

    assert owner.failing == "made"


def test_threads_share_one_store(app: App) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = set(pool.map(lambda _: id(app.store), range(8)))

    app.close()
    assert len(stores) == 1


def test_a_request_sees_a_changed_configuration_and_borrows_the_store(
    app: App, tmp_path: Path
) -> None:
    store = app.store
    (tmp_path / "rdo.toml").write_text(TOML.replace("[targets.t]", "[targets.u]"))

    request = app.for_request()
    again = request.for_request()

    assert list(request.settings.targets) == ["u"]
    assert request.store is store
    assert again.store is store
    request.close()
    with store.read() as at:  # closing a request leaves it open
        assert at.holds.all("u") == {}
    app.close()


def test_a_request_opens_another_database_itself(app: App, tmp_path: Path) -> None:
    store = app.store
    url = f"sqlite:///{tmp_path / 'other.sqlite'}"
    (tmp_path / "rdo.toml").write_text(f'database = "{url}"\n{TOML}')

    request = app.for_request()

    assert request.store is not store
    request.close()
    app.close()
    assert (tmp_path / "other.sqlite").is_file()


def test_a_new_start_has_a_store_of_its_own(app: App) -> None:
    store, fresh = app.store, app.anew()

    assert fresh.store is not store
    fresh.close()
    app.close()


def test_every_builder_that_the_configuration_takes_can_be_opened() -> None:
    assert set(BUILDERS) == set(BuilderKind)


def test_another_builder_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rdo.toml").write_text(TOML + 'builder = "mokc"\n')

    with pytest.raises(ConfigError, match=r"rdo\.toml:5.*builder"):
        _ = App(tmp_path).settings
