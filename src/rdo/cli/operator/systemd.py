"""`rdo systemd`: units that do rounds and clean-ups of a factory."""

import os
import shutil
import sys
from pathlib import Path

import click

from rdo.app import App
from rdo.cli import output
from rdo.errors import ConfigError


@click.group()
def systemd() -> None:
    """Run a factory's rounds from systemd."""


@systemd.command()
@click.argument("name", required=False)
@click.option("--user", is_flag=True, help="Write units of this user. Default: of the system.")
@click.option("--dry-run", is_flag=True, help="Print the units; write nothing.")
@output.json_option
@click.pass_obj
def install(app: App, name: str | None, user: bool, dry_run: bool, as_json: bool) -> None:
    """Write units for the factory of rdo.toml, with this program's real path.

    NAME is the instance in the units' names. Default: the name of the factory's folder. System
    units run as the owner of that folder. Run it again after an upgrade to update the units.

    \b
    sudo rdo -C /srv/mydistro systemd install
    rdo -C ~/mydistro systemd install --user --dry-run
    """
    from rdo.starter.units import make_units, write_units

    file = app.configuration.file
    if file is None:
        raise ConfigError("there is no rdo.toml here", hint="name its folder: rdo -C DIR systemd")
    name = name or file.parent.name
    owner = "" if user else _owner(file)
    units = make_units(name, file.parent, _program(), is_of_user=user, owner=owner)
    if dry_run:
        people = "\n".join(f"--- {unit.file}\n{unit.text}" for unit in units)
        output.show(units, as_json, people)
        return
    write_units(units)
    own = "--user " if user else ""
    lines = [f"wrote {unit.file}" for unit in units]
    lines += [f"note: {text}" for text in _left_out(user)]
    lines.append(f"next: systemctl {own}daemon-reload")
    lines.append(f"      systemctl {own}enable --now rdo-trunk@{name}.timer rdo-purge@{name}.timer")
    output.show(units, as_json, "\n".join(lines))


def _owner(file: Path) -> str:
    """Return the name or number of a file's owner; empty for root."""
    number = file.stat().st_uid
    try:
        return file.owner() if number else ""
    except KeyError:
        return str(number)


def _program() -> tuple[str, ...]:
    """Return a command line that starts `rdo` without the PATH of this shell."""
    beside = Path(sys.executable).with_name("rdo")
    if beside.is_file():
        return (str(beside),)
    found = shutil.which("rdo")
    return (os.path.abspath(found),) if found else (sys.executable, "-m", "rdo")  # noqa: PTH100 - keeps links


def _left_out(user: bool) -> list[str]:
    names = sorted(name for name in os.environ if name.startswith("RDO_"))
    notes = [f"{name} is set in this shell, not in the units" for name in names]
    if user:
        notes.append("to run without a login: loginctl enable-linger")
    return notes
