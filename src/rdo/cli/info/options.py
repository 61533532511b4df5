"""Options that the commands of `rdo info` share: the metadata to read, and the output format."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from rdo.app import App
from rdo.cli import output
from rdo.metadata import Distribution
from rdo.metadata.queries import Attributes

if TYPE_CHECKING:
    from rdo.metadata.editing.draft import Draft


@dataclass(frozen=True, slots=True)
class Asked:
    """The metadata that a command reads."""

    app: App
    source: str = ""
    file: str = ""
    is_fresh: bool = False

    def load(self, ref: str = "") -> Distribution:
        max_age = 0.0 if self.is_fresh else None
        return self.app.metadata(self.source, self.file, ref=ref, max_age=max_age)

    def packages(self, apply_tag: str | None = None) -> Sequence[Attributes]:
        """Return all packages with their effective values."""
        packages: Sequence[Attributes] = self.load().dump(apply_tag)["packages"]
        return packages

    def draft(self) -> "Draft":
        return self.app.metadata_draft(self.source, self.file)


@dataclass(frozen=True, slots=True)
class Answer:
    """The output format: for people, in JSON or YAML, or only names."""

    names: bool
    as_yaml: bool
    as_json: bool

    def show(self, value: Any, people: output.Table | str, names: Iterable[str]) -> None:
        """Print `value` in the chosen format; `names` are printed if only names are wanted."""
        if self.names:
            people = "\n".join(dict.fromkeys(names))
        elif self.as_yaml:
            people = in_yaml(value)
        is_json = self.as_json and not (self.names or self.as_yaml)
        if is_json or people:
            output.show(value, is_json, people)

    def show_packages(self, found: Sequence[Attributes]) -> None:
        rows = [
            (p["name"], p.get("project"), p.get("component"), in_words(list(p.get("tags") or ())))
            for p in found
        ]
        table = output.Table(("name", "project", "component", "tags"), rows)
        names = (str(package["name"]) for package in found)
        self.show(found, table if rows else "no package matches", names)

    def show_package(self, found: Attributes) -> None:
        self.show(found, in_yaml(found), [str(found["name"])])


def metadata_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the metadata, passed to the command as `asked`."""

    @click.option(
        "--fetch",
        "-f",
        is_flag=True,
        help="Fetch the metadata again even if the cached copy is fresh.",
    )
    @click.option("--file", "-i", metavar="F", help="Main file of the metadata.  [rdo-full.yml]")
    @click.option(
        "--info",
        "-l",
        "source",
        metavar="DIR",
        help="Folder or git URL of the metadata. Default: rdo.toml's, this folder, or RDO's.",
    )
    @functools.wraps(command)
    def with_asked(source: str | None, file: str | None, fetch: bool, **kwargs: Any) -> Any:
        app = click.get_current_context().find_object(App) or App()
        return command(asked=Asked(app, source or "", file or "", fetch), **kwargs)

    return with_asked


def answer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the output format, passed to the command as `answer`."""

    @click.option("--names", is_flag=True, help="Print names only.")
    @click.option("--yaml", "as_yaml", is_flag=True, help="Print the result as YAML.")
    @output.json_option
    @functools.wraps(command)
    def with_answer(names: bool, as_yaml: bool, as_json: bool, **kwargs: Any) -> Any:
        return command(answer=Answer(names, as_yaml, as_json), **kwargs)

    return with_answer


def tag_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that applies a tag, passed to the command as `apply_tag`."""
    help_text = "Apply the overrides of this tag."
    return click.option("--apply-tag", "-t", metavar="TAG", help=help_text)(command)


def in_words(value: Any) -> str:
    """Return a value of the metadata as one line of text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {in_words(below)}" for key, below in value.items())
    if isinstance(value, list):
        return ", ".join(map(in_words, value))
    return "" if value is None else str(value)


def in_yaml(value: Any) -> str:
    """Return a value as YAML, with its keys in their original order."""
    import yaml

    return yaml.safe_dump(
        output.plain(value), sort_keys=False, allow_unicode=True, default_flow_style=False
    ).rstrip()
