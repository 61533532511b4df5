"""Files, settings in files, links and folders of the host."""

import os
import stat
from pathlib import Path

from rdo.deploy.on_host.acts import HostFault, Wanted, first_of, owner_ids, write
from rdo.deploy.on_host.ini import merge


def look_file(wanted: Wanted) -> "list[str]":
    """Return what differs: the content or the permissions."""
    path = Path(first_of(wanted["path"]))
    if not path.is_file():
        return [f"{path}: new"]
    if path.read_text(errors="replace") != wanted["content"]:
        return [f"{path}: content"]
    return _rights(path, wanted)


def make_file(wanted: Wanted) -> None:
    """Write the file as it is wanted."""
    path = Path(first_of(wanted["path"]))
    uid, gid = _ids(path, wanted)
    write(path, wanted["content"], uid=uid, gid=gid, mode=wanted["mode"])


def look_settings(wanted: Wanted) -> "list[str]":
    """Return the names of the settings that differ, without values, which may be secrets."""
    path = Path(first_of(wanted["path"]))
    if not path.is_file():
        return [f"{path}: new"]
    _, changed = merge(path.read_text(errors="replace"), _values(wanted))
    if changed:
        return [f"{path}: {', '.join(changed)}"]
    return _rights(path, wanted)


def make_settings(wanted: Wanted) -> None:
    """Change the settings, and leave all other lines of the file as they are."""
    path = Path(first_of(wanted["path"]))
    old = path.read_text(errors="replace") if path.is_file() else ""
    text, _ = merge(old, _values(wanted))
    uid, gid = _ids(path, wanted)
    write(path, text, uid=uid, gid=gid, mode=wanted["mode"])


def look_link(wanted: Wanted) -> "list[str]":
    """Return whether the link points elsewhere."""
    path = Path(first_of(wanted["path"]))
    if path.is_symlink() and str(path.readlink()) == wanted["target"]:
        return []
    return [f"{path}: leads to {wanted['target']}"]


def make_link(wanted: Wanted) -> None:
    """Make the link by one rename."""
    path = Path(first_of(wanted["path"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.rdo")
    new.unlink(missing_ok=True)
    new.symlink_to(wanted["target"])
    new.replace(path)


def look_folder(wanted: Wanted) -> "list[str]":
    """Return what differs: the folder is missing, or has other permissions."""
    path = Path(wanted["path"])
    return _rights(path, wanted) if path.is_dir() else [f"{path}: new"]


def make_folder(wanted: Wanted) -> None:
    """Make the folder with its owner and mode."""
    path = Path(wanted["path"])
    path.mkdir(parents=True, exist_ok=True)
    uid, gid = _ids(path, wanted)
    os.chown(path, uid, gid)
    path.chmod(wanted["mode"])


def _values(wanted: Wanted) -> "dict[str, dict[str, str]]":
    """Return the settings; of a pair of values, the first is used if the host has /dev/kvm."""
    return {
        section: {name: _chosen(value) for name, value in settings.items()}
        for section, settings in wanted["settings"].items()
    }


def _chosen(value: object) -> str:
    if isinstance(value, list):
        return str(value[0] if os.access("/dev/kvm", os.R_OK | os.W_OK) else value[1])
    return str(value)


def _rights(path: Path, wanted: Wanted) -> "list[str]":
    found = path.stat()
    uid, gid = _ids(path, wanted)
    if (found.st_uid, found.st_gid) != (uid, gid):
        return [f"{path}: owner"]
    mode = stat.S_IMODE(found.st_mode)
    return [] if mode == wanted["mode"] else [f"{path}: mode {mode:04o}"]


def _ids(path: Path, wanted: Wanted) -> "tuple[int, int]":
    try:
        return owner_ids(wanted["owner"], wanted["group"])
    except KeyError as error:
        missing = str(error).strip("'\"")
        raise HostFault(f"{path}: {missing}", "is the package installed that makes it?") from None
