"""Six packages of our own builder, of which one breaks another at run time alone.

libmod 2.0 has no module `libmod.old` any more, and its RPM says so; appmod requires it to run, not
to be built. A client installs from the promoted name all the time.
"""

import functools
import os
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from rdo.access.roles import Role
from rdo.app import App
from tests.as_root import AS_ROOT
from tests.e2e.command import PLATFORM, needs_roots, rdo
from tests.e2e.distribution import TARGET, Distribution
from tests.patience import PATIENCE
from tests.serving import serving

pytestmark = [needs_roots, pytest.mark.slow]

PACKAGES = ("libmod", "appmod", "betamod", "gammamod", "deltamod", "epsilonmod")
OFFERS, NEEDS = "Provides: libmod(old)\n", "Requires: libmod(old)\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Client:
    """dnf 4 on a host, which takes the .repo file of the name `tested` and installs from it."""

    def __init__(self, folder: Path, repos: Path) -> None:
        self.folder, self.root, self.repo_file = folder, folder / "root", repos / "tested"
        self.environment = dict(os.environ)  # with one home: Debian's rpm has its database there
        self.failures: list[str] = []
        self.syncs = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Client":
        made = rdo("platform", "create", PLATFORM, "--root", self.root, cwd=self.folder)
        assert made.code == 0, made.stderr
        (self.folder / "repos.d").mkdir()
        self._take("install", *(f"python3-{name}" for name in PACKAGES))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._done.wait(1.0):
            self._take("distro-sync")

    def _take(self, *args: str) -> None:
        """Read where the name leads, and install what is there, as a host of DLRN does."""
        text = (self.repo_file / "delorean.repo").read_text()
        (self.folder / "repos.d/rdo.repo").write_text(text)
        command = [
            *(*AS_ROOT, "dnf", "-y", f"--installroot={self.root}"),
            f"--setopt=cachedir={self.folder / 'cache'}",
            f"--setopt=reposdir={self.folder / 'repos.d'}",
            *("--setopt=*.skip_if_unavailable=False", "--refresh", *args),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=self.environment
        )
        if done.returncode:
            self.failures.append(done.stdout + done.stderr)
        self.syncs += 1

    def wait(self) -> None:
        """Wait until the host has what the name leads to now."""
        before = self.syncs
        while self.syncs < before + 2:
            assert self.failures == []
            self._done.wait(0.1)

    def version(self, name: str) -> str:
        """The version of a package's module on the host."""
        [module] = self.root.glob(f"usr/lib/python3*/site-packages/{name}/__init__.py")
        return module.read_text().split("'")[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Distribution]:
    """Six packages; that of appmod requires what only that of libmod provides."""
    found = Distribution(tmp_path_factory.mktemp("story"), looks_ahead=True)
    for name in PACKAGES:
        found.add(name)
    change_spec(found, "libmod", "", OFFERS)
    change_spec(found, "appmod", "", NEEDS)
    (found.folder / "data").mkdir()
    handler = functools.partial(Quiet, directory=str(found.folder / "data"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        found.environment["RDO_BASE_URL"] = f"http://127.0.0.1:{server.server_port}"
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def client(made: Distribution, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A host that installs all the time, from the first promotion on."""
    code, report = made.run()
    assert code == 0, report
    code, moved = promotion(made, "promote", "tested", "consistent", "--because", "the first one")
    assert code == 0, moved
    repos = made.folder / "data" / TARGET / "repos"
    with Client(tmp_path_factory.mktemp("client"), repos) as found:
        yield found


def change_spec(made: Distribution, name: str, old: str, new: str) -> None:
    """Replace a line of the binary package in a spec, or add one."""
    distgit = made.distgits[name]
    spec = Path(distgit.path) / f"python-{name}.spec"
    before = f"Summary: %{{summary}}\n{old}"
    text = spec.read_text()
    assert before in text
    distgit.commit("change it", {spec.name: text.replace(before, f"Summary: %{{summary}}\n{new}")})


def promotion(made: Distribution, *args: str) -> tuple[int, Any]:
    done = made.rdo("promotion", *args, "--json")
    return done.code, done.json if done.stdout else done.stderr


def versions(made: Distribution, name: str) -> dict[str, str]:
    shown = made.rdo("repo", "show", name, "--json")
    assert shown.code == 0, shown.stderr
    return {
        one["package"].removeprefix("python-"): one["nvr"].split("-")[-2]
        for one in shown.json["builds"]
    }


# One story in steps: each test goes on where the one before it ended.


def test_1_the_check_names_pair_and_chain_and_promotion_refuses(
    made: Distribution, client: Client
) -> None:
    change_spec(made, "libmod", OFFERS, "")
    for name in ("libmod", "betamod", "gammamod", "deltamod"):
        made.release(name, "2.0")
    code, report = made.run()
    assert code == 0, report

    failed, checked = promotion(made, "check", "consistent", "--against", "tested")
    refused, why = promotion(made, "promote", "tested", "consistent", "--because", "all of it")

    [defect] = [one for answer in checked["checks"] for one in answer["findings"]]
    assert (failed, defect["check"], defect["package"]) == (1, "vanished", "python-libmod")
    assert "python3-appmod-1.0" in defect["what"]
    assert "provided libmod(old), which is gone" in defect["what"]
    assert defect["chain"][-1].startswith("nothing provides libmod(old), which python3-appmod")
    assert refused == 5
    assert "tested is not moved" in why
    assert versions(made, "tested") == dict.fromkeys(PACKAGES, "1.0")


def test_2_explain_tells_the_blocker_and_what_would_pass(
    made: Distribution, client: Client
) -> None:
    code, told = promotion(made, "explain", "tested", "--simulate")

    assert code == 0, told
    [blocker] = told["explanation"]["blockers"]
    assert (blocker["package"], blocker["owners"]) == ("python-libmod", ["one@example.test"])
    assert blocker["since"]
    assert "--hold-back" in blocker["command"]
    found = told["simulation"]
    [held] = found["held"]
    assert (held["package"], held["maintainers"]) == ("python-libmod", ["one@example.test"])
    assert held["breaks"][0]["chain"] == blocker["chain"]
    assert found["taken"] == ["python-betamod", "python-deltamod", "python-gammamod"]
    assert (found["passes"], found["is_minimal"], found["at_least"]) == (True, True, 1)


def test_2_the_api_explains_as_the_command_does(made: Distribution, client: Client) -> None:
    with serving(App(made.folder)) as server:
        headers = {"Authorization": f"Bearer {server.token(Role.PROMOTER)}"}
        url = f"{server.url}/api/v1/targets/{TARGET}/promotions/tested/explain"
        known = httpx.get(url, trust_env=False, timeout=PATIENCE).json()
        asked = {"candidate": "consistent", "simulate": True}
        answer = httpx.post(url, json=asked, headers=headers, trust_env=False, timeout=600)

    told = answer.json()
    assert answer.status_code == 200, told
    [blocker] = told["blockers"]
    assert known["blockers"] == told["blockers"], "the command has checked the candidate before"
    assert (blocker["kind"], blocker["package"]) == ("defect", "python-libmod")
    assert blocker["owners"] == ["one@…"]
    [held] = told["simulation"]["held"]
    assert (held["package"], told["simulation"]["passes"]) == ("python-libmod", True)
    assert "libmod(old)" in held["breaks"][0]
    assert versions(made, "tested") == dict.fromkeys(PACKAGES, "1.0")


def test_3_the_rest_passes_and_what_is_held_back_says_until_when(
    made: Distribution, client: Client
) -> None:
    args = ("--hold-back", "--for", "7d", "--because", "all but libmod")
    code, moved = promotion(made, "promote", "tested", "consistent", *args)

    assert code == 0, moved
    [held] = moved["held"]
    since, until = (datetime.fromisoformat(held[key]) for key in ("since", "until"))
    assert (held["package"], until - since) == ("python-libmod", timedelta(days=7))
    assert promotion(made, "held", "tested")[1] == [held]
    assert promotion(made, "explain", "tested")[1]["explanation"]["held"] == [held]
    [newest, _] = promotion(made, "history", "tested")[1]
    assert newest["why"] == "all but libmod (held back: python-libmod)"
    newer = dict.fromkeys(("betamod", "gammamod", "deltamod"), "2.0")
    assert versions(made, "tested") == dict.fromkeys(PACKAGES, "1.0") | newer
    client.wait()
    assert (client.version("betamod"), client.version("libmod")) == ("2.0", "1.0")


def test_4_what_is_held_back_stops_neither_the_trunk_nor_the_next_promotion(
    made: Distribution, client: Client
) -> None:
    made.release("libmod", "3.0")
    made.release("epsilonmod", "2.0")
    code, report = made.run()
    assert code == 0, report

    code, moved = promotion(made, "promote", "tested", "consistent", "--because", "one more")

    assert code == 0, moved
    assert [one["package"] for one in moved["held"]] == ["python-libmod"]
    assert versions(made, "consistent")["libmod"] == "3.0"
    now = versions(made, "tested")
    assert (now["libmod"], now["epsilonmod"]) == ("1.0", "2.0")


def test_5_the_promoter_takes_what_passes_without_it_and_no_more(
    made: Distribution, client: Client
) -> None:
    with (made.folder / "rdo.toml").open("a") as file:
        file.write(f'\n[targets.{TARGET}.promotions.tested]\ncandidate = "consistent"\n')
    made.release("epsilonmod", "3.0")
    code, report = made.run()
    assert code == 0, report

    _, [shown] = promotion(made, "run", "--dry-run")
    people = made.rdo("promotion", "run")
    _, [again] = promotion(made, "run")

    assert [one["package"] for one in shown["held"]] == ["python-libmod"]
    assert people.code == 0, people.stderr
    assert "tested: moved to" in people.stdout
    assert "python-libmod is held back by" in people.stdout
    now = versions(made, "tested")
    assert (now["libmod"], now["epsilonmod"]) == ("1.0", "3.0")
    assert (again["moved"], again["chosen"]) == ([], None)
    client.wait()
    assert client.version("libmod") == "1.0"


def test_6_a_newer_build_that_mends_it_lifts_the_hold(made: Distribution, client: Client) -> None:
    change_spec(made, "appmod", NEEDS, "")
    made.release("appmod", "2.0")
    code, report = made.run()
    assert code == 0, report

    code, moved = promotion(made, "promote", "tested", "consistent", "--because", "mended")

    assert (code, moved["held"]) == (0, [])
    assert versions(made, "tested") == versions(made, "consistent")
    [past] = promotion(made, "held", "tested")[1]
    assert (past["package"], past["ending"]) == ("python-libmod", "mended")
    _, told = promotion(made, "explain", "tested")
    assert (told["explanation"]["newer"], told["explanation"]["blockers"]) == ([], [])
    client.wait()
    assert (client.version("appmod"), client.version("libmod")) == ("2.0", "3.0")


def test_7_a_rollback_returns_and_the_client_never_met_anything_missing(
    made: Distribution, client: Client
) -> None:
    code, moved = promotion(made, "rollback", "tested", "--because", "appmod is slow")

    assert code == 0, moved
    client.wait()
    assert client.version("libmod") == "1.0"
    assert client.failures == []
    assert client.syncs > 5
    verified = made.rdo("trunk", "verify")
    assert verified.code == 0, verified.stdout
