"""A dry run writes nothing: each verb that has `--dry-run`, and every byte that it could reach."""

import gzip
import hashlib
import stat
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from rdo.cli.pkg.group import VERBS, pkg
from tests.conftest import GitRepository
from tests.distgits import Distgit
from tests.fakes.gerrit import FakeGerrit
from tests.rpms import make_rpms

A = "1\n2\n3\n"
SITE = """\
[mine]
hosts = ["{root}/git"]
git = "file://{root}/git/{{package}}"
anonymous = "file://{root}/git/{{package}}"
lookaside = ["http://127.0.0.1:9"]
upload = "http://127.0.0.1:9/upload.cgi"
"""
INFO = """\
releases:
- name: antelope
  status: development
  branch: master
  repos: [{{name: el9s, distrepos: []}}]
packages:
- project: foo
  name: foo-bar
  distgit: {url}
  upstream: file:///nowhere
  maintainers: [me@example.test]
"""
BUILDERS = """\
[builders.koji]
server = "http://127.0.0.1:9/kojihub"
[builders.cbs]
kind = "koji"
server = "http://127.0.0.1:9/kojihub"
[builders.copr]
config-file = "{root}/copr.conf"
chroots = ["custom-1-x86_64"]
"""
COPR = """\
[copr-cli]
username = me
login = l
token = t
copr_url = http://127.0.0.1:9
encrypted = false
"""


class Place(Distgit):
    """A distgit in a folder with all that its verbs could write to."""

    @property
    def root(self) -> Path:
        return self.path.parent

    def everything(self) -> dict[str, str]:
        """Each file, link and folder below the root, with its mode and content.

        What rdo keeps in its cache is left out: it may be deleted at any time.
        """
        found = {}
        cache = self.root / "xdg_cache_home"
        for path in sorted(set(self.root.rglob("*")) - {cache, *cache.rglob("*")}):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = str(path.readlink())
            else:
                content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            found[str(path.relative_to(self.root))] = f"{mode:o} {content}"
        return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: object) -> Place:
    """A distgit that is pushed, with a patch on its patches branch that the spec has not yet."""
    root = tmp_path / "root"
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(root / name.lower()))
    (root / "home").mkdir(parents=True)
    made = Place(root / "foo-bar", monkeypatch, capsys)
    (root / "archive.tar.gz").write_bytes(gzip.compress(b"archive"))
    made.spec(source=(root / "archive.tar.gz").as_uri())
    for version in ("1.0.0", "2.0.0"):
        base = "" if version == "1.0.0" else "1.0.0"
        made.upstream_version(version, {"a.py": A, "v": version}, base=base)
    made.patch_commits(("Mend two", {"a.py": A.replace("2", "two")}))
    bare = root / "git/foo-bar"
    made.git("clone", "--quiet", "--bare", ".", str(bare))
    made.git("remote", "add", "origin", bare.as_uri())
    made.git("fetch", "--quiet", "origin")
    made.git("branch", "--quiet", "--set-upstream-to=origin/master", "master")
    sites = root / "xdg_config_home/rdo/sites"
    sites.mkdir(parents=True)
    (sites / "mine.toml").write_text(SITE.format(root=root))
    monkeypatch.setenv("RDO_SITE", "mine")
    (root / "info").mkdir()
    (root / "info/rdo-full.yml").write_text(INFO.format(url=bare.as_uri()))
    (root / "copr.conf").write_text(COPR)
    (root / "rdo.toml").write_text(BUILDERS.format(root=root))
    monkeypatch.setenv("RDO_CONFIG", str(root / "rdo.toml"))
    return made


def nothing(_: Place) -> None:
    pass


def edited(place: Place) -> None:
    place.edit("Amazing", "Fine")


def committed(place: Place) -> None:
    place.commit("More", {"x": "y"})


def remote_ahead(place: Place) -> None:
    """Another maintainer has pushed, also to a branch that is not known here."""
    theirs = GitRepository(place.root / "theirs")
    theirs.git("pull", "--quiet", str(place.root / "git/foo-bar"), "master")
    theirs.commit("Theirs", {"b": "2"})
    theirs.git("push", "--quiet", str(place.root / "git/foo-bar"), "HEAD:master", "HEAD:f42")


def archive(place: Place) -> None:
    (place.path / "archive.tar.gz").write_bytes(gzip.compress(b"archive"))


def listed(place: Place) -> None:
    place.commit("List", {"sources": f"SHA512 (archive.tar.gz) = {'0' * 128}\n"})


def srpm(place: Place) -> None:
    make_rpms(place.root / "built")


def patched(place: Place) -> None:
    place.rdopkg("patch", "-l")
    place.git("branch", "-D", "master-patches")


def with_patches_remote(place: Place) -> None:
    place.remote_patches(place.root / "patches")
    place.git("branch", "-D", "master-patches")


def with_gerrit(place: Place) -> None:
    server = FakeGerrit(place.root / "gerrit", "foo")
    server.has(place, "refs/tags/1.0.0", "refs/heads/master-patches")
    server.has(place, "master", "refs/heads/master")
    for name in ("review-patches", "review-origin"):
        place.git("remote", "add", name, str(server.path))
    committed(place)


def changed(place: Place) -> None:
    place.pkg("fix", "-m", "Mend it")


def waiting(place: Place) -> None:
    place.pkg("fix")
    place.edit("> 1:1.0.0-2\n", "> 1:1.0.0-2\n- Mend it\n")


def stray(place: Place) -> None:
    (place.path / "stray").write_text("mine")


def requirements(place: Place) -> None:
    place.commit("Requirements", {"../requirements.txt": "oslo.config>=3\n"})


_INFO = ("-l", "../info")
_LOCAL = ("-l", "-n", "-d")

# What a verb is given, and what is there before.
CASES: dict[str, tuple[tuple[str, ...], Callable[[Place], object]]] = {
    "mockbuild": ((), nothing),
    "mockbuild -r fedora-42-x86_64": ((), listed),
    "clone": (("foo-bar", "../new", *_INFO), nothing),
    "clone --site mine -B": (("foo-bar", "../new"), nothing),
    "co": (("--site", "mine", "foo-bar", "../new"), nothing),
    "get-patches": ((), with_patches_remote),
    "fix": (("-m", "Mend it"), nothing),
    "patch": ((), with_patches_remote),
    "update-patches": ((), nothing),
    "import-patches": ((), patched),
    "new-version": (("2.0.0", "--force", *_LOCAL), nothing),
    "amend": ((), edited),
    "squash": ((), committed),
    "undo": ((), changed),
    "get-source": ((), nothing),
    "sources": ((), listed),
    "sources --outdir": (("../new/sources",), listed),
    "upload": (("archive.tar.gz",), archive),
    "new-sources": (("archive.tar.gz",), archive),
    "import --do-not-check-specfile-name": (("../built/python-sample-1.0-1.src.rpm",), srpm),
    "clog": ((), nothing),
    "commit": (("-m", "x", "--tag"), edited),
    "ci": (("-m", "x"), edited),
    "tag": ((), nothing),
    "push": (("--no-verify",), committed),
    "pull": ((), remote_ahead),
    "switch-branch --fetch": (("f42",), remote_ahead),
    "switch-branch": (("master-patches",), nothing),
    "clean -x": ((), stray),
    "retire": (("x", "--push"), nothing),
    "srpm": (("--outdir", "../new"), listed),
    "prep": ((), listed),
    "compile": ((), listed),
    "install": ((), nothing),
    "verify-files": ((), nothing),
    "local": ((), listed),
    "build --builder koji": ((), nothing),
    "scratch-build --builder cbs": (("--srpm",), edited),
    "chain-build --builder koji": (("foo-bar",), nothing),
    "copr-build": (("me/mine",), nothing),
    "coprbuild": (_INFO, nothing),
    "kojibuild --builder koji": ((), nothing),
    "cbsbuild": ((), nothing),
    "tag-patches": (("--push",), nothing),
    "set-magic-comment": (("patches_base", "1.0.0"), nothing),
    "remotes --fix": (_INFO, nothing),
    "reqcheck --autosync": ((), requirements),
    "review-patch": ((), with_gerrit),
    "review-spec": ((), with_gerrit),
    "-c": ((), waiting),
    "--abort": ((), waiting),
}
_NEEDS_A_ROOT = {"create"}
"""Not tried here: it inspects a project in a root, even in a dry run."""


@pytest.mark.parametrize("verb", CASES)
def test_a_dry_run_writes_nothing(place: Place, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    args, prepare = CASES[verb]
    prepare(place)
    scratch = place.root / "tmp"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    before = place.everything()

    said = place.pkg(*verb.split(), *args, "--dry-run")

    assert said.out or said.err
    assert place.everything() == before


def test_no_verb_with_a_dry_run_is_forgotten() -> None:
    context = click.Context(pkg)
    have = {
        name
        for name in VERBS
        for one in (pkg.get_command(context, name),)
        if one and any("--dry-run" in parameter.opts for parameter in one.params)
    }
    assert have - _NEEDS_A_ROOT == {verb.split()[0] for verb in CASES if not verb.startswith("-")}
