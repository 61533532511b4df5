"""`rdo repo release-rpm`: build the package with which hosts install from a target."""

import tempfile
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import complete, output
from rdo.errors import CommandError
from rdo.model.build import Built, Failed


@click.command("release-rpm")
@click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target to install from (optional if there is only one).",
)
@click.option(
    "--name",
    default="consistent",
    show_default=True,
    help="Name that hosts follow: current, consistent, or a promotion.",
)
@click.option(
    "--pin",
    is_flag=True,
    help="Use the repository that the name leads to now, for good; rdo trunk purge may remove it.",
)
@click.option(
    "--url", metavar="URL", help="Where hosts find the target's tree. Default: as in rdo.toml."
)
@click.option(
    "--release-number",
    "number",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Release of the RPM; raise it to replace one that hosts have.",
)
@output.results_option("Folder for the RPM and its log.")
@click.option(
    "--publish",
    is_flag=True,
    help="Also put it at the top of the target's tree, as rdo-release.rpm.",
)
@click.option("--dry-run", is_flag=True, help="Show the .repo file, and build nothing.")
@output.json_option
@click.pass_obj
def release_rpm(
    app: App,
    target: str | None,
    name: str,
    pin: bool,
    url: str | None,
    number: int,
    results: Path,
    publish: bool,
    dry_run: bool,
    as_json: bool,
) -> None:  # one parameter per option
    """Build rdo-release, the package that lets a host install from a target.

    It configures the repositories of the target's release and of its dependencies, at addresses
    that do not change from round to round, and contains the keys of a signed target.

    \b
    rdo repo release-rpm --target master-deb12 --publish
    dnf install -y http://HOST/master-deb12/repos/rdo-release.rpm
    """
    from rdo.app.targets import release_package, signer
    from rdo.bridge.protocol import NoBridge
    from rdo.distgit.local_build import LocalBuild, build_local
    from rdo.publish.release_package import SOURCE_DATE, offer

    target = app.settings.only_target(target)
    package = release_package(
        app.settings, target, name, is_pinned=pin, number=number, url=url or ""
    )
    answer: dict[str, object] = {
        "name": "rdo-release",
        "version": package.version,
        "repositories": [
            {"id": one.id, "url": one.url, "priority": one.priority} for one in package.sections
        ],
    }
    if dry_run:
        output.show(answer, as_json, package.repo_file.rstrip())
        return
    workshop = app.workplaces.bare_workshop(app.settings.target(target).platform)
    with tempfile.TemporaryDirectory(prefix="rdo-release-") as scratch:
        spec = package.write(Path(scratch))
        job = LocalBuild(spec, results, source_date=SOURCE_DATE)
        outcome = build_local(job, workshop, NoBridge())
    if not isinstance(outcome, Built):
        reason = outcome.detail if isinstance(outcome, Failed) else str(outcome)
        raise CommandError(f"rdo-release cannot be built: {reason}", hint=f"log: {results}")
    (rpm,) = (path for path in outcome.rpms if not path.name.endswith(".src.rpm"))
    if signs := signer(app.settings, target):
        signs.sign_in_place(rpm)
    answer["rpm"] = rpm
    lines = [f"built {rpm}"]
    if publish:
        offer(rpm, app.settings.target_folder(target) / "repos")
        answer["url"] = (
            f"{url.rstrip('/') if url else app.settings.tree_url(target)}/rdo-release.rpm"
        )
        lines.append(f"a host installs it with: dnf install -y {answer['url']}")
    output.show(answer, as_json, "\n".join(lines))
