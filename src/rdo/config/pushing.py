"""Sections of rdo.toml about the places outside that a target's repositories are pushed to."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from rdo.config.section import Line, PromotionName, Section, Url

_PLACE = r"^(/|rsync://[^/]+/[^/]|ssh://[^/]+/|s3://[a-z0-9][a-z0-9.-]+)\S*$"


class PushSection(Section):
    """A place outside that repositories are pushed to, and the URL under which users see it.

    `to` is a folder, `rsync://HOST/MODULE/PATH`, `ssh://USER@HOST/PATH` or `s3://BUCKET/PREFIX`;
    `{target}` in `to` and `url` stands for the target's name, see `of`.
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

    def of(self, target: str) -> "PushSection":
        """Return the place of one target, with its name in the addresses."""
        names = {name: getattr(self, name).replace("{target}", target) for name in ("to", "url")}
        return self.model_copy(update=names)


def push_faults(
    places: Mapping[str, Mapping[str, PushSection]], trees: Mapping[str, Path]
) -> Iterator[str]:
    """Yield what is wrong with the places of targets; `trees` are the folders of all targets."""
    known: dict[str, str] = {}
    for target, sections in places.items():
        for name, section in sections.items():
            key, to = f"targets.{target}.push.{name}", section.of(target).to.rstrip("/")
            if to in known:
                own = 'give each a "to" of its own, for example with {target} in it'
                yield f"{known[to]} and {key} push to the same place {to}; {own}"
            known.setdefault(to, key)
            folder = Path(os.path.normpath(to or "/"))
            for one in trees.values():
                if folder.is_relative_to(one) or one.is_relative_to(folder):
                    yield f"{key} pushes to {folder}, which overlaps {one}; choose another folder"
                    break
