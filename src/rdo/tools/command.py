"""A program that an operator has configured, such as the client of a build farm."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.model.program import Bounds, Logged
from rdo.run import run_logged


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a command line, some of them with `{names}` for what changes."""

    words: tuple[str, ...]

    def log(
        self,
        values: Mapping[str, str],
        *,
        log_file: Path,
        cwd: Path,
        env: Mapping[str, str],
        bounds: Bounds,
    ) -> Logged:
        """Run it with the names replaced; its output goes to `log_file`.

        It is told to end when we are killed; what it has started itself is for `processes`.
        """
        argv = [expand(word, values) for word in self.words]
        ends_with_us = ("setpriv", "--pdeathsig", "KILL", "--")
        return run_logged(
            *ends_with_us, *argv, log_file=log_file, bounds=bounds, cwd=cwd, env=dict(env)
        )


def expand(word: str, values: Mapping[str, str]) -> str:
    """Replace `{name}` where the name is known; all else, braces too, stays as it is.

    >>> expand("--out={resultdir}/{x}", {"resultdir": "/r"})
    '--out=/r/{x}'
    """
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
