"""Public ssh keys with which users of the host can log in."""

import pwd
from pathlib import Path

from rdo.deploy.on_host.acts import HostFault, Wanted, write


def look_authorized_key(wanted: Wanted) -> "list[str]":
    """Return the key if the user's file lacks it, whatever its comment and options."""
    _, path = _place(wanted["user"])
    kind, text, *comment = wanted["line"].split(maxsplit=2)
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    if any(text in line.split() for line in lines if not line.lstrip().startswith("#")):
        return []
    return [f"{path}: key {' '.join((kind, *comment))}"]


def make_authorized_key(wanted: Wanted) -> None:
    """Add the key to the user's file by one rename; sshd reads it only if the user owns it."""
    user, path = _place(wanted["user"])
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700)
    old = path.read_text(errors="surrogateescape") if path.is_file() else ""
    start = old if not old or old.endswith("\n") else f"{old}\n"
    write(path, f"{start}{wanted['line']}\n", uid=user.pw_uid, gid=user.pw_gid, mode=0o600)


def _place(name: str) -> "tuple[pwd.struct_passwd, Path]":
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise HostFault(f"there is no user {name}") from None
    return user, Path(user.pw_dir, ".ssh/authorized_keys")
