"""Taking over an instance that DLRN 0.26.1 itself made."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.app import App
from rdo.errors import RefusedError
from rdo.model.build import Built
from rdo.store import Store
from rdo.trunk.context import open_trunk
from rdo.trunk.rounds import RoundRequest, run_targets
from rdo.trunk.takeover import taking_over as service
from rdo.trunk.takeover.taking_over import DlrnInstance, TakenOver
from rdo.trunk.views.report import Report
from tests.conftest import GitRepository
from tests.databases import database_of
from tests.e2e.command import rdo
from tests.publishing import TARGET, RpmShelf, commit
from tests.serving import CONFIG, INFO, serving
from tests.tools.dlrn import plans
from tests.tools.dlrn.conftest import Instance, make_instance
from tests.tools.dlrn.instance import PASSWORD
from tests.tools.dlrn.plans import hashes

pytestmark = pytest.mark.slow  # they make an instance of DLRN


def factory(root: Path, *, components: bool = False, info: str = INFO) -> Path:
    """A folder with a configuration for the target, and nothing built."""
    (root / "info").mkdir(parents=True)
    (root / "info/rdo.yml").write_text(info)
    parts = str(components).lower()
    text = CONFIG.format(database=database_of(root), target=TARGET, components=parts, more="")
    at_its_place = 'url = "https://trunk.example.test/repos"\n[targets.other'
    (root / "rdo.toml").write_text(text.replace("[targets.other", at_its_place))
    return root


def take_over(root: Path, instance: Instance, *, dry_run: bool = False) -> TakenOver:
    """Take an instance over for the target of a folder."""
    with contextlib.closing(App(root)) as app:
        source = DlrnInstance(instance.database, instance.folder)
        return service.take_over(app, TARGET, source, dry_run=dry_run)


def answer(client: httpx.Client, asked: dict[str, Any]) -> httpx.Response:
    """Send a recorded request."""
    body: dict[str, Any] = {"json": asked["json"]} if "json" in asked else {}
    if "text" in asked:
        body = {"content": asked["text"], "headers": {"Content-Type": asked["type"]}}
    auth = (asked["user"], asked.get("password", PASSWORD)) if "user" in asked else None
    method, path = asked.get("method", "GET"), f"/api/{asked['path']}"
    return client.request(method, path, params=asked.get("query"), auth=auth, **body)


def differences(root: Path, recorded: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send recorded requests to a factory; return those that are answered otherwise."""
    found = []
    with serving(App(root)) as server, server.client() as client:
        for asked in recorded:
            got = answer(client, asked)
            if (got.status_code, got.json()) != (asked["status"], asked["answer"]):
                found.append({**asked, "ours": (got.status_code, got.json())})
    return found


def files(folder: Path) -> dict[str, bytes | str]:
    """Every file below a folder with its content, every link with what it names."""
    return {
        str(path.relative_to(folder)): (
            str(path.readlink()) if path.is_symlink() else path.read_bytes()
        )
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture(scope="module")
def taken(plain: Instance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A factory that has taken the plain instance over. Tests only read it."""
    root = factory(tmp_path_factory.mktemp("taken") / "rdo")
    take_over(root, plain)
    return root


def test_the_api_answers_as_before(taken: Path, plain: Instance) -> None:
    different = differences(taken, plain.reads)

    assert not different, json.dumps(different, indent=1)


def test_the_api_of_components_answers_as_before(parted: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo", components=True)
    done = take_over(root, parted)

    different = differences(root, parted.reads)

    assert done.exit_code == 0
    assert not different, json.dumps(different, indent=1)
    repos = root / f"data/{TARGET}/repos"
    for name in ("current", "consistent", "candidate", "tested", "old"):
        for file in ("delorean.repo", "delorean.repo.md5", "versions.csv"):
            assert (repos / name / file).read_bytes() == (parted.tree / name / file).read_bytes()
    assert rdo("trunk", "verify", "--target", TARGET, cwd=root, constraints=None).code == 0


def test_every_address_of_the_tree_answers_as_before(taken: Path, plain: Instance) -> None:
    """Also where DLRN had links, which are RPMs of their own here; and nothing was copied."""
    repos = taken / f"data/{TARGET}/repos"
    for path in sorted(plain.tree.glob("??/??/*/**/*")):
        ours = repos / path.relative_to(plain.tree)
        if path.is_file():
            assert ours.samefile(path), path
            assert not ours.is_symlink()
        elif path.is_symlink():
            assert not os.path.lexists(ours), f"{path} leads nowhere"
    for name in ("current", "consistent", "candidate", "tested"):
        assert (repos / name).readlink() == (plain.tree / name).readlink()


def test_the_source_is_only_read(plain: Instance, tmp_path: Path) -> None:
    before = files(plain.folder)
    modes = {path: path.lstat().st_mode for path in plain.folder.rglob("*")}

    take_over(factory(tmp_path / "rdo"), plain)

    assert files(plain.folder) == before
    assert {path: path.lstat().st_mode for path in plain.folder.rglob("*")} == modes


def test_a_dry_run_says_what_a_run_takes_and_changes_nothing(
    plain: Instance, tmp_path: Path
) -> None:
    root = factory(tmp_path / "rdo")

    planned = take_over(root, plain, dry_run=True)

    assert not (root / f"data/{TARGET}/repos").exists()
    with contextlib.closing(App(root)) as app, app.store.read() as at:
        assert not at.history.has_builds(TARGET)
        assert not at.users.all()
        assert at.holds.pause_of(TARGET) is None
    done = take_over(root, plain)
    assert planned.taken == done.taken
    assert planned.dry_run
    assert planned.users == done.users == 2


def test_a_second_time_adds_nothing(plain: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")
    take_over(root, plain)
    before = files(root / f"data/{TARGET}")

    again = take_over(root, plain)

    assert not any(again.taken.values())
    assert (again.known, again.users, again.repositories) == (8, 0, 0)
    assert files(root / f"data/{TARGET}") == before
    assert not differences(root, plain.reads)


def test_what_dlrn_does_meanwhile_is_taken_over_the_next_time(
    plain: Instance, tmp_path: Path
) -> None:
    """DLRN goes on while its instance is taken over; a number of a removed row is given again."""
    root = factory(tmp_path / "rdo")
    copy = Instance(tmp_path / "dlrn", [], [])
    shutil.copytree(Path(f"{plain.folder}-before"), copy.folder, symlinks=True)
    with sqlite3.connect(copy.folder / "commits.sqlite") as database:
        database.execute("DELETE FROM commits WHERE id = 8")
        row = "'python-a', 8, 'rpm', 'FAILED', 0, 0, 0, 0, 'master', 'an older try', 0"
        columns = "project_name, id, type, status, dt_commit, dt_distro, dt_extended, dt_build"
        names = f"{columns}, commit_branch, notes, flags, commit_hash, distro_hash"
        database.execute(
            f"INSERT INTO commits ({names}) VALUES ({row}, ?, ?)",
            tuple(hashes("python-a", 3).values()),
        )
    first = take_over(root, copy)

    second = take_over(root, plain)

    assert first.taken["commits-failed"] == 2
    assert second.taken == {"commits-success": 1, "promotions": 5, "votes": 4}
    queries = [one for one in plain.reads if one["path"] != "graphql"]
    assert not differences(root, queries)


def test_another_database_is_refused(plain: Instance, parted: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")
    with pytest.raises(RefusedError, match="has components, and target"):
        take_over(root, parted)
    take_over(root, plain)
    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        with sqlite3.connect(plain.folder / "commits.sqlite") as source:
            source.backup(other)
        other.execute("UPDATE commits SET commit_hash = distro_hash WHERE id = 1")
    (tmp_path / "other").mkdir()
    (tmp_path / "other.sqlite").rename(tmp_path / "other/commits.sqlite")

    with pytest.raises(RefusedError, match="was taken over from another database"):
        take_over(root, Instance(tmp_path / "other", [], []))


def test_a_target_that_goes_on_takes_no_more(plain: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")
    with Store(database_of(root)) as store, store.write() as at:
        at.builds.plan(TARGET, commit("python-a", "aa11"), now=App(root).now())

    with pytest.raises(RefusedError, match="has 1 builds of its own"):
        take_over(root, plain)

    with Store(database_of(root)) as store, store.read() as at:
        assert at.holds.pause_of(TARGET) is None


def test_a_password_of_dlrn_is_hashed_anew_when_it_is_used(plain: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")
    take_over(root, plain)

    def hashed() -> str:
        with Store(database_of(root)) as store, store.read() as at:
            user = at.users.get("ciuser")
        assert user
        assert user.roles == {TARGET: "admin"}
        return user.password

    assert hashed().startswith("$6$")
    with serving(App(root)) as server, server.client() as client:
        assert client.post("/api/health", auth=("ciuser", PASSWORD)).status_code == 200
        assert client.post("/api/health", auth=("ciuser", "another")).status_code == 401
    assert hashed().startswith("$argon2")
    assert take_over(root, plain).users == 0
    assert hashed().startswith("$argon2")


def run_until_killed(root: Path, instance: Instance, commits: int) -> bool:
    """Take over in a process that is killed after some commits; whether it came to its end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    try:
        left = iter(range(commits))
        commit_of_store = Store._commit

        def commit_and_die(self: Store, connection: Any) -> None:
            commit_of_store(self, connection)
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        Store._commit = commit_and_die  # type: ignore[method-assign]
        take_over(root, instance)
        os._exit(0)
    finally:
        os._exit(1)


def test_it_goes_on_wherever_it_was_killed(plain: Instance, taken: Path, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")

    kills = next(number for number in range(1, 100) if run_until_killed(root, plain, number))

    assert kills > 5
    assert not differences(root, plain.reads)
    names = [name for name in files(taken / f"data/{TARGET}/repos") if "/pool/" not in name]
    assert [name for name in files(root / f"data/{TARGET}/repos") if "/pool/" not in name] == names
    with Store(database_of(root)) as store, store.read() as at:
        assert at.holds.pause_of(TARGET) is None
        assert not at.intents.unfinished(TARGET)


def test_a_target_is_paused_while_it_is_taken_over(plain: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")
    assert not run_until_killed(root, plain, 3)

    with Store(database_of(root)) as store, store.read() as at:
        pause = at.holds.pause_of(TARGET)
    assert pause
    assert pause.by == "rdo trunk import-dlrn"


def test_what_is_hostile_in_a_tree_or_a_database_stays_outside(
    plain: Instance, tmp_path: Path
) -> None:
    copy = Instance(tmp_path / "dlrn", [], [])
    shutil.copytree(plain.folder, copy.folder, symlinks=True)
    repos, secret = copy.tree, tmp_path / "secret"
    secret.mkdir()
    (secret / "key.rpm").write_text("a secret")
    good = (repos / "current").resolve()
    (good / "key.rpm").symlink_to(secret / "key.rpm")
    (good / "up.rpm").symlink_to("../../../../../secret/key.rpm")
    (good / "folder").symlink_to(secret)
    (good / "a\nb.rpm").write_text("strange")
    os.mkfifo(good / "pipe.log")
    for name, target in {"out": str(secret), "up": "../../secret", "file": "report.html"}.items():
        (repos / name).symlink_to(target)
    (repos / "UPPER").symlink_to((repos / "current").readlink())
    (repos / "ab").symlink_to(secret)
    with sqlite3.connect(copy.folder / "commits.sqlite") as database:
        for change in (
            "commit_hash = '../../../../secret'",
            "commit_hash = 'abab' || substr(commit_hash, 5)",  # below the link ab
            "type = 'container'",
        ):
            columns = "project_name, distro_hash, status, flags, commit_hash, type, component"
            database.execute(
                f"INSERT INTO commits ({columns}, dt_build, artifacts)"
                f" SELECT {columns}, 1, '../../x' FROM commits WHERE id = 5"
            )
            database.execute(
                f"UPDATE commits SET {change} WHERE id = (SELECT max(id) FROM commits)"
            )
    root = factory(tmp_path / "rdo")
    done = take_over(root, copy)

    said = "\n".join(done.left_out)
    for word in ("key.rpm", "up.rpm", "a\\nb.rpm", "pipe.log", "folder", "out", "up", "file"):
        assert word in said
    for word in ("UPPER", "commit 9", "ab/ab/abab", "commit 11 is left out: it is a container"):
        assert word in said
    ours = root / f"data/{TARGET}"
    assert not [path for path in ours.rglob("*") if b"secret" in bytes(path)]
    assert not [path for path in ours.rglob("*.rpm") if path.read_bytes() == b"a secret"]
    for path in ours.rglob("*"):
        if path.is_symlink():
            assert path.resolve().is_relative_to(ours.resolve()), path


@pytest.fixture
def upstreams(tmp_path: Path) -> dict[str, GitRepository]:
    """Upstream and distgit of the package python-a, each with two commits."""
    found = {}
    for name, branch in (("python-a", "master"), ("python-a-distgit", "rpm-master")):
        repository = GitRepository(tmp_path / "git" / name, branch)
        repository.commit("one", {"file": "1"})
        repository.commit("two", {"file": "2"})
        found[name] = repository
    return found


def test_the_next_round_goes_on_and_builds_nothing_again(
    dlrn_python: Path, shelf: RpmShelf, tmp_path: Path, upstreams: dict[str, GitRepository]
) -> None:
    upstream, distgit = upstreams["python-a"], upstreams["python-a-distgit"]
    builds = plans.Builds(shelf, tmp_path / "rpms", {})
    builds.add("python-a", 1, "1.0")
    builds.rows[0] |= {
        "commit_hash": upstream.git("rev-parse", "HEAD"),
        "distro_hash": distgit.git("rev-parse", "HEAD"),
    }
    plan = {"packages": plans.packages({"python-a": None}), "builds": builds.rows}
    instance = make_instance(dlrn_python, tmp_path / "dlrn", {**plan, "changes": [], "reads": []})
    info = INFO.replace("https://git.example.test", (tmp_path / "git").as_uri())
    info = info.partition("- {project: python-b")[0]
    root = factory(tmp_path / "rdo", info=info)
    take_over(root, instance)

    def planned() -> list[str]:
        with contextlib.closing(App(root)) as app:
            [done] = run_targets(app, [TARGET], RoundRequest(dry_run=True))
            assert isinstance(done, Report)
            return [one.upstream_hash for one in done.plan.commits]

    assert planned() == []
    new = upstream.commit("three", {"file": "3"})
    assert planned() == [new]
    with contextlib.closing(App(root)) as app:
        trunk = open_trunk(app, TARGET)
        with app.store.write() as at:
            build = at.builds.plan(TARGET, commit("python-a", new), now=app.now())
        folder = trunk.build_folder(build)
        rpms = shelf.put(folder, "python-a", "1.1")
        with app.store.write() as at:
            build = at.builds.settle(build.id, Built(rpms), now=app.now())
        published = trunk.tree.publish(build, folder, trunk.members)
        assert published.moved == ("current", "consistent")
        assert not published.backwards
        assert not trunk.tree.blockers(trunk.members)[None]


def test_the_command_tells_what_it_took(plain: Instance, tmp_path: Path) -> None:
    root = factory(tmp_path / "rdo")
    more = ("--database", plain.database, "--tree", plain.folder, "--target", TARGET)

    first = rdo("trunk", "import-dlrn", *more, "--json", cwd=root, constraints=None)
    second = rdo("trunk", "import-dlrn", *more, cwd=root, constraints=None)
    wrong = rdo("trunk", "import-dlrn", *more[:3], "/none", *more[4:], cwd=root, constraints=None)

    assert first.code == 1, "DLRN's purge has left a repository without its RPMs"
    assert first.json["taken"]["commits-success"] == 6
    assert first.json["taken"]["copied"] == 0
    assert any("python-a-1.0-1.src.rpm is not there" in one for one in first.json["left_out"])
    assert "taken over: nothing new" in second.stdout
    assert (wrong.code, "there is no folder /none" in wrong.stderr) == (4, True)
