"""The section about the distgits that this machine serves."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rdo.config.section import Address, Line, Section

_SERVED = Annotated[Line, StringConstraints(pattern=r"^(https?|ssh|git|file)://\S+$")]
_CACHE = Annotated[Line, StringConstraints(pattern=r"^https?://[^\s@]+$")]


class DistgitServerSection(Section):
    """How `rdo distgit` serves distgits, and the conditions for a push.

    A package's distgit is served here if its URL is below one of `urls`. `keys` is a file of lines
    `ADDRESS SSH-KEY`, `passwords` one of lines `ADDRESS:HASH` for pushes by HTTP. The addresses in
    `admins` may push to every distgit. Sources must be in the lookaside cache in the folder
    `lookaside`, or at `lookaside_url`.
    """

    urls: Annotated[list[_SERVED], Field(min_length=1)]
    keys: Path | None = None
    passwords: Path | None = None
    admins: list[Address] = Field(default_factory=list)
    lookaside: Path | None = None
    lookaside_url: _CACHE | None = None
    lookaside_layout: Literal["fedora", "centos"] = "fedora"
