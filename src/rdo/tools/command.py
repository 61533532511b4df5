"""Run a program that an operator has configured, such as the client of a build farm."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.model.program import Bounds, Logged
from rdo.run import run_logged
from rdo.tools.detached import Detached

# The process that waits for it may be killed; `processes` finds what the program has started.
_ENDS_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


@dataclass(frozen=True, slots=True)
class Command:
    """The words of a command line; `{names}` in them are placeholders for values."""

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
        """Run the command with these values, and write its output to `log_file`.

        It ends when rdo does.
        """
        argv = self._argv(values)
        return run_logged(*argv, log_file=log_file, bounds=bounds, cwd=cwd, env=dict(env))

    def detach(
        self,
        values: Mapping[str, str],
        place: Path,
        *,
        log_file: Path,
        cwd: Path,
        env: Mapping[str, str],
        bounds: Bounds,
    ) -> None:
        """Start the command as `log` does, but let it outlive rdo.

        `Detached(place)` finds it again.
        """
        argv = self._argv(values)
        Detached(place).start(argv, log_file=log_file, bounds=bounds, cwd=cwd, env=env)

    def _argv(self, values: Mapping[str, str]) -> tuple[str, ...]:
        return (*_ENDS_WITH_ITS_PARENT, *(expand(word, values) for word in self.words))


def expand(word: str, values: Mapping[str, str]) -> str:
    """Replace `{name}` if the name is known; everything else, including braces, stays as it is.

    >>> expand("--out={resultdir}/{x}", {"resultdir": "/r"})
    '--out=/r/{x}'
    """
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word
