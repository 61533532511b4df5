"""The surroundings of a maintainer's verb: a distgit's clone, and a user to talk to."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rdo.distgit.verb.problems import DeclinedError, refuse_retired
from rdo.distgit.verb.settings import PkgSettings
from rdo.errors import RefusedError
from rdo.roots.platform.spec_macros import spec_macros
from rdo.spec.file import SpecFile
from rdo.tools.git.clone import Clone
from rdo.tools.rpm.rpmspec import Rpmspec

if TYPE_CHECKING:
    from rdo.distgit.verb.rehearsal import Effect


@dataclass(frozen=True)
class Desk:
    """A distgit's clone and its maintainer.

    `say` prints results (to stdout). `ask` gets a question and its default; it is None without a
    terminal, and then the default applies. `program` is the name that the user typed, for the
    commands that messages suggest. `answer`, if the caller is a program, gets the verb's effect
    once, at the end.
    """

    folder: Path
    clone: Clone
    say: Callable[[str], None]
    ask: Callable[[str, bool], bool] | None
    now: Callable[[], datetime]
    settings: PkgSettings
    program: str = "rdo pkg"
    answer: "Callable[[Effect], None] | None" = None
    name: str = ""

    @property
    def is_rdopkg(self) -> bool:
        """Whether scripts written for rdopkg may read the output, so that it must not differ."""
        return self.program == "rdopkg"

    @property
    def package(self) -> str:
        """The package's name: the one given, or that of the distgit's folder."""
        return self.name or self.folder.absolute().name

    @cached_property
    def spec(self) -> SpecFile:
        """The spec; NotFoundError if there is none, RefusedError if the package is retired."""
        refuse_retired(self.folder)
        rpmspec = Rpmspec(macros=spec_macros())
        return SpecFile.find(self.folder, rpmspec, before_write=self.clone.will_write)

    def beside(self, file: str) -> str:
        """Return the path of a source or patch in the distgit: in SOURCES, if that folder exists.

        git uses this path for the file.
        """
        folder = Path(os.path.relpath(self.spec.sources_folder, self.folder))
        return str(folder / file)

    def confirm(self, question: str, *, default: bool = True) -> None:
        """Ask, and raise DeclinedError if the answer is no; without a terminal, use `default`."""
        answer = self.ask(question, default) if self.ask else default
        if not answer:
            raise DeclinedError

    def user(self, name: str = "", email: str = "") -> str:
        """Return the maintainer as `Name <email>`; raises RefusedError if git does not know it."""
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
        """Return the same desk for a dry run, which downloads and pushes nothing."""
        return replace(self, clone=replace(self.clone, is_dry=True))

    def at(self, folder: Path, clone: Clone) -> "Desk":
        """Return the same desk with another clone."""
        return replace(self, folder=folder, clone=clone)
