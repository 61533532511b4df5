"""`rdo distgit`: the server side of dist-git, by plain git and OpenSSH."""

import contextlib
import getpass
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.operator.listening import check_proxies, listening_options
from rdo.errors import RefusedError, UserError

if TYPE_CHECKING:
    from rdo.distgit.served.server import DistgitServer
    from rdo.tools.supervised import Supervised
    from rdo.web.lookaside.uploaders import Uploaders

log = logging.getLogger(__name__)

_folder = click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))


@click.group()
def distgit() -> None:
    """Serve distgits from bare repositories in a folder, and check what is pushed to them.

    The metadata defines which distgits exist and who maintains them; all other settings are in
    [distgit-server] of rdo.toml.

    \b
    rdo distgit sync /srv/distgit
    rdo distgit serve /srv/distgit --ssh-port 2222
    """


@distgit.command()
@_folder
@listening_options(8082)
@click.option(
    "--ssh-port",
    metavar="N",
    type=click.IntRange(0, 65535),
    help="Also run an sshd for git on this port; 0 chooses a free port.",
)
@click.pass_obj
def serve(
    app: App,
    folder: Path,
    host: str,
    port: int,
    ssh_port: int | None,
    user_header: str,
    proxies: tuple[str, ...],
) -> None:  # one parameter per option
    """Serve the distgits in DIR until SIGTERM or Ctrl-C: all may read, maintainers may push.

    It speaks HTTP: put a proxy with TLS in front of it. With --ssh-port, people with a key in the
    file `keys` also clone and push by ssh, as the user who runs this. Changed keys apply from the
    next start, or at once after `rdo distgit keys DIR --write`.
    """
    from rdo.distgit.served.server import DistgitServer
    from rdo.web.distgit.application import distgits
    from rdo.web.serving import listen, url_of
    from rdo.web.serving import serve as serve_application

    check_proxies(user_header, proxies)
    server = DistgitServer(app, folder)
    pushers = _pushers(server.section.passwords, user_header, proxies)
    server.hooks().write()
    sshd = _sshd(server, host, ssh_port) if ssh_port is not None else None
    with listen(host, port) as listener:
        log.info("serving %s at %s", folder, url_of(listener))
        with sshd or contextlib.nullcontext():
            serve_application(distgits(server, pushers), listener)
    log.info("the server has ended")


def _pushers(passwords: Path | None, user_header: str, proxies: tuple[str, ...]) -> "Uploaders":
    from rdo.web.lookaside.uploaders import Uploaders, read_users

    return Uploaders(read_users(passwords) if passwords else {}, user_header, frozenset(proxies))


def _sshd(server: "DistgitServer", host: str, port: int) -> "Supervised":
    from rdo.tools.hosts.sshd import GitSshd, free_port
    from rdo.tools.supervised import Supervised

    number = free_port(host, port)
    sshd = GitSshd(server.folder.ssh, host, number)
    command = sshd.prepare(server.authorized_keys())
    log.info("serving %s at ssh://%s@%s:%d/", server.path, getpass.getuser(), host, number)
    return Supervised("sshd", *command, grace=10.0)


@distgit.command()
@_folder
@click.option("--dry-run", is_flag=True, help="Show what is missing.")
@output.json_option
@click.pass_obj
def sync(app: App, folder: Path, dry_run: bool, as_json: bool) -> None:
    """Make the repositories and branches in DIR that the metadata names and that are missing.

    A new repository is empty until the first push. A new branch begins where the branch of the
    next newer release is. Nothing is removed.
    """
    from rdo.distgit.served.server import DistgitServer
    from rdo.distgit.served.syncing import carry_out, missing

    server = DistgitServer(app, folder)
    known = server.distgits()
    steps = missing(server.folder, known)
    for step in steps if not dry_run else ():
        carry_out(server.folder, step)
        log.info("made %s", step)
    did = "would be made" if dry_run else "made"
    strangers = sorted(set(server.folder.names()) - known.keys())
    lines = [f"{step}" for step in steps] if dry_run else []
    lines += [f"{name}: no package of the metadata uses it" for name in strangers]
    lines += [f"{len(known)} distgits, {len(steps)} repositories and branches {did}"]
    value = {"steps": steps, "unnamed": strangers, "dry_run": dry_run}
    output.show(value, as_json, "\n".join(lines))


@distgit.command()
@_folder
@click.option("--write", "is_written", is_flag=True, help="Write it for the sshd of `serve`.")
@click.pass_obj
def keys(app: App, folder: Path, is_written: bool) -> None:
    """Print the authorized_keys of everybody in the file `keys`, for the machine's own sshd.

    Each key may run git in DIR and nothing else.
    """
    from rdo.distgit.served.server import DistgitServer
    from rdo.tools.hosts.sshd import GitSshd

    server = DistgitServer(app, folder)
    text = server.authorized_keys()
    if is_written:
        GitSshd(server.folder.ssh, "", 0).authorize(text)
        log.info("%d keys may log in", text.count("\n"))
    else:
        output.say(text.rstrip("\n"))


@distgit.command(hidden=True)
@_folder
@click.option("--person", required=True, metavar="ADDRESS")
@click.pass_context
def shell(ctx: click.Context, folder: Path, person: str) -> None:
    """Serve one git command of a person who has logged in by ssh."""
    from rdo.distgit.served.server import DistgitServer
    from rdo.tools.git.serving import parse_request

    service, path = parse_request(os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    sent = os.environ.get("GIT_PROTOCOL", "")
    protocol = sent if sent in {"version=0", "version=1", "version=2"} else ""
    serving = DistgitServer(ctx.obj, folder).serving(path, person, protocol)
    ctx.exit(serving.serve(service))


@distgit.command(hidden=True)
@_folder
@click.argument("name", type=click.Choice(["pre-receive", "post-receive"]))
@click.pass_context
def hook(ctx: click.Context, folder: Path, name: str) -> None:
    """Judge a push (pre-receive), or notify the trunk of it (post-receive): a hook of git."""
    from rdo.distgit.served.server import DistgitServer
    from rdo.tools.git.pushed import RefChange

    server = DistgitServer(ctx.obj, folder)
    repository, person = Path.cwd(), os.environ.get("RDO_DISTGIT_PERSON", "")
    changes = [RefChange.parse(line) for line in sys.stdin]
    if name == "post-receive":
        _tell(ctx.obj, server.urls_of(repository), person)
        return
    faults = server.receiver(repository).faults(person, changes)
    if faults:
        raise RefusedError("the push is refused:\n" + "\n".join(f"  {one}" for one in faults))


def _tell(app: App, urls: tuple[str, ...], person: str) -> None:
    """Announce the pushed repositories to the trunk; a failure here does not undo the push."""
    from rdo.forges.announced import Pushed
    from rdo.trunk.announced.pushes import announce

    try:
        announce(app, Pushed(urls), f"a push by {person}")
    except (UserError, OSError) as error:
        output.say(f"pushed, but the trunk polls it only in its next round: {error}", err=True)
