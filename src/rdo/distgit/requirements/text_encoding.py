"""Decode texts as pip does: by a byte order mark, a coding comment, UTF-8, else Latin-1."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, a prefix of it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(rb"coding[:=]\s*([-\w.]+)")


def decoded(data: bytes) -> str:
    """Return the text of an upstream's file; no content is an error.

    >>> decoded(b"\\xef\\xbb\\xbfsix\\n"), decoded("six".encode("utf-16"))
    ('six\\n', 'six')
    >>> decoded(b"# -*- coding: latin-1 -*-\\n# \\xe4\\nsix"), decoded(b"# caf\\xe9")
    ('# -*- coding: latin-1 -*-\\n# ä\\nsix', '# café')
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    for line in data.split(b"\n", 2)[:2]:
        if line[:1] == b"#" and (found := _COOKIE.search(line)):
            try:
                return data.decode(found[1].decode("ascii"))
            except (LookupError, UnicodeError, ValueError):  # an unknown or wrong encoding
                break
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
