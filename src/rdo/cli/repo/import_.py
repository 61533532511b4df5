"""`rdo repo import`: import what another instance has built and published."""

from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.cli.progress import live
from rdo.cli.repo.options import target_option
from rdo.errors import ConfigError, NotFoundError
from rdo.trunk.context import open_trunk
from rdo.trunk.importing.importing import RepositoryImport, import_repository

_ARMOR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_KEY_BYTES = 1_000_000


@click.command("import")
@click.argument("url", metavar="URL")
@target_option
@click.option(
    "--commit",
    metavar="HASH",
    default="",
    help="Import only packages whose upstream commit begins with this.",
)
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Public key that must have signed each RPM.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be imported; change nothing.")
@output.json_option
@click.pass_obj
def import_(
    app: App,
    url: str,
    target: str | None,
    commit: str,
    key: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the packages of the repository at URL, of another factory or of DLRN.

    URL is a name or a hash directory in the other tree; import-from of the target must allow the
    address. Each RPM is compared with the checksum in the repository's metadata. The first RPM is
    published only after all of them are downloaded and verified. Run an import that was killed
    again: it downloads what is missing. A package that has a newer commit here is left out.

    \b
    rdo repo import https://trunk.example.org/repos/consistent --dry-run
    rdo repo import https://trunk.example.org/repos/consistent --key RPM-GPG-KEY
    rdo repo import https://trunk.example.org/repos/consistent --commit 1a2b3c4d
    """
    name = app.settings.only_target(target)
    content = _public_key(key) if key else b""
    with live("reading the other repository"):
        done = import_repository(
            open_trunk(app, name),
            url,
            app.settings.target(name).import_from,
            commit=commit.lower(),
            key=content,
            dry_run=dry_run,
        )
    output.show(done, as_json, _summary(done))


def _public_key(file: Path) -> bytes:
    if not file.is_file():
        raise NotFoundError(f"there is no key {file}")
    with file.open("rb") as opened:
        content = opened.read(_KEY_BYTES)
    if _ARMOR not in content:
        raise ConfigError(
            f"{file} is not a public key in text form", hint="gpg --armor --export writes one"
        )
    return content


def _summary(done: RepositoryImport) -> str:
    lines = [f"{commit}: would be imported" for commit in done.would]
    lines += [
        f"{one.commit}: build {one.build_id}"
        if one.build_id
        else f"{one.commit}: it or a newer commit is here"
        for one in done.commits
    ]
    if done.would:
        lines.append(f"{done.size / 1e6:.1f} MB to download")
    return "\n".join(lines)
