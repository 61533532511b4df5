"""Fill the templates of pages, and their common style."""

from pathlib import Path

from rdo.pages.values import PageHead
from rdo.templates import render

STYLE_FILE = "styles.css"
STYLE = Path(__file__).with_name(STYLE_FILE)
STATIC = Path(__file__).with_name("static")
"""The other files that the pages of a server need."""


def page(head: PageHead, template: str, title: str, *, up: str = "./", **values: object) -> str:
    """Make a whole page; `up` is the path to the top of the tree."""
    made = render("rdo.pages", template, head=head, title=title, up=up, **values)
    return made.lstrip()
