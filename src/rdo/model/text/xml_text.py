"""Make text from outside safe in XML, by replacing characters that XML does not allow."""

import re

_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Replace characters that XML does not allow; an XML writer escapes the rest.

    >>> xml_text("a\\x1b[0m <b>")
    'a\ufffd[0m <b>'
    """
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
