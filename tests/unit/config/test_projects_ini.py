import json
import re
from pathlib import Path

import pytest

from rdo import config
from rdo.cli import main
from rdo.config.projects_ini import import_projects_ini, write
from rdo.errors import ConfigError, RefusedError

# As DLRN's documentation shows it.
DOCUMENTED = """\
[DEFAULT]
datadir=./data
scriptsdir=./scripts
configdir=./scripts
baseurl=http://trunk.example.test/centos9/
distro=rpm-master
source=master
target=centos9-stream
smtpserver=
reponame=delorean
templatedir=./dlrn/templates
project_name=RDO
maxretries=3
pkginfo_driver=dlrn.drivers.rdoinfo.RdoInfoDriver
build_driver=dlrn.drivers.mockdriver.MockBuildDriver
tags=
#tags=mitaka
rsyncdest=
rsyncport=22
workers=1
gerrit_topic=rdo-FTBFS
database_connection=sqlite:///commits.sqlite
fallback_to_master=1
nonfallback_branches=^master$,^rpm-master$
release_numbering=0.date.hash
custom_preprocess=
include_srpm_in_repo=true
keep_changelog=false
allow_force_rechecks=false
use_components=false
deps_url=

[gitrepo_driver]
repo=http://github.example.test/openstack/rpm-packaging
directory=/openstack
skip=openstack-macros,keystoneauth1
use_version_from_spec=1
keep_tarball=0

[rdoinfo_driver]
repo=http://github.example.test/org/rdoinfo-fork
info_files=rdo.yml

[mockbuild_driver]
install_after_build=1
"""

# Every option that DLRN knows, with another value than its default.
OTHERS = """\
[DEFAULT]
scriptsdir = /srv/scripts
configdir = /srv/templates
templatedir = /srv/pages
gerrit_topic = broken
rsyncdest = backup.example.test:/srv
rsyncport = 2222
database_connection = mysql://u:%40%(x)s@db.example.test/dlrn
custom_preprocess = /srv/one, /srv/two
keep_changelog = true
allow_force_rechecks = true
deps_url = file:///srv/deps.repo
datadir = /srv/dlrn
baseurl = https://trunk.example.test/flamingo
distro = flamingo-rdo
source = stable/2025.2
target = fedora-42
tags = flamingo-uc
smtpserver = mail.example.test
reponame = delorean
project_name = RDO "Trunk"
maxretries = 5
workers = 4
gerrit = yes
release_numbering = minor.date.hash
release_minor = 2
include_srpm_in_repo = false
fallback_to_master = false
nonfallback_branches = ^master$, ^.*-rdo$
use_components = true
pkginfo_driver = dlrn.drivers.downstream.DownstreamInfoDriver
build_driver = dlrn.drivers.kojidriver.KojiBuildDriver
own = x
[rdoinfo_driver]
repo = https://git.example.test/rdoinfo
info_files = rdo.yml, extra.yml
cache_dir = /var/cache/dlrn
[gitrepo_driver]
repo = https://git.example.test/rpm-packaging
directory = /openstack
skip = a
use_version_from_spec = true
keep_tarball = true
[mockbuild_driver]
install_after_build = false
[local_driver]
[downstream_driver]
repo = https://git.example.test/other
info_files = other.yml, more.yml
versions_url = https://trunk.example.test/versions.csv, http://two/x.csv
downstream_distro_branch = ours-1
downstream_tag = ^ours-1
downstream_distgit_key = own-distgit
downstream_source_git_key = own-patches
downstream_source_git_branch = ours-1-patches
use_upstream_spec = true
downstream_spec_replace_list = ^a/b,c/
cache_dir = x
[kojibuild_driver]
koji_exe = brew
krb_principal = x
krb_keytab = x
scratch_build = false
build_target = x
arch = x86_64
use_rhpkg = false
rhpkg_timeout = 3600
fetch_mock_config = false
mock_base_packages = x
mock_package_manager = dnf
additional_koji_tags = x
[coprbuild_driver]
coprid = someone/something
[some_plugin]
workers = 9
"""


FOLLOWING = """\
[DEFAULT]
pkginfo_driver = dlrn.drivers.downstream.DownstreamInfoDriver
[downstream_driver]
versions_url = http://two/x.csv
"""


@pytest.fixture
def ini(tmp_path: Path) -> Path:
    return tmp_path / "projects.ini"


def imported(ini: Path, text: str) -> tuple[config.Settings, dict[str, str]]:
    """The settings that rdo.toml then has, and the notes by `section.option`."""
    ini.write_text(text)
    found = import_projects_ini(ini)
    file = write(found, ini.parent / "new")
    settings = config.load(file, {}).settings
    return settings, {f"{note.section}.{note.option}": note.reason for note in found.notes}


def test_the_documented_file_gives_a_target(ini: Path) -> None:
    settings, notes = imported(ini, DOCUMENTED)

    target = settings.target("master-el9s")
    assert (target.release, target.platform, target.workers) == ("master", "el9s-x86_64", 1)
    assert (target.upstream_branch, target.distgit_branch) == ("master", "rpm-master")
    assert settings.tree_url("master-el9s") == "http://trunk.example.test/centos9"
    metadata = settings.needed_metadata
    assert metadata.source == "http://github.example.test/org/rdoinfo-fork"
    assert settings.data == ini.parent / "new/data"
    assert settings.mail is None
    assert notes["DEFAULT.tags"] == "without it DLRN builds all packages; rdo requires a release"
    assert "its own tables" in notes["DEFAULT.database_connection"]


def test_values_that_differ_are_carried(ini: Path) -> None:
    settings, notes = imported(ini, OTHERS)

    target = settings.target("flamingo-uc-fedora42")
    assert (target.release, target.platform) == ("flamingo-uc", "fedora42-x86_64")
    assert (target.retries, target.workers, target.components) == (5, 4, True)
    assert target.fallback_to_master is False
    assert target.nonfallback_branches == ["^master$", "^.*-rdo$"]
    assert target.project_name == 'RDO "Trunk"'
    assert (target.release_prefix, target.keep_changelog) == ("2", True)
    assert settings.mail is not None
    assert settings.mail.server == "mail.example.test"
    assert target.distgit_branch == "ours-1"
    assert target.follow is not None
    assert target.follow.versions == ["https://trunk.example.test/versions.csv", "http://two/x.csv"]
    assert target.follow.distgit_key == "own-distgit"
    assert target.follow.use_upstream_spec
    assert target.follow.tag == "^ours-1"
    assert target.follow.spec_replace == ["^a/b", "c/"]
    assert target.follow.source_git_key == "own-patches"
    assert target.follow.source_git_branch == "ours-1-patches"
    assert settings.needed_metadata.source == "https://git.example.test/other"
    assert settings.needed_metadata.file == "other.yml"
    assert notes["downstream_driver.info_files"].startswith("only other.yml")
    assert "downstream_driver.use_upstream_spec" not in notes
    assert notes["rdoinfo_driver.repo"] == "its driver is not in use"
    assert notes["DEFAULT.own"] == "DLRN has no such option"
    assert "mysql://…@db.example.test/dlrn" in (ini.parent / "new/rdo.toml").read_text()
    assert notes["some_plugin.workers"] == "DLRN has no such option"


def test_a_driver_that_is_not_in_use_is_not_carried(ini: Path) -> None:
    text = OTHERS.replace("dlrn.drivers.downstream.DownstreamInfoDriver", "mine.Driver")

    settings, notes = imported(ini, text)

    target = settings.target("flamingo-uc-fedora42")
    assert target.follow is None
    assert settings.needed_metadata.source == "https://git.example.test/rdoinfo"
    assert notes["downstream_driver.versions_url"] == "its driver is not in use"
    assert notes["DEFAULT.pkginfo_driver"].endswith("the metadata is read as rdoinfo")


def test_what_follows_nothing_is_named(ini: Path) -> None:
    text = FOLLOWING.replace("versions_url = http://two/x.csv", "use_upstream_spec = true")

    settings, notes = imported(ini, text)

    assert settings.target("master-deb12").follow is None
    assert notes["downstream_driver.use_upstream_spec"] == "it applies only with versions_url"


def test_the_other_package_drivers_are_layouts(ini: Path) -> None:
    driver = "dlrn.drivers.rdoinfo.RdoInfoDriver"
    text = DOCUMENTED.replace(driver, "dlrn.drivers.gitrepo.GitRepoDriver")

    metadata = imported(ini, text)[0].needed_metadata

    assert (metadata.layout, metadata.directories) == ("folders", ["/openstack"])
    assert metadata.skip == ["openstack-macros", "keystoneauth1"]
    assert metadata.source == "http://github.example.test/openstack/rpm-packaging"


def test_the_driver_of_one_distgit_is_a_layout_too(ini: Path) -> None:
    text = "[DEFAULT]\ntags = x\npkginfo_driver = dlrn.drivers.local.LocalDriver\n"

    metadata = imported(ini, text)[0].needed_metadata

    assert (metadata.layout, metadata.source) == ("local", str(ini.parent / "new"))


@pytest.mark.parametrize("text", [DOCUMENTED, OTHERS])
def test_no_option_is_lost_silently(ini: Path, text: str) -> None:
    """Each is a value of rdo.toml, or named in it, or says what rdo does anyway."""
    usual = {
        "smtpserver": "",
        "fallback_to_master": "1",
        "release_numbering": "0.date.hash",
        "include_srpm_in_repo": "true",
        "use_components": "false",
        "pkginfo_driver": "dlrn.drivers.rdoinfo.RdoInfoDriver",
        "build_driver": "dlrn.drivers.mockdriver.MockBuildDriver",
        "target": "",
    }
    _, notes = imported(ini, text)
    toml = (ini.parent / "new/rdo.toml").read_text()

    for line in text.splitlines():
        if not (found := re.fullmatch(r"(\w+)\s*=\s*(.*)", line)):
            continue
        option, value = found.groups()
        is_noted = any(key.endswith(f".{option}") for key in notes)
        first = value.split(",")[0].replace('"', '\\"')
        assert is_noted or first in toml or usual.get(option) == value or option == "target", option


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workers = 3", "projects.ini"),
        ("[DEFAULT]\nworkers = many", "workers = many is not a number"),
        ("[DEFAULT]\nuse_components = perhaps", "is neither true nor false"),
        ("[DEFAULT]\na = 1\na = 2", "projects.ini"),
        ("[DEFAULT]\nbaseurl = trunk", "must match"),
        ("[DEFAULT]\nnonfallback_branches = (", "is not a regular expression"),
        (f"{FOLLOWING}downstream_spec_replace_list = x", "is not REGEX/REPLACEMENT"),
        (f"{FOLLOWING}downstream_spec_replace_list = x/\\1", "is not REGEX/REPLACEMENT"),
    ],
)
def test_a_file_that_cannot_be_carried_is_one_error(ini: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        imported(ini, text)

    assert not (ini.parent / "new/rdo.toml").exists()


def test_an_existing_file_is_kept(ini: Path) -> None:
    imported(ini, DOCUMENTED)

    with pytest.raises(RefusedError, match="already exists"):
        imported(ini, OTHERS)


def test_the_command_shows_or_writes_the_file(
    ini: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ini.write_text(DOCUMENTED)

    assert main.run(["config", "import", str(ini), "--target", "here"]) == 0
    shown = capsys.readouterr()
    assert "[targets.here]" in shown.out.replace('"', "")
    skipped = "[gitrepo_driver] skip = openstack-macros,keystoneauth1: its driver is not in use"
    assert f"note: {skipped}\n" in shown.err

    into = str(ini.parent / "into")
    assert main.run(["config", "import", str(ini), "--into", into, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert Path(answer["wrote"]).read_text() == answer["rdo.toml"]


@pytest.mark.parametrize(
    ("option", "key", "note"),
    [
        pytest.param("smtpserver = mail.test", "server", None, id="a mail server is carried"),
        pytest.param("smtpserver =", None, None, id="none is none"),
        pytest.param("gerrit = x", "[gerrit]", "DEFAULT.gerrit", id="reviews, not their server"),
        pytest.param("gerrit_topic = x", None, "DEFAULT.gerrit_topic", id="no topic alone"),
        pytest.param("gerrit = x\ngerrit_topic = a b", "a-b", None, id="a topic of one word"),
        pytest.param("release_numbering = 9", None, "DEFAULT.release_numbering", id="no numbering"),
        pytest.param("target = my-own-box", "my-own-box", "DEFAULT.target", id="an own platform"),
    ],
)
def test_an_option_is_carried_or_noted(
    ini: Path, option: str, key: str | None, note: str | None
) -> None:
    ini.write_text(f"[DEFAULT]\ntags = x\n{option}\n")

    found = import_projects_ini(ini)

    plain = "\n".join(line for line in found.text.splitlines() if not line.startswith("#"))
    assert key is None or key in plain
    notes = {f"{one.section}.{one.option}" for one in found.notes}
    assert note is None or note in notes


def test_a_file_that_is_no_text_or_not_there_is_one_error(ini: Path) -> None:
    ini.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        import_projects_ini(ini)
    with pytest.raises(ConfigError, match=re.escape(str(ini.parent))):
        import_projects_ini(ini.with_name("none.ini"))
