"""Lines of a file list for `%files -f`."""

import re
from pathlib import PurePosixPath

_ODD = re.compile(r'[\s"\[\]*?{}\\%]')


def file_list_line(path: PurePosixPath | str, directive: str = "") -> str:
    """Return a line that names exactly one path, whatever characters it contains.

    rpm cannot quote all of them, but `?` matches any one character; not inside quotes, where it has
    been an ordinary character since rpm 4.19.

    >>> file_list_line("/usr/share/Lorem ipsum.txt")
    '/usr/share/Lorem?ipsum.txt'
    >>> file_list_line("/usr/lib/x", "%dir")
    '%dir /usr/lib/x'
    """
    pattern = _ODD.sub("?", str(path))
    return f"{directive} {pattern}" if directive else pattern
