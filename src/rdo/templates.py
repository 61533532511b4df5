"""Make HTML from Jinja2 templates; all inserted text is escaped."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(package: str, template: str, **values: object) -> str:
    """Fill a template in a package's folder `templates`; a missing value is an error."""
    return _environment(package).get_template(template).render(values)


@cache
def _environment(package: str) -> Environment:
    import jinja2  # only needed to render something

    made = jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["linked"] = linked
    return made


def linked(text: str, url: str) -> Markup:
    """Return a link if the URL is safe to follow, otherwise only the text.

    >>> str(linked("<x>", "javascript:alert(1)")), str(linked("x", "https://h/?a&b"))
    ('&lt;x&gt;', '<a href="https://h/?a&amp;b">x</a>')
    """
    from markupsafe import Markup, escape

    if not url.startswith(("https://", "http://", "./", "../", "#")):
        return escape(text)
    return Markup('<a href="{}">{}</a>').format(url, text)
