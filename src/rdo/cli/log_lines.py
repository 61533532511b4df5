"""The log of a command: where it goes, and the format of its lines."""

import logging
import os
import sys
import time
from typing import TextIO

from rdo import log_context
from rdo.cli import colors
from rdo.model.text.terminal_text import on_terminal
from rdo.model.text.url import without_secret


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current stderr, which a live display may have replaced."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class ContextFormatter(logging.Formatter):
    """Formats `openstack-nova@1a2b3c4: warning: message`; info lines show no level."""

    def __init__(self, *, times: bool) -> None:
        super().__init__(
            "%(asctime)s %(message)s" if times else "%(message)s", "%Y-%m-%d %H:%M:%SZ"
        )
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower() if record.levelno >= logging.WARNING else ""
        shown = logging.makeLogRecord(record.__dict__)
        said = f"{level}: " if level else ""
        shown.msg = f"{log_context.current.get()}{said}{record.getMessage()}"
        shown.args = ()
        text = on_terminal(without_secret(super().format(shown)))
        if level and colors.is_colored(sys.stderr):
            return text.replace(said, f"{colors.paint(level, colors.of_state(level))}: ", 1)
        return text


def is_watched() -> bool:
    """Whether a person or systemd's journal reads the log, so that its lines need no times."""
    return colors.is_for_people() or "JOURNAL_STREAM" in os.environ


def configure_logging(
    *, verbose: bool = False, debug: bool = False, quiet: bool = False, times: bool = False
) -> None:
    """Send the log to stderr: acts, programs if `verbose`, everything if `debug`.

    With `times`, each line begins with its time in UTC, as it always does with `debug`.
    """
    handler = StderrHandler()
    handler.setFormatter(ContextFormatter(times=debug or times))
    root = logging.getLogger()
    root.handlers = [old for old in root.handlers if not isinstance(old, StderrHandler)]
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs URLs, a webhook's is a secret
    usual = logging.WARNING if quiet else logging.INFO
    logging.getLogger("rdo").setLevel(logging.DEBUG if verbose or debug else usual)
