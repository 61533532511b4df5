"""Taking over an instance of DLRN 0.26.1 whose database is a real MariaDB."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.errors import OutsideError
from tests.mariadb import running_server
from tests.publishing import RpmShelf
from tests.tools.dlrn import plans
from tests.tools.dlrn.conftest import Instance, dlrn_python, make_instance, shelf
from tests.tools.dlrn.test_import import differences, factory, files, take_over
from tests.unpacked import NotFetchedError

__all__ = ["dlrn_python", "shelf"]  # fixtures


@pytest.fixture
def mariadb() -> Iterator[str]:
    try:
        with running_server() as url:
            yield url
    except NotFetchedError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("components", [False, True])
def test_an_instance_on_mariadb_is_taken_over_as_one_on_sqlite(
    dlrn_python: Path, shelf: RpmShelf, mariadb: str, tmp_path: Path, components: bool
) -> None:
    plan = plans.parted if components else plans.plain
    rows = plan(shelf, tmp_path / "rpms")
    theirs = make_instance(dlrn_python, tmp_path / "mariadb", rows, server=mariadb)
    of_file = make_instance(dlrn_python, tmp_path / "sqlite", rows)
    root = factory(tmp_path / "rdo", components=components)
    other = factory(tmp_path / "other", components=components)

    done, again = take_over(root, theirs), take_over(root, theirs)
    wanted = take_over(other, of_file)

    assert (done.taken, done.users, done.repositories, done.names) == (
        *(wanted.taken, wanted.users, wanted.repositories, wanted.names),
    )
    assert (done.exit_code, len(done.left_out)) == (wanted.exit_code, len(wanted.left_out))
    assert not any(again.taken.values())
    different = differences(root, theirs.reads)
    assert not different, json.dumps(different, indent=1)
    assert names(root) == names(other)


def names(root: Path) -> list[str]:
    """Return the files outside the pool; an index's hash depends on when its RPMs were copied."""
    found = (name for name in files(root / "data/master-deb12/repos") if "/pool/" not in name)
    return sorted(re.sub(r"[0-9a-f]{64}-", "", name) for name in found)


def test_a_server_that_is_gone_is_reported_in_one_sentence(tmp_path: Path) -> None:
    url = f"mysql+pymysql://dlrn:secret@localhost/dlrn?unix_socket={tmp_path}/none"

    with pytest.raises(OutsideError, match="cannot be read") as told:
        take_over(factory(tmp_path / "rdo"), Instance(tmp_path, [], [], url))

    assert "secret" not in str(told.value)
