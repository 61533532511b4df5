"""Verbs of `rdo pkg` that deal with requirements: reqdiff, reqcheck, reqquery, query."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rdo.app.metadata import user_cache
from rdo.cli import complete, output
from rdo.cli.pkg.group import app_here, desk, desk_in_git, dry_run_option, repositories_option
from rdo.cli.pkg.info import info_file_option, load_metadata, local_info_option
from rdo.errors import ConfigError

if TYPE_CHECKING:
    from rdo.distgit.requirements.declared import Wanted
    from rdo.distgit.requirements.requirement_report import RequirementReport
    from rdo.distgit.verb.desk import Desk
    from rdo.metadata.queries import DistRepos
    from rdo.tools.rpm.repoquery import RepoQuery

python_option = click.option(
    "--python-version",
    "-p",
    default="",
    metavar="X.Y",
    help="Python version to evaluate markers for. Default: REQCHECK_PY_VERSION, else 3.9.",
)


log = logging.getLogger(__name__)


@click.command()
@click.argument("refs", nargs=-1, metavar="[REF [REF]]")
@python_option
@output.json_option
def reqdiff(refs: tuple[str, ...], python_version: str, as_json: bool) -> None:
    """Show how upstream's requirements changed between two commits.

    Compares the spec's version with one REF (default: the newest version), or two REFs with each
    other: requirements at run time, of extras, for building and for tests.

    \b
    rdo pkg reqdiff
    rdo pkg reqdiff 1.2.3 2.0.0
    """
    from rdo.distgit.requirements import requirement_report, upstream_source

    if len(refs) > 2:
        raise ConfigError(f"reqdiff compares two commits at most, not {len(refs)}")
    here = desk_in_git()
    python = upstream_source.python_of(here, python_version)
    old, new, found = requirement_report.reqdiff(here, refs, python)
    output.say(f"\nrequirements.txt diff between {old} and {new}:", err=True)
    output.show({"old": old, "new": new, **output.plain(found)}, as_json, found.text())


@click.command()
@click.option("--spec", "-s", "as_spec", is_flag=True, help="Same as -o spec.")
@click.option(
    "--strict",
    "-S",
    is_flag=True,
    help="Fail if requirements are missing (exit code 2) or differ (4).",
)
@click.option(
    "--version",
    "-R",
    "version",
    default="",
    metavar="REF",
    help="Upstream commit to read requirements from. Default: the spec's version.",
)
@click.option("--output", "-o", "form", type=click.Choice(["json", "spec", "text"]), default="text")
@python_option
@click.option(
    "--override",
    "-O",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML file with versions to use instead of upstream's.",
)
@click.option(
    "--autosync", "-a", is_flag=True, help="Update the spec's Requires, and show the diff."
)
@click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Also look up the requirements in this target's repositories.",
)
@repositories_option
@dry_run_option
@output.json_option
def reqcheck(  # one parameter per option
    as_spec: bool,
    strict: bool,
    version: str,
    form: str,
    python_version: str,
    override: Path | None,
    autosync: bool,
    target: str | None,
    repositories: tuple[Path, ...],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Compare upstream's requirements with those of the spec.

    After rdopkg's groups come BuildRequires and extras that the spec lacks, and drift: lines
    of the spec that no longer fit upstream.

    \b
    rdo pkg reqcheck
    rdo pkg reqcheck -R upstream/master --target master-deb12
    rdo pkg reqcheck --autosync --dry-run
    """
    from rdo.distgit.requirements import requirement_report, upstream_source
    from rdo.distgit.requirements.reqcheck import Overrides

    here = desk_in_git()
    python = upstream_source.python_of(here, python_version)
    source = upstream_source.upstream_of(here, version, lambda: _tags(here))
    name = here.spec.reading().name
    overrides = Overrides.read(override, name) if override else Overrides({})
    folders = folders_of(target, repositories)
    report = requirement_report.reqcheck(here, source, python, overrides, folders)
    if autosync:
        report = requirement_report.synchronise(here, report, is_dry=dry_run)
    _show_check(report, here, "spec" if as_spec else form, as_json)
    if strict or report.unknown:
        _judge(report, is_strict=strict)


def _show_check(report: "RequirementReport", here: "Desk", form: str, as_json: bool) -> None:
    from rdo.distgit.requirements.reqcheck import as_json as groups_as_json
    from rdo.distgit.requirements.reqcheck import as_text

    match form:
        case _ if as_json:
            output.show(report, as_json)
        case "json":
            output.show(None, False, groups_as_json(report.rows))
        case "spec":
            output.show(None, False, as_text(report.rows, "Requires:       ", short=True))
        case _:
            output.show(None, False, _in_full(report) if here.is_rdopkg else _in_short(report))


def _in_full(report: "RequirementReport") -> str:
    from rdo.distgit.requirements.reqcheck import as_text

    return _text(report, as_text(report.rows))


def _in_short(report: "RequirementReport") -> str:
    """Return what a person must look at, drift first, and how many requirements are met.

    Upstream's requirements cannot name programs and libraries outside Python.
    """
    from rdo.distgit.requirements.reqcheck import Group, as_text, of_group

    if output.is_verbose():
        return _in_full(report)
    met = len(of_group(report.rows, Group.MET))
    rows = [
        row
        for row in report.rows
        if row.group is not Group.MET
        and (row.group is not Group.EXCESS or row.name.startswith("python"))
    ]
    drift = "\n".join(["DRIFT:", *(f"  {row}" for row in report.drift)]) if report.drift else ""
    rest = _text(replace(report, drift=()), as_text(rows))
    count = f"MET: {met}; rdo -v pkg reqcheck lists them" if met else ""
    return "\n\n".join(filter(None, (drift, rest, count)))


def _text(report: "RequirementReport", groups: str) -> str:
    blocks = [groups] if groups else []
    for title, rows in (
        ("NOT KNOWN", report.unknown),
        ("NOT IN BUILDREQUIRES", [f"{one} ({one.kind})" for one in report.build]),
        ("EXTRAS NOT IN SPEC", [f"{one.name}[{one.extras[0]}]" for one in report.extras]),
        ("DRIFT", report.drift),
        ("REPOSITORIES", report.available),
    ):
        if rows:
            blocks.append("\n".join([f"{title}:", *(f"  {row}" for row in rows)]))
    return "\n\n".join([*blocks, *([report.diff] if report.diff else [])])


def _judge(report: "RequirementReport", *, is_strict: bool) -> None:
    from rdo.distgit.requirements.reqcheck import Group, of_group
    from rdo.distgit.verb.problems import MismatchingDependenciesError, MissingDependenciesError
    from rdo.errors import RefusedError

    if report.unknown:
        log.warning("some of upstream's requirements are unknown: %s", "; ".join(report.unknown))
    if not is_strict:
        return
    if report.unknown:
        raise RefusedError("upstream's requirements are not known without running its build")
    if of_group(report.rows, Group.MISSING):
        raise MissingDependenciesError
    if of_group(report.rows, Group.MISMATCH):
        raise MismatchingDependenciesError


def _tags(here: "Desk") -> Mapping[str, Any]:
    """Return the package's tags in the metadata; they can pin an upstream commit."""
    found = load_metadata().raw(here.package).get("tags")
    return found if isinstance(found, Mapping) else {}


def folders_of(target: str | None, repositories: Sequence[Path]) -> list[Path] | None:
    """Return the folders to search: the named ones, and those a target's builds install from."""
    if not target and not repositories:
        return None
    found = list(repositories)
    if target:
        app = app_here()
        dependencies = app.bridges.of_target(target)
        found += app.repositories(target, "current")
        if bridged := dependencies.repository():
            found.append(bridged)
        found.append(dependencies.wheels.base.metadata)
    return found


@click.command()
@click.argument("where", default="", metavar="[RELEASE(/DIST)]")
@click.option(
    "--reqs-file", "-r", type=click.Path(path_type=Path), help="Read requirements from this file."
)
@click.option(
    "--reqs-ref", "-R", default="", metavar="REF", help="Read requirements from upstream at REF."
)
@click.option("--spec", "-s", "of_spec", is_flag=True, help="Read requirements from the spec.")
@click.option("--load", "-l", is_flag=True, help="Show the results saved in requirements.yml.")
@click.option(
    "--load-file",
    "-L",
    type=click.Path(path_type=Path),
    help="Show the results saved in this file.",
)
@click.option("--dump", "-d", is_flag=True, help="Save the results to requirements.yml.")
@click.option(
    "--dump-file", "-D", type=click.Path(path_type=Path), help="Save the results to this file."
)
@python_option
@click.option("--verbose", "-v", is_flag=True, help="Show what each repository answers.")
@click.option(
    "--info",
    "local_info",
    default="",
    metavar="DIR",
    help="Folder with the metadata. Default: rdopkg's configuration.",
)
@info_file_option
@output.json_option
def reqquery(  # one parameter per option
    where: str,
    reqs_file: Path | None,
    reqs_ref: str,
    of_spec: bool,
    load: bool,
    load_file: Path | None,
    dump: bool,
    dump_file: Path | None,
    python_version: str,
    verbose: bool,
    local_info: str,
    info_file: str,
    as_json: bool,
) -> None:
    """Show which versions of the required packages a release's repositories have.

    \b
    rdo pkg reqquery flamingo/el10s
    rdo pkg reqquery flamingo -R 2.0.0 --dump
    """
    from rdo.distgit.requirements import reqquery as service
    from rdo.errors import RefusedError

    if sum(map(bool, (reqs_file, reqs_ref, of_spec, load, load_file))) > 1:
        raise RefusedError(
            "Invalid usage: Only one requirements source (-r/-R/-s/-l/-L) can be selected."
        )
    if dump and dump_file:
        raise RefusedError("Invalid usage: Only one dump method (-d/-D) can be selected.")
    _quiet_unless(verbose)
    if load or load_file:
        reports = service.load(load_file or Path("requirements.yml"))
    else:
        wanted = _requirements(reqs_file, reqs_ref, of_spec, python_version)
        repos = _repos(where, local_info, info_file)
        reports = service.reqquery(wanted, repos, _repo_query(), is_spec=of_spec)
    if target := dump_file or (Path("requirements.yml") if dump else None):
        service.dump(reports, target)
        output.say(f"Saving query results to file: {target}", err=True)
    people = "\n".join(one.text() for one in reports)
    output.show(service.as_rows(reports), as_json, people)


def _requirements(
    reqs_file: Path | None, reqs_ref: str, of_spec: bool, python_version: str
) -> "list[Wanted]":
    from rdo.distgit.requirements import upstream_source
    from rdo.distgit.requirements.declared import RequirementKind, Wanted, declared, parse_lines
    from rdo.distgit.requirements.reqcheck import stated
    from rdo.distgit.requirements.text_encoding import decoded
    from rdo.errors import NotFoundError, RefusedError

    here = desk()
    python = upstream_source.python_of(here, python_version)
    if reqs_file:
        if not reqs_file.is_file():
            raise NotFoundError(f"File not found: {reqs_file}")
        return parse_lines(decoded(reqs_file.read_bytes()), python)
    here.clone.check()
    if of_spec:
        return [Wanted(one.name, one.versions) for one in stated(here.spec)]
    found = declared(upstream_source.upstream_of(here, reqs_ref, lambda: _tags(here)), python)
    if found.unknown:
        raise RefusedError(
            f"upstream's requirements are not known: {'; '.join(found.unknown)}",
            hint="pass a file with them (-r), or use those of the spec (-s)",
        )
    return [one for one in found.wanted if one.kind is RequirementKind.RUN]


def _repos(where: str, local_info: str, info_file: str) -> "list[DistRepos]":
    from rdo.distgit.requirements.reqquery import guess_releases
    from rdo.distgit.verb.environment import distgit_branch
    from rdo.metadata.queries import distrepos

    info = load_metadata(local_info, info_file).dump()
    release, _, dist = where.partition("/")
    if not release:
        here = desk()
        here.clone.check()
        release, dist = guess_releases(info["releases"], distgit_branch(here))()
        output.say(f"Autodetected filter: {release}/{dist}", err=True)
    return distrepos(info, release, dist)


def _repo_query() -> "RepoQuery":
    from rdo.tools.rpm.repoquery import RepoQuery

    return RepoQuery(user_cache() / "repoquery")


def _quiet_unless(verbose: bool) -> None:
    if not verbose:
        logging.getLogger("rdo.distgit.requirements.reqquery").setLevel(logging.WARNING)


@click.command()
@click.argument("where", metavar="RELEASE(/DIST)")
@click.argument("package")
@click.option("--verbose", "-v", is_flag=True, help="Show what each repository answers.")
@local_info_option
@info_file_option
@output.json_option
def query(
    where: str, package: str, verbose: bool, local_info: str, info_file: str, as_json: bool
) -> None:
    """Show which versions of PACKAGE a release's repositories have.

    \b
    Example: rdo pkg query flamingo/el10s python3-oslo-config
    """
    from rdo.distgit.requirements import reqquery as service

    _quiet_unless(verbose)
    found = service.query(_repos(where, local_info, info_file), package, _repo_query())
    output.show(found, as_json, "\n".join(one.text() for one in found))
