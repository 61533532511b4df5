import logging
import os
import re
from pathlib import Path

import pytest

import rdo
from rdo.config import Configuration, OriginKind, find, load
from rdo.errors import ConfigError, NotFoundError
from rdo.model.audiences import Audiences

WHOLE = """\
data = "state"
base-url = "http://trunk.example.test/"
database = "postgresql://rdo:secret@db/rdo"
[metadata]
source = "info"
file = "all.yml"
[bridge]
constraints = "upper-constraints.txt"
[targets.master-deb12]
release = "master"
platform = "deb12-x86_64"
workers = 4
components = true
[mail]
server = "127.0.0.1:2525"
from = "rdo@example.test"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a whole rdo.toml; it is not the current one."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "rdo.toml").write_text(WHOLE)
    return folder


def loaded(folder: Path, *, text: str | None = None, **environ: str) -> Configuration:
    if text is not None:
        (folder / "rdo.toml").write_text(text)
    return load(folder / "rdo.toml", environ)


def faults(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text=text, **environ)
    lines = str(caught.value).replace(f"{folder}/", "").splitlines()
    return lines if len(lines) == 1 else lines[1:]


def origins(configuration: Configuration) -> dict[str, str]:
    return {value.key: str(value.origin) for value in configuration.effective()}


def test_a_whole_file_is_read(folder: Path) -> None:
    settings = loaded(folder).settings

    assert settings.data == folder / "state"
    assert settings.platforms == folder / "state/platforms"
    assert settings.needed_metadata.source == str(folder / "info")
    assert settings.bridge.constraints == folder / "upper-constraints.txt"
    assert settings.target("master-deb12").workers == 4
    assert settings.target("master-deb12").time_limit_minutes == 60
    assert settings.target_folder("master-deb12") == folder / "state/master-deb12"
    assert settings.tree_url("master-deb12") == "http://trunk.example.test/master-deb12/repos"
    assert settings.mail is not None
    assert settings.mail.from_ == "rdo@example.test"


TARGET = """\
[targets.t]
release = "master"
platform = "deb12-x86_64"
"""


@pytest.mark.parametrize(
    "source",
    ["https://example.test/info.git", "ssh://git@example.test/info", "git@example.test:info.git"],
)
def test_an_address_of_metadata_is_no_path(folder: Path, source: str) -> None:
    settings = loaded(folder, text=f'[metadata]\nsource = "{source}"').settings

    assert settings.needed_metadata.source == source


def test_sqlite_alone_is_a_file_in_the_data_folder(folder: Path) -> None:
    settings = loaded(folder, text='data = "d"').settings

    assert settings.database_url == f"sqlite:///{folder}/d/rdo.sqlite"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("base_url = 'http://x'", 'rdo.toml:1: unknown key "base_url"; did you mean "base-url"?'),
        (
            "[metadata]\nsuorce = 'x'\nsource = 'y'",
            'rdo.toml:2: unknown key "metadata.suorce"; did you mean "source"?',
        ),
        (
            "\n[targets.a]\nrelease = 'r'\nplatform = 'p'\nworker = 3",
            'rdo.toml:5: unknown key "targets.a.worker"; did you mean "workers"?',
        ),
        (
            "[targets.a]\nrelease = 'r'\nplatform = 'p'\nworkers = '2'",
            "rdo.toml:4: targets.a.workers must be a whole number",
        ),
        (
            "[targets.a]\nrelease = 'r'\nplatform = 'p'\nworkers = 0",
            "rdo.toml:4: targets.a.workers must be greater than or equal to 1",
        ),
        ("[targets.a]\nrelease = 'r'", 'rdo.toml:1: [targets.a] lacks "platform"'),
        ("data = 3", "rdo.toml:1: data must be a path"),
        ("metadata = 3", "rdo.toml:1: metadata must be a section"),
        ("\n[data]\nx = 1", "rdo.toml:3: data is a value, not a section"),
        ("a = 1\nb = ", "rdo.toml:2: "),
        (
            "[targets.cache]\nrelease = 'r'\nplatform = 'p'",
            "rdo.toml:1: targets.cache is the name of another folder in data",
        ),
        ("[metadata]\nsource='x'\nlayout='x'", "rdo.toml:3: metadata.layout must be 'rdoinfo', "),
        (
            "[mail]\nserver='x'\nfrom='a@x'\ndigest-hour=24",
            "rdo.toml:4: mail.digest-hour must be less than or equal to 23",
        ),
        (f"[targets.{'x' * 101}]", f"rdo.toml:1: targets.{'x' * 101} must have at most 100 char"),
        ("[targets.'../x']\nrelease='r'\nplatform='p'", "rdo.toml:1: targets.../x must match"),
        ("base-url = 'here'", "rdo.toml:1: base-url must match pattern '^(https?|file)://"),
        ('base-url = "http://x\\ny"', "rdo.toml:1: base-url must match"),
    ],
)
def test_a_fault_names_file_line_and_remedy(folder: Path, text: str, said: str) -> None:
    assert faults(folder, text)[0].startswith(said)


def test_all_faults_are_reported_at_once(folder: Path) -> None:
    text = "dta = 'x'\n[targets.a]\nrelease = 1\nplatform = 'p'\n"

    told = faults(folder, text, RDO_TARGETS__A__WORKERS="many")

    assert [line.split(": ")[0] for line in told] == [
        "rdo.toml:3",
        "RDO_TARGETS__A__WORKERS",
        "rdo.toml:1",
    ]


def test_a_file_that_is_not_utf8_is_reported_by_line(folder: Path) -> None:
    (folder / "rdo.toml").write_bytes(b"# \n# \xff\n")

    with pytest.raises(ConfigError, match=r"rdo\.toml:2: not UTF-8"):
        load(folder / "rdo.toml", {})


def test_the_environment_wins_over_the_file_and_an_option_over_both(folder: Path) -> None:
    environ = {"RDO_TARGETS__MASTER_DEB12__WORKERS": "7", "RDO_DATABASE": "sqlite:///x"}

    configuration = load(
        folder / "rdo.toml", environ, {"database": "sqlite", "targets.master-deb12.retries": "0"}
    )

    target = configuration.settings.target("master-deb12")
    assert (target.workers, target.retries) == (7, 0)
    assert configuration.settings.database == "sqlite"
    told = origins(configuration)
    assert told["targets.master-deb12.workers"] == "RDO_TARGETS__MASTER_DEB12__WORKERS"
    assert told["targets.master-deb12.retries"] == "--set targets.master-deb12.retries"
    assert told["targets.master-deb12.release"] == f"{folder}/rdo.toml:10"
    assert told["targets.master-deb12.builder"] == "default"
    assert told["platforms"] == "default"


def test_keys_of_sections_below_a_target_can_be_set(folder: Path) -> None:
    with (folder / "rdo.toml").open("a") as file:
        file.write('[targets.master-deb12.push.eu]\nto = "/srv/eu"\nurl = "http://eu"\n')
    environ = {"RDO_TARGETS__MASTER_DEB12__PUSH__EU__TO": "/srv/other"}
    option = {"targets.master-deb12.push.eu.url": "http://other"}

    place = load(folder / "rdo.toml", environ, option).settings.target("master-deb12").push["eu"]

    assert (place.to, place.url) == ("/srv/other", "http://other")


def test_an_option_for_a_target_that_does_not_exist_names_a_similar_one(folder: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load(folder / "rdo.toml", {}, {"targets.master-deb13.workers": "4"})

    told = 'there is no target master-deb13; did you mean "master-deb12"?'
    assert str(error.value) == f"--set targets.master-deb13.workers: {told}"


def test_a_path_from_the_environment_is_relative_to_the_current_folder(folder: Path) -> None:
    settings = loaded(folder, RDO_DATA="d").settings

    assert settings.data == Path.cwd() / "d"
    assert settings.platforms == Path.cwd() / "d/platforms"


def test_a_variable_that_sets_nothing_is_reported(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        loaded(folder, RDO_BASEURL="http://x", RDO_TARGETS__MASTER_DEB12__WORKER="1")

    assert caplog.messages == [
        'RDO_BASEURL in the environment has no effect; did you mean "RDO_BASE_URL"?',
        (
            "RDO_TARGETS__MASTER_DEB12__WORKER in the environment has no effect; "
            'did you mean "RDO_TARGETS__MASTER_DEB12__WORKERS"?'
        ),
    ]


def test_a_variable_that_a_command_reads_is_not_reported(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sources = (file.read_text() for file in Path(rdo.__file__).parent.rglob("*.py"))
    pattern = re.compile(r'(?:envvar=|environ\.get\()"(RDO_\w+)"')
    read = {name for text in sources for name in pattern.findall(text)}
    assert "RDO_SITE" in read

    with caplog.at_level(logging.WARNING):
        loaded(folder, **dict.fromkeys(read, "x"))

    assert caplog.messages == []


def test_passwords_are_masked_in_what_is_shown(folder: Path) -> None:
    shown = {value.key: value.value for value in loaded(folder).effective()}

    assert shown["database"] == "postgresql://rdo:***@db/rdo"


def test_an_unknown_target_is_not_found(folder: Path) -> None:
    with pytest.raises(NotFoundError, match='did you mean "master-deb12"'):
        loaded(folder).settings.target("master-deb13")


def test_without_a_file_the_data_is_the_users(tmp_path: Path) -> None:
    by_home = load(None, {"HOME": "/home/u"})
    by_xdg = load(None, {"HOME": "/home/u", "XDG_DATA_HOME": "/x"})

    assert by_home.settings.data == Path("/home/u/.local/share/rdo")
    assert by_xdg.settings.platforms == Path("/x/rdo/platforms")
    assert {value.origin.kind for value in by_xdg.effective()} == {OriginKind.DEFAULT}


def test_without_a_file_what_needs_one_names_the_remedy() -> None:
    settings = load(None, {"HOME": "/home/u"}).settings

    with pytest.raises(ConfigError) as caught:
        _ = settings.needed_metadata
    assert "rdo init" in caught.value.hint


def test_the_file_is_found_by_option_then_variable_then_here(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    assert find(None, {}) is None
    (here / "rdo.toml").touch()
    other = tmp_path / "other.toml"
    other.touch()

    assert find(None, {}) == here / "rdo.toml"
    assert find(None, {"RDO_CONFIG": str(other)}) == other
    assert find(folder, {"RDO_CONFIG": str(other)}) == folder / "rdo.toml"


def test_the_nearest_file_above_is_found_but_none_above_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "home/factory/info/tags"
    deep.mkdir(parents=True)
    (tmp_path / "rdo.toml").touch()
    monkeypatch.chdir(deep)
    home = {"HOME": str(tmp_path / "home")}
    assert find(None, home) is None
    assert find(None, {"HOME": "/elsewhere"}) == tmp_path / "rdo.toml"

    (tmp_path / "home/factory/rdo.toml").touch()

    assert find(None, home) == tmp_path / "home/factory/rdo.toml"


def test_a_file_above_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "rdo.toml").touch()
    monkeypatch.chdir(tmp_path / "below")
    owner = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    if owner == 0:  # the file of root is trusted
        os.chown(tmp_path / "rdo.toml", 12345, -1)

    with pytest.raises(ConfigError, match="belongs to another user"):
        find(None, {})

    monkeypatch.chdir(tmp_path)
    assert find(None, {}) == tmp_path / "rdo.toml"


@pytest.mark.parametrize("environ", [{}, {"RDO_CONFIG": "nowhere"}])
def test_a_named_file_must_exist(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        find(None if environ else tmp_path, environ)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", Audiences(digest_hour=0), id="nobody"),
        pytest.param(
            '[mail]\nserver = "x:25"\nfrom = "rdo@example.test"\noperator = ["ops@example.test"]\n'
            'digest = ["*"]\ndigest-hour = 7\n',
            Audiences(True, ("ops@example.test",), frozenset({"*"}), 7),
            id="by mail",
        ),
        pytest.param("[gerrit]\n", Audiences(gerrit=True, digest_hour=0), id="in reviews"),
        pytest.param(
            '[webhooks.chat]\nurl = "https://chat.test/"\n',
            Audiences(webhooks=("chat",), digest_hour=0),
            id="by webhooks",
        ),
    ],
)
def test_who_is_told_is_configured(folder: Path, text: str, expected: Audiences) -> None:
    assert loaded(folder, text=text).settings.audiences == expected


@pytest.mark.parametrize(
    ("database", "url"),
    [
        pytest.param("sqlite", "sqlite:///{folder}/data/rdo.sqlite", id="a file of ours"),
        pytest.param("postgresql://db/rdo", "postgresql://db/rdo", id="a server"),
    ],
)
def test_the_database(folder: Path, database: str, url: str) -> None:
    settings = loaded(folder, text=f'database = "{database}"\n').settings

    assert settings.database_url == url.format(folder=folder)


def test_what_is_below_data(folder: Path) -> None:
    settings = loaded(folder, text="").settings

    assert (settings.cache, settings.roots) == (folder / "data/cache", folder / "data/roots")


@pytest.mark.parametrize("option", ["components", "keep_changelog", "detached"])
def test_a_target_does_nothing_special_unless_it_says_so(folder: Path, option: str) -> None:
    text = '[targets.t]\nrelease = "master"\nplatform = "deb12-x86_64"\n'

    assert getattr(loaded(folder, text=text).settings.target("t"), option) is False


def test_what_follows_an_instance_has_specs_of_its_own_unless_it_says_otherwise(
    folder: Path,
) -> None:
    text = """\
[targets.t]
release = "master"
platform = "deb12-x86_64"
[targets.t.follow]
versions = ["https://trunk.example.test/versions.csv"]
"""

    follow = loaded(folder, text=text).settings.target("t").follow

    assert follow is not None
    assert not follow.use_upstream_spec
    assert (follow.distgit_key, follow.tag, follow.spec_replace) == ("distgit", None, [])


def test_without_metadata_or_targets_it_is_said_what_to_write(folder: Path) -> None:
    settings = loaded(folder, text="").settings

    with pytest.raises(ConfigError, match="metadata"):
        _ = settings.needed_metadata
    with pytest.raises(ConfigError, match="targets"):
        settings.target("t")


def test_no_secret_of_a_url_is_shown(folder: Path) -> None:
    (folder / "rdo.toml").write_text(
        WHOLE.replace('"info"', '"https://TOKEN@git.test/info.git"').replace("secret@", "p@ss@")
        + '[webhooks.chat]\nurl = "https://u:p@chat.test:8443/services/TOKEN?x=TOKEN"\n'
    )

    shown = {value.key: value.value for value in loaded(folder).effective()}

    assert shown["metadata.source"] == "https://***@git.test/info.git"
    assert shown["database"] == "postgresql://rdo:***@db/rdo"
    assert shown["webhooks.chat.url"] == "https://chat.test:8443/***"
