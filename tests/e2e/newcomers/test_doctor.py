"""`rdo doctor`, run as a user would, on configurations with one fault each."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rdo.cli.main import run as rdo
from rdo.roots.platform.platforms import Platforms
from tests.conftest import GitRepository
from tests.e2e.command import PLATFORM
from tests.e2e.trunk.test_trunk_loop import site
from tests.fakes.mail import MailBox, free_port, mail_server

__all__ = ["site"]  # the fixture


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing to stderr."""


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


Doctor = tuple[int, dict[str, dict[str, str]]]


@pytest.fixture
def doctor(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Runs the doctor, and returns its exit code and its findings about the configuration.

    A platform counts as made if its folder is there.
    """
    monkeypatch.setenv("RDO_PLATFORMS", str(tmp_path / "platforms"))
    platforms = Platforms(tmp_path / "platforms")
    (platforms._base_folder(platforms.find(PLATFORM)) / "tree").mkdir(parents=True)

    def run(folder: Path, *args: str) -> Doctor:
        capsys.readouterr()
        code = rdo(["-C", str(folder), "doctor", "--json", *args])
        found = json.loads(capsys.readouterr().out)["configuration"]
        return code, {one["name"]: one for one in found}

    return run


def change(folder: Path, old: str, new: str) -> None:
    text = (folder / "rdo.toml").read_text()
    assert old in text
    (folder / "rdo.toml").write_text(text.replace(old, new))


def add(folder: Path, text: str) -> None:
    with (folder / "rdo.toml").open("a") as file:
        file.write(text)


def test_1_a_good_configuration_has_no_fault_and_starts_nothing(site: Path, doctor: Any) -> None:
    code, found = doctor(site)

    assert code == 0
    assert {name: one["state"] for name, one in found.items()} == {
        "config": "ok",
        "database": "note",
        "metadata": "ok",
        "platform deb12-x86_64": "ok",
        "remotes": "ok",
        "mail": "skipped",
        "base-url one-deb12": "skipped",
        "signing one-deb12": "skipped",
        "server": "note",
        "units": "note",
    }
    assert found["units"]["remedy"] == "rdo systemd install site"
    assert [path.name for path in (site / "data").iterdir()] == ["cache"]


def test_2_an_unknown_platform_is_a_fault(site: Path, doctor: Any) -> None:
    change(site, "deb12-x86_64", "deb99-x86_64")

    code, found = doctor(site, "--offline")

    assert code == 2
    one = found["platform deb99-x86_64"]
    assert one["state"] == "fault"
    assert "there is no platform" in one["detail"]


def test_2b_a_platform_that_is_not_made_is_no_fault_because_the_first_round_makes_it(
    site: Path, doctor: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RDO_PLATFORMS", str(tmp_path / "none"))

    code, found = doctor(site, "--offline")

    assert (code, found[f"platform {PLATFORM}"]["state"]) == (0, "note")
    assert f"rdo platform create {PLATFORM}" in found[f"platform {PLATFORM}"]["remedy"]


def test_3_metadata_that_cannot_be_read_or_has_errors_is_a_fault(site: Path, doctor: Any) -> None:
    file = site / "info/rdo.yml"
    good = file.read_text()
    file.write_text("releases: [\n")
    code, found = doctor(site, "--offline")
    assert (code, found["metadata"]["state"]) == (2, "fault")
    assert "info/rdo.yml:" in found["metadata"]["detail"]

    file.write_text(good.replace("status: maintained", "status: maintaned"))
    code, found = doctor(site, "--offline")
    assert (code, found["metadata"]["state"]) == (2, "fault")
    assert found["metadata"]["remedy"] == "rdo info verify"

    file.write_text(good)
    change(site, 'release = "master"', 'release = "mastre"')
    code, found = doctor(site, "--offline")
    assert (code, found["metadata"]["state"]) == (2, "fault")
    assert "mastre" in found["metadata"]["detail"]


def test_4_a_remote_that_does_not_answer_is_named(
    site: Path, doctor: Any, upstream: GitRepository
) -> None:
    upstream.path.rename(upstream.path.with_name("away"))

    code, found = doctor(site)

    assert code == 6
    assert found["remotes"]["state"] == "unreachable"
    assert upstream.url in found["remotes"]["detail"]
    code, found = doctor(site, "--offline")
    assert (code, found["remotes"]["state"]) == (0, "skipped")


def test_5_a_closed_mail_port_is_reported_and_a_server_is_greeted(site: Path, doctor: Any) -> None:
    port = free_port()
    add(site, f'[mail]\nserver = "127.0.0.1:{port}"\nfrom = "rdo@example.test"\n')
    code, found = doctor(site)
    assert (code, found["mail"]["state"]) == (6, "unreachable")
    assert str(port) in found["mail"]["detail"]

    box = MailBox()
    with mail_server(box, port=port):
        code, found = doctor(site)
    assert (code, found["mail"]["state"]) == (0, "ok")
    assert "without encryption" in found["mail"]["detail"]
    assert box.mails == []

    change(site, "[mail]\n", '[mail]\nsecurity = "starttls"\n')
    with mail_server(box, port=port):
        code, found = doctor(site)
    assert (code, found["mail"]["state"]) == (2, "fault")
    assert "STARTTLS" in found["mail"]["detail"]


def test_6_a_database_that_is_damaged_older_newer_or_away_is_reported(
    site: Path, doctor: Any
) -> None:
    assert rdo(["-C", str(site), "trunk", "run"]) == 0
    code, found = doctor(site, "--offline")
    assert (code, found["database"]["state"]) == (0, "ok")

    file = site / "data/rdo.sqlite"
    file.with_name("aside").write_bytes(file.read_bytes())
    file.write_bytes(b"nonsense" * 1000)
    code, found = doctor(site, "--offline")
    assert (code, found["database"]["state"]) == (2, "fault")
    assert "rdo db restore" in found["database"]["remedy"]

    change(site, "data =", 'database = "postgresql+psycopg://nobody@127.0.0.1:1/x"\ndata =')
    code, found = doctor(site, "--offline")
    assert (code, found["database"]["state"]) == (6, "unreachable")


def test_7_base_url_must_show_this_tree(site: Path, doctor: Any, tmp_path: Path) -> None:
    assert rdo(["-C", str(site), "trunk", "run"]) == 0
    other = tmp_path / "other/one-deb12/repos"
    other.mkdir(parents=True)
    change(site, "data =", 'base-url = "http://127.0.0.1:1"\ndata =')
    code, found = doctor(site)
    assert (code, found["base-url one-deb12"]["state"]) == (6, "unreachable")

    with web_server(site / "data") as url:
        change(site, "http://127.0.0.1:1", url)
        code, found = doctor(site)
        assert (code, found["base-url one-deb12"]["state"]) == (0, "ok")
    with web_server(tmp_path / "other") as wrong:
        change(site, url, wrong)
        code, found = doctor(site)
    assert (code, found["base-url one-deb12"]["state"]) == (2, "fault")
    assert str(site / "data/one-deb12/repos") in found["base-url one-deb12"]["remedy"]


def test_8_units_are_written_with_the_program_that_runs_and_looked_at(
    site: Path, doctor: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    install = ["-C", str(site), "systemd", "install", "--user"]
    units = tmp_path / "home/.config/systemd/user"
    assert rdo([*install, "--dry-run"]) == 0
    assert not units.exists()

    assert rdo(install) == 0

    assert "systemctl --user enable --now rdo-trunk@site.timer" in capsys.readouterr().out
    [start] = [
        line
        for line in (units / "rdo-trunk@site.service").read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    program, *args = start.removeprefix("ExecStart=").split()
    assert Path(program).is_file()
    assert args == ["-C", str(site), "trunk", "run"]
    _, found = doctor(site, "--offline")
    assert found["units"]["state"] == "note"
    assert "enable" in found["units"]["remedy"]

    file = units / "rdo-trunk@site.service"
    file.write_text(file.read_text().replace(program, "/nowhere/rdo"))
    code, found = doctor(site, "--offline")
    assert (code, found["units"]["state"]) == (2, "fault")
    assert "/nowhere/rdo" in found["units"]["detail"]
    assert rdo(install) == 0
    assert "/nowhere/rdo" not in file.read_text()

    file.write_text("[Service]\nExecStart=/bin/mine\n")
    assert rdo(install) == 5
    assert "/bin/mine" in file.read_text()


def test_9_people_see_each_finding_with_its_remedy(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(site, "deb12-x86_64", "deb99-x86_64")

    assert rdo(["-C", str(site), "doctor", "--offline"]) == 2

    out = capsys.readouterr()
    assert "fault" in out.out
    assert "platform deb99-x86_64" in out.out
    assert "platform" in out.err
