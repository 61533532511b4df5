"""Import the modules of installed RPMs, and verify their files and units; runs inside a root.

stdin: JSON with the names of the RPMs and limits. stdout: JSON with the findings.
"""

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

_MODULE = re.compile(
    r"/usr/lib(?:64)?/python3\.\d+/site-packages/(.+?)(?:\.cpython-[^/]*\.so|\.abi3\.so|\.so|\.py)"
)
_UNIT = re.compile(
    r"/(?:usr/)?lib/systemd/(?:system|user)/[^/]+\.(?:service|socket|timer|path|target|mount)"
)
_NOT_ALONE = {"test", "tests", "testing", "functional", "unit", "conftest", "__main__", "setup"}
"""Modules that only work inside a test run, or that run as programs."""
_MOST_RESTARTS, _MOST_FAILURES, _MOST_LETTERS = 30, 50, 300
_IMPORT = """
import importlib, json, os, sys, warnings
warnings.simplefilter("ignore")
report = os.fdopen(int(sys.argv[1]), "w")
def tell(*row):
    report.write(json.dumps(row) + "\\n")
    report.flush()
for name in json.load(sys.stdin):
    tell("begins", name, "")
    try:
        importlib.import_module(name)
    except BaseException as error:
        tell("failed", name, f"{type(error).__name__}: {error}")
    else:
        tell("imported", name, "")
os._exit(0)
"""


def modules(paths: Sequence[str], exceptions: Sequence[str]) -> list[str]:
    """Return the names of the modules among files, without exceptions; packages come first.

    >>> lib = "/usr/lib/python3.11/site-packages"
    >>> modules([f"{lib}/a/__init__.py", f"{lib}/a/b/c.py", "/usr/bin/a"], ["a.b*"])
    ['a']
    """
    found = set()
    for path in paths:
        if not (match := _MODULE.fullmatch(path)):
            continue
        parts = match[1].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        if parts and all(map(str.isidentifier, parts)) and not _NOT_ALONE.intersection(parts):
            found.add(".".join(parts))
    return sorted(
        name for name in found if not any(fnmatch.fnmatchcase(name, one) for one in exceptions)
    )


def import_all(names: Sequence[str], seconds: float) -> tuple[int, list[tuple[str, str]]]:
    """Import modules in a process; if one ends it, continue with the next in another process.

    Return how many could be imported, and the reason for each of the others.
    """
    left, imported = list(names), 0
    failed: list[tuple[str, str]] = []
    for _ in range(_MOST_RESTARTS):
        if not left:
            break
        ended, rows = one_process(left, seconds)
        done = [name for what, name, _ in rows if what != "begins"]
        imported += sum(what == "imported" for what, _, _ in rows)
        failed += [(name, why[:_MOST_LETTERS]) for what, name, why in rows if what == "failed"]
        begun = next((name for what, name, _ in reversed(rows) if what == "begins"), left[0])
        if begun not in done:
            failed.append((begun, ended))
            done.append(begun)
        left = [name for name in left if name not in set(done)]
    failed += [(name, "not tried: too many earlier modules ended Python") for name in left]
    return imported, failed


def one_process(names: Sequence[str], seconds: float) -> tuple[str, list[tuple[str, str, str]]]:
    """Return how a process that imports modules ended, and what it reported on each."""
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _IMPORT, str(theirs)]
        if sys.version_info >= (3, 11)
        else [sys.executable, "-c", _IMPORT, str(theirs)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(theirs,),
        cwd="/",
        start_new_session=True,
    )
    os.close(theirs)
    try:
        process.communicate(json.dumps(list(names)).encode(), timeout=seconds)
        ended = f"importing it ends Python with status {process.returncode}"
    except subprocess.TimeoutExpired:
        ended = f"importing it does not end within {seconds:g} s"
    kill(process.pid)
    process.wait()
    os.set_blocking(ours, False)
    with os.fdopen(ours, errors="replace") as file:
        return ended, list(rows_of(file))


def kill(group: int) -> None:
    """Kill a process and everything it has started."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def rows_of(lines: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the reports of a process; its last line may be cut off."""
    try:
        for line in lines:
            what, name, why = json.loads(line)
            yield str(what), str(name), str(why)
    except (ValueError, TypeError):
        return


def output(*argv: str) -> list[str]:
    """Return the lines that a program prints, whatever its exit status."""
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    return (done.stdout + done.stderr).splitlines()


def changed_files(rpm: str) -> list[str]:
    """Return the files of an installed package that rpm finds changed, except configuration."""
    lines = output("rpm", "-V", "--nomtime", "--nodeps", rpm)
    kinds = re.compile(r"(\S{9}|missing) {2,4}(?:([cdgln]) )?(/.*)")
    found = ((line, kinds.fullmatch(line)) for line in lines)
    return [line for line, match in found if not match or match[2] not in {"c", "g"}]


def faulty_units(paths: Sequence[str]) -> list[str]:
    """Return systemd's messages about faulty units."""
    words = ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no")
    environment = {**os.environ, "SYSTEMD_LOG_LEVEL": "warning"}
    done = subprocess.run(
        [*words, *paths],
        capture_output=True,
        text=True,
        errors="replace",
        env=environment,
        check=False,
    )
    if done.returncode == 0:
        return []
    said = [line for line in done.stderr.splitlines() if line.strip()]
    return said or [f"systemd-analyze ends with status {done.returncode}"]


def look_at(
    rpm: str, seconds: float, exceptions: Sequence[str], *, has_systemd: bool
) -> dict[str, object]:
    """Return the faults of an installed RPM."""
    paths = output("rpm", "-ql", rpm)
    imported, failed = import_all(modules(paths, exceptions), seconds)
    units = [path for path in paths if _UNIT.fullmatch(path)]
    return {
        "rpm": rpm,
        "imported": imported,
        "not_imported": failed[:_MOST_FAILURES],
        "not_imported_count": len(failed),
        "changed": changed_files(rpm)[:_MOST_FAILURES],
        "units": len(units),
        "faulty_units": faulty_units(units)[:_MOST_FAILURES] if units and has_systemd else [],
    }


def main() -> int:
    question = json.load(sys.stdin)
    has_systemd = shutil.which("systemd-analyze") is not None
    how = question["seconds"], question["exceptions"]
    rows = [look_at(rpm, *how, has_systemd=has_systemd) for rpm in question["rpms"]]
    json.dump({"has_systemd": has_systemd, "rpms": rows}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
