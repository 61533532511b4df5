"""The end of a log, where a program prints why it failed."""

from pathlib import Path

TAIL_BYTES = 40_000
_MAX_WIDTH = 300


def last_line(text: str, otherwise: str = "it printed nothing") -> str:
    """Return the last line that is not blank, shortened; `otherwise` if all are blank.

    >>> last_line("first\\nerror: no such file\\n\\n")
    'error: no such file'
    >>> last_line("\\n")
    'it printed nothing'
    """
    lines = (line.strip() for line in reversed(text.splitlines()))
    return next((line[:_MAX_WIDTH] for line in lines if line), otherwise)


def read_tail(path: Path, size: int = TAIL_BYTES) -> str:
    """Return the end of a log file; nothing if there is no such file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - size))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
