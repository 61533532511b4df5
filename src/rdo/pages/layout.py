"""The frame of every page, its style, and its tables."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from rdo.markup import Content, Html, element, joined, link
from rdo.pages.values import PageHead

STYLE_FILE = "styles.css"
STYLE = Path(__file__).with_name(STYLE_FILE)


def page(head: PageHead, title: str, *body: Content, up: str = "./") -> str:
    """Make a whole page; `up` leads to the top of the tree."""
    full = f"{title} · {head.target} · {head.project}"
    links = (
        ("Status", "status_report.html"),
        ("Builds", "report.html"),
        ("Queue", "queue.html"),
        ("CSV", "status_report.csv"),
    )
    document = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", full),
            element("link", rel="stylesheet", href=f"{up}{STYLE_FILE}"),
        ),
        element(
            "body",
            element("nav", *(joined((link(text, f"{up}{to}"), " ")) for text, to in links)),
            element("h1", f"{title} "),
            element("p", f"{head.target}: release {head.release} on {head.platform}", class_="dim"),
            *body,
        ),
        lang="en",
    )
    return f"<!DOCTYPE html>\n{document}\n"


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Content]],
    *,
    classes: Sequence[str] = (),
    id_: str | None = None,
    failures: Sequence[bool] = (),
) -> Html:
    """Make a table that becomes cards on a narrow screen; `failures` marks rows, in order."""
    marks = iter(failures)
    names = [*classes, *[""] * (len(columns) - len(classes))]
    body = []
    for row in rows:
        cells = [
            element("td", cell, class_=name or None, data_label=column)
            for cell, name, column in zip(row, names, columns, strict=True)
        ]
        body.append(element("tr", *cells, class_="failure" if next(marks, False) else None))
    head = element("tr", *(element("th", name, scope="col") for name in columns))
    lines = element("tbody", *(joined((line, "\n")) for line in body))
    made = element("table", element("thead", head), lines, class_="cards", id=id_)
    return element("div", made, class_="scroll")


def when(moment: datetime | None) -> str:
    """Write a moment as DLRN's pages do, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def relative(text: str, path: str, up: str = "./") -> Html:
    """Link to a file of the tree; without a path, return the text alone."""
    return link(text, f"{up}{path}") if path else joined(text)
