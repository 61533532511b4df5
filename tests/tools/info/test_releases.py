"""Releases of a package index as a git history, with an index on loopback and real git."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rdo.package_index import PackageIndex
from rdo.tools.packaging.pip_config import IndexSettings, default_index, index_settings
from rdo.trunk.sources.history import ReleaseHistory
from rdo.trunk.sources.pypi_releases import Releases
from tests.fakes.index import FakeIndex, sdist, serve_index

URL = "pypi:oslo.config"


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    with serve_index() as fake:
        yield fake


@pytest.fixture
def releases(index: FakeIndex, tmp_path: Path) -> Releases:
    return Releases(tmp_path / "releases", lambda: index.index, initial=2)


def history(releases: Releases, branch: str = "master") -> ReleaseHistory:
    found, problem = releases.poll([(URL, branch)])[URL, branch]
    assert problem == ""
    assert isinstance(found, ReleaseHistory)
    return found


def versions(found: ReleaseHistory) -> list[str]:
    return [release.subject.split()[-1] for release in found.releases]


def test_each_sdist_is_a_commit_with_its_content_and_upload_time(
    index: FakeIndex, releases: Releases, tmp_path: Path
) -> None:
    index.add("oslo.config", "10.6.0", {"setup.py": "raise SystemExit('executed')"})

    found = history(releases)

    (release,) = found.releases
    assert found.head == release.hash
    assert release.time == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert found.mirror.resolve("refs/tags/10.6.0") == release.hash
    assert found.mirror.list_files(release.hash) == ["PKG-INFO", "setup.py"]


def test_the_same_release_has_the_same_hash_wherever_it_is_fetched(
    index: FakeIndex, releases: Releases, tmp_path: Path
) -> None:
    index.add("oslo.config", "10.5.0")
    index.add("oslo.config", "10.6.0")
    other = Releases(tmp_path / "elsewhere", lambda: index.index, initial=1)

    assert history(other).releases == history(releases).releases[-1:]


def test_only_the_newest_are_fetched_first_and_then_all_that_come(
    index: FakeIndex, releases: Releases
) -> None:
    for version in ("10.9.0", "10.10.0", "9.0.0"):
        index.add("oslo.config", version)
    assert versions(history(releases)) == ["10.9.0", "10.10.0"]

    for version in ("10.11.0", "10.12.0", "10.12.1"):
        index.add("oslo.config", version)
    assert versions(history(releases))[2:] == ["10.11.0", "10.12.0", "10.12.1"]


def test_an_unchanged_index_downloads_nothing(index: FakeIndex, releases: Releases) -> None:
    index.add("oslo.config", "10.6.0")
    history(releases)
    index.requests.clear()

    history(releases)

    assert index.requests == ["/simple/oslo-config/"]


def test_yanked_and_pre_releases_are_left_out(index: FakeIndex, releases: Releases) -> None:
    index.add("oslo.config", "10.6.0")
    index.add("oslo.config", "10.7.0", yanked=True)
    index.add("oslo.config", "11.0.0rc1")
    index.add("oslo.config", "11.0.0.dev3")

    assert versions(history(releases)) == ["10.6.0"]


def test_a_release_yanked_later_is_not_chosen_and_keeps_its_place(
    index: FakeIndex, releases: Releases
) -> None:
    index.add("oslo.config", "10.6.0")
    index.add("oslo.config", "10.7.0")
    newest = history(releases).head
    index.add("oslo.config", "10.7.0", yanked=True)

    found = history(releases)

    assert found.head != newest
    assert found.since(newest) == []


def test_a_branch_is_a_version_specifier(index: FakeIndex, releases: Releases) -> None:
    for version in ("9.0.0", "10.0.0", "10.6.0", "11.0.0"):
        index.add("oslo.config", version)
    wanted = [(URL, ">=10,<11"), (URL, "9.0.0"), (URL, "master")]

    found = releases.poll(wanted)

    heads = {branch: history for (_, branch), (history, _) in found.items()}
    by_version = {
        branch: one.mirror.tags_at(one.head) for branch, one in heads.items() if one is not None
    }
    assert by_version == {">=10,<11": ["10.6.0"], "9.0.0": ["9.0.0"], "master": ["11.0.0"]}


def test_nothing_that_matches_is_a_problem_that_says_so(
    index: FakeIndex, releases: Releases
) -> None:
    index.add("oslo.config", "10.0.0")

    found, problem = releases.poll([(URL, ">=11")])[URL, ">=11"]

    assert found is None
    assert problem == "pypi:oslo.config has no final release with a source archive for >=11"


def test_without_the_index_the_last_state_is_used(index: FakeIndex, releases: Releases) -> None:
    index.add("oslo.config", "10.6.0")
    before = history(releases)
    away = Releases(
        releases.folder, lambda: PackageIndex(IndexSettings(("http://127.0.0.1:1/simple",)))
    )

    found, problem = away.poll([(URL, "master")])[URL, "master"]

    assert found == before
    assert "releases of oslo.config: http://127.0.0.1:1/simple/oslo-config/" in problem


def test_an_unknown_project_is_a_problem(releases: Releases) -> None:
    found, problem = releases.poll([(URL, "master")])[URL, "master"]

    assert found is None
    assert "no package index has a project oslo.config" in problem


def test_bytes_that_the_index_did_not_promise_are_refused(
    index: FakeIndex, releases: Releases
) -> None:
    index.add("oslo.config", "10.6.0")
    index.damage("oslo_config-10.6.0.tar.gz")

    found, problem = releases.poll([(URL, "master")])[URL, "master"]

    assert found is None
    assert "differs from the package index's" in problem


def test_an_archive_that_leaves_its_folder_is_refused_and_the_others_count(
    index: FakeIndex, releases: Releases, tmp_path: Path
) -> None:
    index.add("oslo.config", "10.6.0")
    evil = sdist("oslo_config-10.7.0", {"../../evil": "x", "ok": "x"})
    index.add_file(
        "oslo.config", "oslo_config-10.7.0.tar.gz", evil, uploaded="2026-01-02T03:04:05Z"
    )

    found, problem = releases.poll([(URL, "master")])[URL, "master"]

    assert "cannot be unpacked safely" in problem
    assert found is not None
    assert found.mirror.tags_at(found.head) == ["10.6.0"]
    assert not list(tmp_path.rglob("evil"))


def test_an_index_without_json_gives_the_time_of_the_content(
    index: FakeIndex, releases: Releases
) -> None:
    index.json_form = False
    index.add("oslo.config", "10.6.0")
    index.add("oslo.config", "10.7.0", yanked=True)

    found = history(releases)

    assert versions(found) == ["10.6.0"]
    assert found.releases[0].time == datetime.fromtimestamp(1_700_000_000, UTC)


def test_an_index_in_a_folder_is_read_like_any_other(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    page = tmp_path / "simple" / "oslo-config" / "index.html"
    page.parent.mkdir(parents=True)
    content = sdist("oslo_config-1.0", {"PKG-INFO": ""})
    (files / "oslo_config-1.0.tar.gz").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    page.write_text(f'<a href="../../files/oslo_config-1.0.tar.gz#sha256={digest}">x</a>')
    index = PackageIndex(IndexSettings((f"{tmp_path.as_uri()}/simple",)))

    assert versions(history(Releases(tmp_path / "r", lambda: index))) == ["1.0"]


def test_the_index_is_the_one_that_pip_is_configured_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple/")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///a file:///b")

    assert index_settings().urls == ("http://127.0.0.1:1/simple", "file:///a", "file:///b")


def test_without_configuration_it_is_pips_own_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)

    (url,) = index_settings().urls

    assert url.startswith("https://")
    assert url.endswith("/simple")


def test_the_default_is_read_from_pips_help_however_it_is_wrapped() -> None:
    text = "-i, --index-url <url>  Base URL of the Package Index (default\n   https://i/s). This"

    assert default_index(text) == "https://i/s"
