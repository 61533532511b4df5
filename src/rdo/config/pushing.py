"""Sections of rdo.toml about the places outside that a target's repositories are pushed to."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from rdo.config.section import Line, PromotionName, Section, Url

_PLACE = r"^(/|rsync://[^/]+/[^/]|ssh://[^/]+/|s3://[a-z0-9][a-z0-9.-]+)\S*$"


class PushSection(Section):
    """A place outside that repositories are pushed to, and the URL under which users see it.

    `to` is a folder, `rsync://HOST/MODULE/PATH`, `ssh://USER@HOST/PATH` or `s3://BUCKET/PREFIX`.
    `names` are the names in the tree to push, by default all. A repository that no name points to
    any more stays for `keep_days`. `listed`: the mirror lists of the target's own tree name the
    place. `identity` and `known_hosts` are files for ssh, `password_file` is for rsync, and
    `endpoint` is the address of a server that speaks S3, if it is not Amazon's.
    """

    to: Annotated[Line, StringConstraints(pattern=_PLACE)]
    url: Url
    names: list[PromotionName] = Field(default_factory=list)
    keep_days: Annotated[int, Field(ge=0)] = 3
    listed: bool = True
    identity: Path | None = None
    known_hosts: Path | None = None
    password_file: Path | None = None
    endpoint: Url | None = None

    @model_validator(mode="after")
    def _check_keys_of_kind(self) -> "PushSection":
        kinds = {"identity": "ssh", "known_hosts": "ssh", "password_file": "rsync"}
        for name, kind in {**kinds, "endpoint": "s3"}.items():
            if getattr(self, name) and not self.to.startswith(f"{kind}://"):
                raise ValueError(f'"{name.replace("_", "-")}" is for a place {kind}://… only')
        return self
