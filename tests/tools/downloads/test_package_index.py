"""Reading several projects at once from a package index on loopback."""

import ssl
from pathlib import Path

import httpx
import pytest

from rdo import cancellation, http_retry
from rdo.errors import CancelledError, NotFoundError, OutsideError
from rdo.package_index import PackageIndex
from rdo.tools.packaging.pip_config import IndexSettings
from tests.fakes.index import serve_index

WHEEL = "a_b-2.0-py3-none-any.whl"


@pytest.mark.parametrize("json_form", [True, False])
def test_the_files_of_several_projects_are_reported_at_once(*, json_form: bool) -> None:
    with serve_index() as served:
        served.json_form = json_form
        served.add("a-b", "1.0")
        served.add("a-b", "1.10")
        served.add_file("a-b", WHEEL, b"", uploaded="2026-01-02T03:04:05Z")
        served.add("c", "0.1")

        offers = served.index.offers(["a-b", "unknown", "c"])

        assert list(offers) == ["a-b", "c"]
        assert [str(one.version) for one in offers["a-b"].sdists] == ["1.0", "1.10"]
        assert (offers["a-b"].wheels, offers["c"].wheels) == ((WHEEL,), ())
        assert [one.file_name for one in served.index.sdists("c")] == ["c-0.1.tar.gz"]
        with pytest.raises(NotFoundError, match="no package index has a project unknown"):
            served.index.sdists("unknown")


def test_a_failure_that_passes_is_not_noticed(tmp_path: Path) -> None:
    with serve_index() as served:
        served.add("a", "1.0")

        served.failures = [503, 0]
        [sdist] = served.index.sdists("a")
        assert served.requests == ["/simple/a/"] * 3

        folder = tmp_path / "got"
        folder.mkdir()
        served.failures = [0, 429]
        served.index.download(sdist, folder / "a.tar.gz")
        assert [one.name for one in folder.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize(("status", "tries"), [(503, 3), (403, 1)])
def test_an_index_that_fails_is_reported_after_three_tries_or_at_once(
    status: int, tries: int
) -> None:
    with serve_index() as served:
        served.failures = [status] * 9

        with pytest.raises(OutsideError, match=str(status)):
            served.index.sdists("a")
        assert len(served.requests) == tries


def test_a_failed_handshake_may_pass_and_a_certificate_that_is_not_trusted_does_not() -> None:
    failed = httpx.ConnectError("alert decode error")
    failed.__cause__ = ssl.SSLError("alert decode error")
    untrusted = httpx.ConnectError("self-signed certificate")
    untrusted.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")

    assert http_retry.error_may_pass(failed)
    assert not http_retry.error_may_pass(untrusted)
    assert not http_retry.error_may_pass(httpx.UnsupportedProtocol("ftp"))


def test_a_pause_between_two_tries_ends_when_the_work_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_retry, "WAITS", (600.0, 600.0))
    with serve_index() as served, cancellation.cancelled_by(lambda: bool(served.requests)):
        served.failures = [503] * 9

        with pytest.raises(CancelledError):
            served.index.sdists("a")
        assert served.requests == ["/simple/a/"]


def test_an_index_that_does_not_answer_is_reported() -> None:
    nowhere = PackageIndex(IndexSettings(("http://127.0.0.1:1/simple",)))

    with pytest.raises(OutsideError, match=r"127\.0\.0\.1:1"):
        nowhere.offers(["a", "b"])
