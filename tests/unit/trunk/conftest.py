from collections.abc import Iterator
from pathlib import Path

import pytest

from rdo.store import Store
from tests.unit.trunk.past import Past


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Past]:
    """The packages a, b, c and x, without a past yet."""
    with Store.temporary() as store:
        yield Past.of(store, tmp_path, "a b c x")
