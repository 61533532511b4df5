"""The index of the how-to pages lists each of them."""

from collections import Counter

from tests.unit.docs.pages import DOCS, README, links

HOW_TO = DOCS / "how-to"
INDEX = (HOW_TO / "README.md").read_text()


def test_the_index_has_each_page_once() -> None:
    pages = [path.name for path in HOW_TO.glob("*.md") if path.name != "README.md"]
    listed = [link for link in links(INDEX) if "/" not in link]

    assert len(pages) > 40
    assert Counter(listed) == Counter(pages)


def test_readme_leads_to_the_index() -> None:
    assert "docs/how-to/README.md" in links(README.read_text())
