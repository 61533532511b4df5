"""What a package index on loopback offers of several projects at once."""

import pytest

from rdo.errors import NotFoundError, OutsideError
from rdo.package_index import PackageIndex
from rdo.tools.packaging.pip_config import IndexSettings
from tests.fakes.index import serve_index

WHEEL = "a_b-2.0-py3-none-any.whl"


@pytest.mark.parametrize("json_form", [True, False])
def test_the_files_of_several_projects_are_told_at_once(*, json_form: bool) -> None:
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


def test_an_index_that_does_not_answer_is_told() -> None:
    nowhere = PackageIndex(IndexSettings(("http://127.0.0.1:1/simple",)))

    with pytest.raises(OutsideError, match=r"127\.0\.0\.1:1"):
        nowhere.offers(["a", "b"])
