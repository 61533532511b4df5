"""Databases and their users in the host's MariaDB, reached as root through its socket."""

import hashlib

from rdo.deploy.on_host.acts import HostFault, Unsure, Wanted, has_program, run

_ROOT = "root: password of MariaDB's administrator"
_IS_ROOT = "User = 'root' AND Host = 'localhost'"


def look_database(wanted: Wanted) -> "list[str]":
    """Return what is missing: the database, its user, the user's password or rights."""
    if not is_installed():
        return [f"{name}: new database" for name in wanted["names"]]
    user = wanted["user"]
    names = set(ask("SHOW DATABASES"))
    needed = [f"{name}: new database" for name in wanted["names"] if name not in names]
    hashed = ask(
        "SELECT JSON_VALUE(Priv, '$.authentication_string') FROM mysql.global_priv "
        f"WHERE User = {_text(user)} AND Host = '%'"
    )
    if not hashed:
        needed.append(f"{user}: new user of the database")
    elif hashed != [_hash(wanted["password"])]:
        needed.append(f"{user}: password of the user of the database")
    granted = set(ask(f"SELECT Db FROM mysql.db WHERE User = {_text(user)} AND Host = '%'"))
    lacking = [name for name in wanted["names"] if name in names and name not in granted]
    return needed + ([f"{user}: rights on {', '.join(lacking)}"] if hashed and lacking else [])


def make_database(wanted: Wanted) -> None:
    """Create the databases and the user, and set the user's password and rights."""
    who = f"{_text(wanted['user'])}@'%'"
    password = _text(wanted["password"])
    words = [f"CREATE USER IF NOT EXISTS {who} IDENTIFIED BY {password}"]
    words.append(f"ALTER USER {who} IDENTIFIED BY {password}")
    for name in wanted["names"]:
        words.append(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8")
        words.append(f"GRANT ALL PRIVILEGES ON `{name}`.* TO {who}")
    ask(";\n".join(words))


def look_root_password(wanted: Wanted) -> "list[str]":
    """Return whether root has another password, or none."""
    if not is_installed():
        return [_ROOT]
    kept = ask(f"SELECT Priv FROM mysql.global_priv WHERE {_IS_ROOT}")
    return [] if any(_hash(wanted["password"]) in row for row in kept) else [_ROOT]


def make_root_password(wanted: Wanted) -> None:
    """Set root's password; the host's own root can still log in by the socket without it."""
    password = f"PASSWORD({_text(wanted['password'])})"
    how = f"mysql_native_password USING {password} OR unix_socket"
    ask(f"ALTER USER root@localhost IDENTIFIED VIA {how}")


def ask(statements: str) -> "list[str]":
    """Return the first column of MariaDB's answer; raise Unsure if MariaDB does not run."""
    command = ("mysql", "--no-defaults", "--user=root", "--batch", "--skip-column-names")
    done = run(*command, stdin=statements, ok=range(256), seconds=60)
    if done.returncode == 0:
        return [line.split("\t")[0] for line in done.stdout.splitlines()]
    said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    if "2002" in said or "2003" in said:
        raise Unsure("mariadb runs")
    if "1045" in said or "1698" in said:
        raise HostFault(
            f"MariaDB refuses root's login by its socket: {said}",
            "give root@localhost the plugin unix_socket again, then apply again",
        )
    raise HostFault(f"MariaDB: {said}")


def is_empty(database: str) -> bool:
    """Whether a database has no tables, or does not exist."""
    where = f"table_schema = {_text(database)}"
    return ask(f"SELECT COUNT(*) FROM information_schema.tables WHERE {where}") == ["0"]


def is_installed() -> bool:
    """Whether the client is installed; if not, the server is missing too."""
    return has_program("mysql")


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _hash(password: str) -> str:
    """Return a password's hash in the form of `mysql_native_password`."""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()
