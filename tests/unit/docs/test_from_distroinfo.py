"""The examples in from-distroinfo.md are true."""

import pytest

from tests.unit.docs.pages import DOCS, REPOSITORY, fences

PAGE = (DOCS / "how-to/from-distroinfo.md").read_text()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_code_of_the_page_runs_and_its_assertions_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REPOSITORY / "tests/data/info")
    blocks = fences(PAGE, "python")

    exec("\n".join(blocks), {})

    assert sum(block.count("assert ") for block in blocks) == 5
