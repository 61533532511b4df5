"""`rdo doctor` detects an unhealthy server."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rdo import __version__
from rdo.app import App
from rdo.starter.units import FoundUnit
from rdo.store import Store
from rdo.trunk.care.checked import CheckState, ConfigurationCheck
from rdo.trunk.care.server_check import check_server
from rdo.web.api import health
from tests.databases import needs_a_file
from tests.publishing import Factory
from tests.serving import Served, serving


@pytest.fixture
def unit(tmp_path: Path) -> FoundUnit:
    """A service that is enabled."""
    wanted = tmp_path / "multi-user.target.wants"
    wanted.mkdir()
    (wanted / "rdo-serve@x.service").touch()
    return FoundUnit(tmp_path / "rdo-serve@x.service", "rdo", is_of_user=False)


@pytest.fixture
def looked(
    made: Factory, server: Served, unit: FoundUnit, tmp_path: Path
) -> Callable[..., ConfigurationCheck]:
    """What doctor says of the server, or of what listens on another port."""

    def look(port: int = 0, *, with_unit: bool = True) -> ConfigurationCheck:
        number = port or server.url.rpartition(":")[2]
        app = App(tmp_path, {"serve.port": str(number)})
        return check_server(app.settings, unit if with_unit else None)

    return look


def test_a_server_that_is_well_is_ok(
    server: Served, looked: Callable[..., ConfigurationCheck]
) -> None:
    found = looked()

    assert (found.state, found.detail) == (CheckState.OK, server.url)


def test_nobody_listening_is_a_fault_only_if_somebody_should(
    looked: Callable[..., ConfigurationCheck],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    assert looked(port).state is CheckState.FAULT
    assert looked(port).remedy == "systemctl restart rdo-serve@x.service"
    assert looked(port, with_unit=False).state is CheckState.NOTE


def test_a_server_of_another_version_has_to_be_started_again(
    looked: Callable[..., ConfigurationCheck], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "__version__", "0.0.1")

    found = looked()

    assert found.state is CheckState.FAULT
    assert f"runs rdo 0.0.1, this is rdo {__version__}" in found.detail


def test_a_server_with_another_database_is_a_fault(
    looked: Callable[..., ConfigurationCheck], tmp_path: Path
) -> None:
    assert looked().state is CheckState.OK  # and the folder knows its database
    folder = tmp_path / "elsewhere"
    (folder / "data").mkdir(parents=True)
    (folder / "rdo.toml").write_text('data = "data"\n')
    with Store(f"sqlite:///{folder}/data/rdo.sqlite"), serving(App(folder)) as other:
        found = looked(int(other.url.rpartition(":")[2]))

    assert found.state is CheckState.FAULT
    assert "another database" in found.detail


def test_a_server_whose_database_is_gone_says_so(
    looked: Callable[..., ConfigurationCheck], tmp_path: Path
) -> None:
    needs_a_file()
    assert looked().state is CheckState.OK
    (tmp_path / "rdo.sqlite").unlink()

    found = looked()

    assert found.state is CheckState.FAULT
    assert "was removed" in found.detail


@contextlib.contextmanager
def somebody_else() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        thread = threading.Thread(target=other.serve_forever, daemon=True)
        thread.start()
        yield other.server_address[1]
        other.shutdown()


def test_another_program_on_the_port_is_reported(looked: Callable[..., ConfigurationCheck]) -> None:
    with somebody_else() as port:
        found, without_unit = looked(port), looked(port, with_unit=False)

    assert (found.state, without_unit.state) == (CheckState.FAULT, CheckState.NOTE)
    assert "is not rdo serve" in found.detail


def test_rounds_beside_the_server_that_do_not_run_are_a_fault(
    looked: Callable[..., ConfigurationCheck], monkeypatch: pytest.MonkeyPatch, server: Served
) -> None:
    answer = health.HealthAnswer

    def without_rounds(**values: object) -> health.HealthAnswer:
        return answer(**{**values, "rounds": False})  # type: ignore[arg-type]

    monkeypatch.setattr(health, "HealthAnswer", without_rounds)

    assert looked().state is CheckState.FAULT
