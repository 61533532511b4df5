"""%sysusers_create_compat: make a %pre scriptlet from a sysusers.d file.

Runs while a spec is parsed. The scriptlet uses only `getent`, `groupadd`, `useradd` and
`usermod`, so that it works where systemd is not installed.
"""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path


def scriptlet(text: str) -> Iterator[str]:
    """Yield shell lines for the lines of a sysusers.d file.

    Raise ValueError that names a wrong line.

    >>> list(scriptlet("g render 105"))
    ['getent group render >/dev/null || groupadd -r -g 105 render']
    >>> list(scriptlet("m nova kvm"))[0]
    'getent group kvm >/dev/null || groupadd -r kvm'
    """
    for number, line in enumerate(text.splitlines(), 1):
        fields = shlex.split(line, comments=True)
        if not fields:
            continue
        kind, name, number_, comment, home, shell = (*fields, *["-"] * 6)[:6]
        match kind.rstrip("!"):
            case "u" if len(fields) >= 2:
                yield from _user(name, number_, comment, home, shell)
            case "g" if len(fields) >= 2:
                yield _group(name, number_)
            case "m" if len(fields) == 3:
                yield _group(number_, "-")
                yield f"usermod -a -G {shlex.quote(number_)} {shlex.quote(name)}"
            case "r":
                pass  # a range of numbers from which others are allocated
            case _:
                raise ValueError(f"line {number} is not in the format of sysusers.d: {line}")


def _group(name: str, number: str) -> str:
    option = "" if number == "-" or number.startswith("/") else f"-g {number} "
    return f"getent group {shlex.quote(name)} >/dev/null || groupadd -r {option}{shlex.quote(name)}"


def _user(name: str, number: str, comment: str, home: str, shell: str) -> Iterator[str]:
    user, _, group = number.partition(":")
    if not group or group.isdigit():
        yield _group(name, group or user)
        group = name
    options = ["-r", "-g", group]
    if user != "-" and not user.startswith("/"):
        options += ["-u", user]
    options += ["-d", "/" if home == "-" else home]
    options += ["-s", "/usr/sbin/nologin" if shell == "-" else shell]
    if comment != "-":
        options += ["-c", comment]
    yield f"getent passwd {shlex.quote(name)} >/dev/null || useradd {shlex.join([*options, name])}"


def main(argv: list[str]) -> int:
    for name in argv:
        try:
            lines = list(scriptlet(Path(name).read_text()))
        except (OSError, ValueError) as error:
            sys.exit(f"%sysusers_create_compat: {name}: {error}")
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0
