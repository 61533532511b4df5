from collections.abc import Iterator

import pytest

from rdo.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.temporary() as opened:
        yield opened
