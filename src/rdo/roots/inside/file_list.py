"""Lines of a file list for `%files -f`."""

import re
from pathlib import PurePosixPath

_ODD = re.compile(r'[\s"\[\]*?{}\\%]')


def file_list_line(path: PurePosixPath | str, directive: str = "") -> str:
    """Return a line that names exactly one path, whatever characters it has.

    rpm cannot quote all of them, but `?` matches any one character; not in quotes, which since
    rpm 4.19 make it an ordinary one.

    >>> file_list_line("/usr/share/Lorem ipsum.txt")
    '/usr/share/Lorem?ipsum.txt'
    >>> file_list_line("/usr/lib/x", "%dir")
    '%dir /usr/lib/x'
    """
    pattern = _ODD.sub("?", str(path))
    return f"{directive} {pattern}" if directive else pattern
