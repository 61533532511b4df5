"""mock from its source tree, as the tests run it: changed nothing on this machine.

The launcher has a mount namespace in which a group `mock` exists, and in which rpm keeps its
database where the tests' distribution has it: Debian's rpm has it in a home folder.
"""

import shutil
import subprocess
import sys
from pathlib import Path

REQUIRES = ("backoff", "distro", "jinja2", "pyroute2", "requests", "rpm", "templated-dictionary")

_LAUNCHER = """\
#!/bin/sh
exec unshare --mount sh -c '
mount --bind {place}/group /etc/group &&
mount --bind {place}/macros.d /usr/lib/rpm/macros.d &&
exec {place}/env/bin/python {place}/py/mock.py "$@"' sh "$@"
"""
_HELPER = """\
#!/bin/sh
exec {place}/env/bin/python {place}/py/mock-hermetic-repo.py "$@"
"""
_DEFAULTS = """\
config_opts['basedir'] = '{place}/lib'
config_opts['cache_topdir'] = '{place}/cache'
"""


def install_mock(source: Path, place: Path) -> Path:
    """Make `place/mock` from a checkout of rpm-software-management/mock; return it."""
    shutil.copytree(source / "mock/py", place / "py")
    shutil.copytree(source / "mock/etc/mock", place / "etc/mock")
    (place / "etc/mock/site-defaults.cfg").write_text(_DEFAULTS.format(place=place))
    groups = Path("/etc/group").read_text()
    (place / "group").write_text(f"{groups}mock:x:64000:\n")
    shutil.copytree("/usr/lib/rpm/macros.d", place / "macros.d")
    (place / "macros.d/macros.dbpath").write_text("%_dbpath /usr/lib/sysimage/rpm\n")
    for name in ("lib", "cache"):
        (place / name).mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(place / "env")], check=True)
    pip = (str(place / "env/bin/python"), "-m", "pip", "--quiet", "install")
    subprocess.run([*pip, *REQUIRES], check=True)
    for name, text in {"mock": _LAUNCHER, "mock-hermetic-repo": _HELPER}.items():
        (place / name).write_text(text.format(place=place))
        (place / name).chmod(0o755)
    return place / "mock"
