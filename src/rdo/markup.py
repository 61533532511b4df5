"""HTML in which text stays text: everything that is not markup already is escaped."""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_VOID = frozenset({"br", "hr", "img", "link", "meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Content: TypeAlias = "str | Html | Iterable[str | Html] | None"


def element(name: str, /, *children: Content, **attributes: str | None) -> Html:
    """Return one element. `class_` is the attribute class; an attribute that is None is left out.

    >>> element("a", "<x>", href="?a&b")
    '<a href="?a&amp;b">&lt;x&gt;</a>'
    """
    shown = "".join(
        f' {key.strip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{shown}>")
    return Html(f"<{name}{shown}>{joined(children)}</{name}>")


def joined(parts: "Content | Iterable[Content]") -> Html:
    """Return the parts one after another, with text escaped."""
    match parts:
        case None:
            return Html("")
        case Html():
            return parts
        case str():
            return Html(escape(parts, quote=False))
    return Html("".join(joined(part) for part in parts))


def link(text: str, url: str) -> Html:
    """Return a link if the URL is safe to follow, otherwise only the text.

    >>> link("x", "javascript:alert(1)"), link("x", "https://h/")
    ('x', '<a href="https://h/">x</a>')
    """
    if not url.startswith(("https://", "http://", "./", "../", "#")):
        return joined(text)
    return element("a", text, href=url)
