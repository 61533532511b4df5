"""The signing command of an operator, such as the client of a signing server."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import CommandError
from rdo.run import Runner, run
from rdo.tools.command import expand
from rdo.tools.signing.gpg_home import ask_briefly

_ENDS_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


@dataclass(frozen=True, slots=True)
class SigningCommand:
    """The words of a command line, in which `{folder}` and `{key}` are replaced."""

    words: tuple[str, ...]
    runner: Runner = run

    def sign(self, folder: Path, fingerprint: str, *, timeout: float) -> None:
        """Let the command sign the files in a folder. Raises CommandError if it fails or hangs."""
        values: Mapping[str, str] = {"folder": str(folder), "key": fingerprint}
        words = (expand(word, values) for word in self.words)
        try:
            ask_briefly(self.runner, *_ENDS_WITH_ITS_PARENT, *words, timeout=timeout)
        except CommandError as error:
            what = f"the signing command {self.words[0]} failed: {error}"
            raise CommandError(what, hint=error.hint) from error
