import pytest

from rdo.model.artifact import Artifact
from rdo.model.nevra import Nevra
from rdo.publish.backwards import Backwards, gone_backwards


def rpm(text: str) -> Artifact:
    return Artifact(f"{text}.rpm", Nevra.parse(text), "aa", 1, text.endswith(".src"))


@pytest.mark.parametrize(
    ("before", "after", "is_older"),
    [
        pytest.param("a-1-1.noarch", "a-1-2.noarch", False, id="newer"),
        pytest.param("a-1-1.noarch", "a-1-1.noarch", False, id="the same"),
        pytest.param("a-2-1.noarch", "a-1-9.noarch", True, id="an older version"),
        pytest.param("a-10-1.noarch", "a-9-1.noarch", True, id="versions are numbers"),
        pytest.param("a-1-2.noarch", "a-1-1.noarch", True, id="an older release"),
        pytest.param("1:a-1-1.noarch", "a-2-1.noarch", True, id="a lost epoch"),
        pytest.param("a-1-1.noarch", "a-1~rc1-1.noarch", True, id="a pre-release"),
        pytest.param("a-2-1.src", "a-1-1.src", False, id="nobody installs a source"),
        pytest.param("a-2-1.noarch", "b-1-1.noarch", False, id="another name"),
        pytest.param("a-2-1.noarch", "a-1-1.x86_64", True, id="another architecture"),
    ],
)
def test_what_clients_do_not_take_by_themselves(before: str, after: str, is_older: bool) -> None:
    assert bool(gone_backwards([rpm(before)], [rpm(after)])) is is_older


def test_both_versions_are_reported_with_their_epochs() -> None:
    [found] = gone_backwards(
        [rpm("2:a-1-1.noarch"), rpm("b-1-1.noarch")], [rpm("b-1-1.noarch"), rpm("a-1-1.noarch")]
    )

    assert found == Backwards("a", "2:1-1", "1-1")
    assert "a goes back from 2:1-1 to 1-1" in str(found)
