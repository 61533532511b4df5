"""What a maintainer's verb works with: a distgit's clone, and a person to talk to."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.distgit.verb.problems import DeclinedError
from rdo.distgit.verb.settings import PkgSettings
from rdo.errors import RefusedError
from rdo.spec.file import SpecFile
from rdo.tools.clone import Clone

if TYPE_CHECKING:
    from rdo.distgit.verb.journal import Effect


@dataclass(frozen=True)
class Desk:
    """One distgit and its maintainer.

    `say` is for results (stdout). `ask` gets a question and its default; without a terminal
    it is None: then what is usually wanted is done and nothing else. `program` is how the
    verbs are called here, for the commands that a person is told to type. `answer` gets what
    a verb did, once at its end, where a program asks rather than a person.
    """

    folder: Path
    clone: Clone
    say: Callable[[str], None]
    ask: Callable[[str, bool], bool] | None
    now: Callable[[], datetime]
    settings: PkgSettings
    program: str = "rdo pkg"
    answer: "Callable[[Effect], None] | None" = None

    @property
    def is_rdopkg(self) -> bool:
        """Whether scripts of rdopkg's may be reading: then nothing is more than rdopkg does."""
        return self.program == "rdopkg"

    @property
    def package(self) -> str:
        """A distgit's folder has the package's name."""
        return self.folder.absolute().name

    @cached_property
    def spec(self) -> SpecFile:
        return SpecFile.find(self.folder)

    def confirm(self, question: str, *, default: bool = True) -> None:
        """Go on only after a yes; without a terminal a question that is usually no stops."""
        answer = self.ask(question, default) if self.ask else default
        if not answer:
            raise DeclinedError

    def user(self, name: str = "", email: str = "") -> str:
        """`Name <email>` of the maintainer, for changelogs."""
        name = name or os.environ.get("GIT_AUTHOR_NAME") or self.clone.config("user.name")
        email = email or os.environ.get("GIT_AUTHOR_EMAIL") or self.clone.config("user.email")
        for what, value in (("user name", name), ("user email", email)):
            if not value:
                key = what.replace(" ", ".")
                raise RefusedError(
                    f"Unable to determine {what}: git config {key} is not set; "
                    f"git config --global {key} ..."
                )
        return f"{name} <{email}>"

    def dry(self) -> "Desk":
        """The same desk, where nothing is downloaded or pushed."""
        return replace(self, clone=replace(self.clone, is_dry=True))

    def at(self, folder: Path, clone: Clone) -> "Desk":
        """The same person at another clone."""
        return replace(self, folder=folder, clone=clone)
