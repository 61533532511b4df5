"""Open the store of a data folder and detect if its database was lost; backup, restore, check.

`data/.store` holds the identity of the database. If that file or a published tree exists, a missing
or empty database has been lost, and no new one is created in its place.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rdo import lock
from rdo.app.targets import site
from rdo.atomic import write_file
from rdo.errors import ConfigError, RefusedError, UserError
from rdo.publish.names import CONSISTENT, CURRENT
from rdo.publish.tree import Tree
from rdo.publish.upkeep.verify import verify_names
from rdo.store import Store
from rdo.store.database.backup import BackupFile, write_backup
from rdo.store.database.backup import inspect_backup as inspect_backup
from rdo.store.database.engine import database_name
from rdo.store.database.errors import RESTORE_HINT, OlderSchemaError, UnusableStoreError
from rdo.store.database.restore import restore as put_in_place

if TYPE_CHECKING:
    from rdo.app.app import App
    from rdo.config import Settings

MARKER = ".store"
_SHARD = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Restored:
    """A restored backup; `kept` is where the replaced database is, None if there was none."""

    backup: BackupFile
    kept: Path | None


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """The database that was checked, and everything that is wrong with it."""

    database: str
    faults: tuple[str, ...]


def open_store(settings: "Settings", *, reads_only: bool = False) -> Store:
    """Open the database of a data folder; create one only if the folder never had one.

    A reader gets an empty store if there is no database yet, and upgrades an older schema only if
    it may write to the data folder. Raises UnusableStoreError if the database is gone, or belongs
    to another factory.
    """
    known = _identity(settings)
    is_new = not known and not _has_tree(settings.data)
    if reads_only:
        return _open_reader(settings, known, is_new=is_new)
    settings.data.mkdir(parents=True, exist_ok=True)
    with _explaining_lost_database(settings, is_new=is_new):
        store = Store(settings.database_url, is_new=is_new, identity=known)
    _check_identity(store, known, settings.data)
    if not known:
        _remember(settings, store)
    return store


def look_at_store(settings: "Settings") -> str:
    """Return the name of a data folder's database; "" if there is none yet.

    Changes nothing, not even the schema. Raises the errors of `open_store`, and OlderSchemaError.
    """
    known = _identity(settings)
    is_new = not known and not _has_tree(settings.data)
    if is_new and settings.database == "sqlite" and not (settings.data / "rdo.sqlite").exists():
        return ""
    with (
        _explaining_lost_database(settings, is_new=is_new),
        Store(settings.database_url, is_new=False, reads_only=True) as store,
    ):
        if store.identity:
            _check_identity(store, known, settings.data)
        return store.name


def _open_reader(settings: "Settings", known: str, *, is_new: bool) -> Store:
    if is_new and settings.database == "sqlite" and not (settings.data / "rdo.sqlite").exists():
        return Store.of_nothing()
    try:
        with _explaining_lost_database(settings, is_new=is_new):
            store = Store(settings.database_url, is_new=False, reads_only=True)
    except OlderSchemaError:
        if not os.access(settings.data, os.W_OK):
            raise
        return open_store(settings)
    if store.identity:
        _check_identity(store, known, settings.data)
    return store


def known_mark(settings: "Settings") -> str:
    """Return the mark of the database recorded in a data folder; empty if it never had one."""
    known = _identity(settings)
    return mark_of(known) if known else ""


def mark_of(identity: str) -> str:
    """Return a text that identifies a database and may be shown, derived from its identity."""
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _identity(settings: "Settings") -> str:
    """Return the identity recorded for the folder's database; empty if it never had one.

    An identity recorded for another database is used only if there is a published tree.
    """
    try:
        identity, _, name = (settings.data / MARKER).read_text().strip().partition(" ")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return identity if name == _name(settings) or _has_tree(settings.data) else ""


def _remember(settings: "Settings", store: Store) -> None:
    write_file(settings.data / MARKER, f"{store.identity} {_name(settings)}\n")


def _name(settings: "Settings") -> str:
    """Return a name for the database that stays the same when the data folder is moved with it."""
    return "sqlite" if settings.database == "sqlite" else database_name(settings.database_url)


def _has_tree(data: Path) -> bool:
    """Whether anything was published into the folder, even before it had a marker."""
    return any(
        name in {CURRENT, CONSISTENT, "component", "composed"} or _SHARD.fullmatch(name)
        for repos in data.glob("*/repos")
        for name in os.listdir(repos)  # noqa: PTH208 - names alone, also of broken links
    )


@contextlib.contextmanager
def _explaining_lost_database(settings: "Settings", *, is_new: bool) -> Iterator[None]:
    """Explain why a missing database is not simply created again."""
    try:
        yield
    except UnusableStoreError as error:
        if is_new or not str(error).endswith(("does not exist", "is empty")):
            raise
        hint = f"{RESTORE_HINT}\n  to begin again with nothing, move {settings.data} away"
        message = f"{error}, but {settings.data} was made with one"
        raise UnusableStoreError(message, hint=hint) from error


def _check_identity(store: Store, known: str, data: Path) -> None:
    if known in {"", store.identity}:
        return
    store.close()
    raise UnusableStoreError(
        f"database {store.name} is not the one that {data} was made with",
        hint=f"{RESTORE_HINT}\n  if it is the right one, remove {data / MARKER}",
    )


def backup(app: "App", file: Path) -> BackupFile:
    """Copy the database to `file` as it is at this moment; rounds may be running.

    Raises RefusedError if the file cannot be written.
    """
    try:
        return write_backup(app.settings.database_url, file)
    except OSError as error:
        raise RefusedError(f"cannot write {file}: {error.strerror}") from error


def restore(app: "App", file: Path) -> Restored:
    """Replace the database by a backup; the old database is kept aside.

    Raises RefusedError while a round or a publication is running, and if the backup is from another
    factory; UnusableStoreError if the backup is incomplete.
    """
    settings = app.settings
    found, known = inspect_backup(file), _identity(settings)
    if found.identity and known and found.identity != known:
        raise RefusedError(
            f"{file} is a backup of another factory than {settings.data}",
            hint=f"if it is the right one, remove {settings.data / MARKER}",
        )
    settings.data.mkdir(parents=True, exist_ok=True)
    with _nobody_else(settings):
        kept = put_in_place(
            settings.database_url, file, settings.data, identity=known, now=app.now()
        )
        with Store(settings.database_url, is_new=False) as store:
            _remember(settings, store)
    return Restored(found, kept)


@contextlib.contextmanager
def _nobody_else(settings: "Settings") -> Iterator[None]:
    """Block rounds, publications and messages; raises RefusedError if one is running."""
    rounds = {settings.target_folder(name) / "round.lock" for name in settings.targets}
    rounds |= set(settings.data.glob("*/round.lock"))
    others = settings.data.glob("*/publish.lock")
    with contextlib.ExitStack() as stack:
        for path in (*sorted(rounds), *sorted(others), settings.data / "notify.lock"):
            stack.enter_context(lock.hold(path, purpose="rdo db restore"))
        yield


def check(app: "App", file: Path | None = None) -> StoreCheck:
    """Return the faults of the database and of the names in the published trees, or of a backup."""
    name = str(file) if file else database_name(app.settings.database_url)
    try:
        if file:
            inspect_backup(file)
            return StoreCheck(name, ())
        app.reads_only = True
        store = app.store
        faults = store.faults() or list(_name_faults(app, store))
    except (ConfigError, OlderSchemaError) as error:
        return StoreCheck(name, (_with_hint(error),))
    return StoreCheck(store.name, tuple(faults))


def _name_faults(app: "App", store: Store) -> Iterator[str]:
    settings = app.settings
    for target in settings.targets:
        tree = Tree(settings.target_folder(target), store, site(settings, target), clock=app.now)
        for found in verify_names(tree, store):
            yield f"{target}: {found.place}: {found.what}"


def _with_hint(error: UserError) -> str:
    return f"{error}\n  {error.hint}" if error.hint else str(error)
