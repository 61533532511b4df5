"""The files of a new project: rdo.toml and a small metadata folder, with comments."""

import importlib.resources
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rdo.errors import ConfigError, RefusedError

FILES = ("rdo.toml", "info/rdo.yml", "info/tags/master.yml")
DISTGITS = ("python-h11", "python-wsproto")
"""The distgits of the example, each with a spec of the same name."""
BRANCH = "rpm-master"


_PROJECT = "debtcollector"


@dataclass(frozen=True, slots=True)
class FirstPackage:
    """A package to start with: its name, its repositories' URLs, its distgit's branch."""

    name: str
    upstream: str
    distgit: str
    branch: str


def write(folder: Path, *, name: str = "", first: FirstPackage | None = None) -> list[Path]:
    """Write the files of a project into `folder`, all or none.

    `name` becomes the name of its repositories, and `first` its package. Raises RefusedError if
    this would overwrite a file.
    """
    root = importlib.resources.files(__name__)
    texts = {file: root.joinpath(file).read_text() for file in FILES}
    texts["rdo.toml"] = _named(texts["rdo.toml"], name)
    if first:
        project = json.dumps(first.name.removeprefix("python-"))
        info, tags = texts["info/rdo.yml"], texts["info/tags/master.yml"]
        info = info.replace(f"branch: {BRANCH}   ", f"branch: {json.dumps(first.branch)}   ")
        texts["info/rdo.yml"] = info.replace(
            f"- project: {_PROJECT}\n",
            f"- project: {project}\n"
            f"  name: {json.dumps(first.name)}\n"
            f"  upstream: {json.dumps(first.upstream)}\n"
            f"  distgit: {json.dumps(first.distgit)}\n",
        )
        texts["info/tags/master.yml"] = tags.replace(_PROJECT, project)
    return _write(folder, texts)


def write_example(folder: Path, *, name: str = "") -> list[Path]:
    """Write the example: a project of two packages, and the files of their distgits.

    The distgits become git repositories only when they are committed. Raises the errors of `write`.
    """
    root = importlib.resources.files(__name__)
    info = root.joinpath("example/info/rdo.yml").read_text()
    distgits = (folder.absolute() / "distgits").as_uri()
    texts = {
        "rdo.toml": _named(root.joinpath("rdo.toml").read_text(), name),
        "info/rdo.yml": info.replace("DISTGITS", distgits),
    }
    for package in DISTGITS:
        spec = f"distgits/{package}/{package}.spec"
        texts[spec] = root.joinpath(f"example/{spec}").read_text()
    return _write(folder, texts)


def _named(text: str, name: str) -> str:
    """Write a name into rdo.toml, as the name and title of the repositories."""
    if not name:
        return text
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or not name.isascii():
        raise ConfigError(f"{name!r} cannot be the name of a repository")
    text = text.replace('# reponame = "delorean" ', f"reponame = {json.dumps(name)} ")
    return text.replace('# project-name = "RDO" ', f"project-name = {json.dumps(name)} ")


def _write(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    existing = [folder / file for file in texts if (folder / file).exists()]
    if existing:
        raise RefusedError(
            f"{existing[0]} already exists", hint="choose another folder, or move it away"
        )
    if folder.exists() and not folder.is_dir():
        raise RefusedError(f"{folder} is not a folder")
    for file, text in texts.items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x") as out:
            out.write(text)
    return [folder / file for file in texts]
