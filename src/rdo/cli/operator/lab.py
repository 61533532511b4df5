"""`rdo lab`: hosts made of nothing but RPMs of a platform and a target, to try them on."""

from pathlib import Path

import click

from rdo import atomic
from rdo.app import App
from rdo.cli import complete, output
from rdo.cli.lazy import LazyGroup
from rdo.cli.output_file import OutputFile
from rdo.cli.progress import live
from rdo.lab.addresses import web_url
from rdo.lab.labs import Lab, LabPurpose, Labs, check_name

_target = click.option(
    "--target",
    metavar="T",
    shell_complete=complete.targets,
    help="Target to use (optional if there is only one).",
)


@click.group(cls=LazyGroup)
def lab() -> None:
    """Start test hosts made of a target's RPMs, and use them.

    Each lab has its own isolated network. Its hosts can reach the target's published tree; only
    this machine can reach the hosts. Only root can start a lab.

    \b
    rdo lab up try --hosts 2
    rdo lab ssh host1 -- dnf install -y python3-oslo-config
    rdo lab reset try
    rdo lab down try
    """


@lab.command()
@click.argument("name")
@click.option("--hosts", default=1, show_default=True, help="How many hosts to start.")
@_target
@click.option(
    "--name",
    "repository",
    default="consistent",
    show_default=True,
    help="Name of the target's repository that the hosts install from.",
)
@click.option(
    "--memory",
    metavar="GB",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Memory per host; the hosts share the total.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be started, and start nothing.")
@output.json_option
@click.pass_obj
def up(
    app: App,
    name: str,
    hosts: int,
    target: str | None,
    repository: str,
    memory: int,
    dry_run: bool,
    as_json: bool,
) -> None:  # one parameter per option
    """Start the lab NAME; it is up when every host answers by ssh."""
    check_name(name)
    chosen = app.settings.only_target(target)
    path = f"{chosen}/repos"
    repo_files = app.served_repo_files(
        chosen, repository, web_url(path), lambda other: web_url(f"{other}/repos")
    )
    trees = {chosen, *(one.target for one in app.depending(chosen).followed())}
    platform = app.platforms.find(app.settings.target(chosen).platform)
    if dry_run:
        plan = {"name": name, "hosts": hosts, "target": chosen, "repository": repository}
        said = f"would start lab {name}: {hosts} host(s) of {chosen}/{repository}"
        output.show(plan, as_json, f"{said} on {platform.name}")
        return
    with live(f"making the image of a host of {platform.name}"):
        image = app.host_image(chosen, repository)
    purpose = LabPurpose(
        target=chosen,
        repository=repository,
        hosts=hosts,
        releasever=platform.releasever,
        layers=image.layers,
        served={f"{one}/repos": app.settings.target_folder(one) / "repos" for one in trees},
        repo_files=repo_files,
        memory_gb=memory,
    )
    with live(f"booting {name}"):
        found = _labs(app).up(name, purpose)
    _show([found], as_json)


@lab.command("list")
@output.json_option
@click.pass_obj
def list_labs(app: App, as_json: bool) -> None:
    """List the labs of this data folder, with their hosts."""
    _show(_labs(app).all(), as_json)


@lab.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def ssh(ctx: click.Context, host: str, command: tuple[str, ...]) -> None:
    """Open a root shell on HOST, or run COMMAND there and exit with its code.

    HOST is the name of a host, or LAB/HOST if there are several labs. One word of COMMAND is read
    by a shell there; several words are passed on as they are.

    \b
    rdo lab ssh host1
    rdo lab ssh try/host2 -- systemctl is-system-running
    """
    labs = _labs(ctx.obj)
    name, chosen = labs.host_of(host)
    ctx.exit(labs.ssh(name, chosen).hand_over(command))


@lab.command()
@click.argument("name")
@output.json_option
@click.pass_obj
def reset(app: App, name: str, as_json: bool) -> None:
    """Reset the lab NAME to its first boot; everything its hosts have written is lost."""
    with live(f"booting {name}"):
        found = _labs(app).reset(name)
    _show([found], as_json)


@lab.command()
@click.argument("name")
@click.pass_obj
def down(app: App, name: str) -> None:
    """Stop the lab NAME, and remove its hosts and networks."""
    _labs(app).down(name)
    output.say(f"removed lab {name}")


@lab.command("guest-image")
@click.argument("file", type=OutputFile())
@_target
@click.option(
    "--name",
    "repository",
    default="consistent",
    show_default=True,
    help="Name of the target's repository.",
)
@click.pass_obj
def guest_image(app: App, file: Path, target: str | None, repository: str) -> None:
    """Write the disk image of a small guest to FILE, to try a cloud with.

    It boots without internet and with 128 MB of memory, and prints on its serial console which
    address it was given. Hosts of a lab have it as /usr/share/rdo-guest-image/guest.img.
    """
    with live("making the image of a guest"):
        made = app.guest_image(app.settings.only_target(target), repository)
    atomic.write_file(file, made.disk.read_bytes())
    output.say(f"wrote {file}, a raw disk image")


def _labs(app: App) -> Labs:
    return Labs(app.settings.data / "labs")


def _show(labs: list[Lab], as_json: bool) -> None:
    rows = [
        (one.name, one.state, host.name, host.address, f"{one.target}/{one.repository}")
        for one in labs
        for host in one.hosts
    ]
    output.show(labs, as_json, output.Table(("lab", "state", "host", "address", "from"), rows))
